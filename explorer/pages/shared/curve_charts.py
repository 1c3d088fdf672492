"""Charts of training curves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.catalogue.curves import Curves, above_lowest
from explorer.pages.shared.plotly_chart import draw_chart, draw_downloadable_chart

__all__ = ["COLOURS", "curve_chart", "metric_charts"]

UNIT = "nats per image"
HEIGHT = 320  # pixels
LOW = 150  # pixels, of a small chart
# Distinct on light and dark backgrounds; the first is the loss.
COLOURS = ("#4c6ef5", "#e8590c", "#0ca678", "#ae3ec9", "#c2920b", "#0c8599")


def curve_chart(
    curves: Curves, key: str, *, logarithmic: bool = False, height: int = HEIGHT, live: bool = False
) -> None:
    """Draws loss and terms over the steps.

    Arguments:
        curves: At least one step.
        key: Streamlit's key.
        logarithmic: Logarithmic axis; if values are not positive, of each series' distance above its minimum.
        height: In pixels.
        live: Redrawn every second, so without a download.
    """
    shifted = logarithmic and not curves.positive
    title = f"{UNIT}, above the minimum + 1" if shifted else UNIT
    lines = [
        _line(curves, name, values, index, UNIT) | {"y": above_lowest(values) if shifted else values}
        for index, (name, values) in enumerate(curves.series.items())
    ]
    if curves.validation and not shifted:
        lines.append(_validation(curves))
    axis = {"title": {"text": title}, "type": "log" if logarithmic else "linear"}
    _show(
        lines,
        axis,
        key,
        height,
        f"Curves of {', '.join(curves.series)} over {curves.last + 1} steps, in {UNIT}.",
        draw_chart if live else draw_downloadable_chart,
    )


def _validation(curves: Curves) -> dict[str, Any]:
    """The validation loss, dotted."""
    steps, losses = zip(*curves.validation, strict=True)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "validation loss",
        "x": steps,
        "y": losses,
        "line": {"width": 2.5, "color": COLOURS[0], "dash": "dot"},
        "hovertemplate": f"%{{y:,.2f}} {UNIT}<extra>validation</extra>",
    }


def metric_charts(curves: Curves, key: str) -> None:
    """Draws other metrics over the steps, such as the number of codes in use: a small chart each."""
    for index, (name, values) in enumerate(curves.figures.items()):
        axis = {"title": {"text": name}, "rangemode": "tozero"}
        _show(
            [_line(curves, name, values, index, "")],
            axis,
            f"{key}-{index}",
            LOW,
            f"Curve of {name} over {curves.last + 1} steps.",
            draw_chart,
        )


def _line(curves: Curves, name: str, values: list[float], index: int, unit: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines" if len(curves.steps) > 1 else "markers",
        "name": name,
        "x": curves.steps,
        "y": values,
        "customdata": values,
        "line": {"width": 2.5 if name == "loss" else 1.5, "color": COLOURS[index % len(COLOURS)]},
        "hovertemplate": f"%{{customdata:,.2f}} {unit}<extra>{name}</extra>",
    }


def _show(
    lines: list[dict[str, Any]],
    axis: dict[str, Any],
    key: str,
    height: int,
    alt: str,
    show: Callable[..., Any],
) -> None:
    layout = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
        "yaxis": {"automargin": True} | axis,
        "uirevision": key,
    }
    show({"data": lines, "layout": layout}, key, key, alt=alt)
