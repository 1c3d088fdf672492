"""Charts of training curves."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.curves import Curves, above_lowest

__all__ = ["curve_chart"]

UNIT = "nats per image"
HEIGHT = 320  # pixels
# Three to tell loss and terms apart on light and dark; further terms take Streamlit's own.
COLOURS = ("#4c6ef5", "#e8590c", "#0ca678", "#ae3ec9", "#c2920b", "#0c8599")


def curve_chart(curves: Curves, key: str, *, logarithmic: bool = False, height: int = HEIGHT) -> None:
    """Loss and terms over the steps.

    Arguments:
        curves: At least one step.
        key: Streamlit's key.
        logarithmic: A logarithmic axis; with values below 0, of how far each series stands above its lowest.
        height: In pixels.
    """
    shifted = logarithmic and not curves.positive
    title = f"{UNIT}, above its lowest + 1" if shifted else UNIT
    lines: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines" if len(curves.steps) > 1 else "markers",
            "name": name,
            "x": curves.steps,
            "y": above_lowest(values) if shifted else values,
            "customdata": values,
            "line": {"width": 2.5 if name == "loss" else 1.5, "color": COLOURS[place % len(COLOURS)]},
            "hovertemplate": f"%{{customdata:,.2f}} {UNIT}<extra>{name}</extra>",
        }
        for place, (name, values) in enumerate(curves.series.items())
    ]
    layout = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": title}, "type": "log" if logarithmic else "linear", "automargin": True},
        "uirevision": key,
    }
    st.plotly_chart(
        {"data": lines, "layout": layout}, key=key, config={"displaylogo": False, "displayModeBar": False},
        alt=f"Curves of {', '.join(curves.series)} over {curves.last + 1} steps, in {UNIT}.",
    )  # fmt: skip
