"""A Plotly chart as a page shows it: its corner gives a PNG, a link below it a page of its own in which it still moves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from explorer.export import figure_html

__all__ = ["config", "plotted"]


def config(name: str, **more: Any) -> dict[str, Any]:
    """Plotly's settings: nothing but a camera in the corner, shown while the pointer is over the chart.

    Arguments:
        name: Of the file, without its ending.
        more: Further settings.
    """
    picture = {"format": "png", "scale": 3, "filename": name}
    return {"displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": picture, **more}


def plotted(
    figure: Any, key: str, name: str, *, settings: dict[str, Any] | None = None,
    below: Callable[[], None] | None = None, **more: Any,
) -> Any:  # fmt: skip
    """Draws a chart and offers it as interactive HTML.

    Arguments:
        figure: Plotly's.
        key: Streamlit's.
        name: Of the files, without their ending.
        settings: Further settings of Plotly.
        below: Draws what belongs right under the chart, above the link.
        more: Further arguments of `st.plotly_chart`.

    Returns:
        What `st.plotly_chart` gives: what was selected, where that is asked for.
    """
    event = st.plotly_chart(figure, key=key, config=config(name, **(settings or {})), **more)
    if below is not None:
        below()
    with st.container(horizontal=True, horizontal_alignment="right", key=f"lx-html-{key}"):
        st.download_button(
            "Interactive, HTML", partial(figure_html, figure), f"{name}.html", "text/html", key=f"{key}-html",
            type="tertiary", icon=":material/download:", on_click="ignore", help="The camera in its corner gives a PNG",
        )  # fmt: skip
    return event
