"""A Plotly chart as a page shows it: its corner gives a PNG, a link below it a page of its own in which it still moves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from explorer.pages.shared.file_button import file_button
from explorer.sharing.exports import chart_html

__all__ = ["config", "drawn", "plotted"]

# The link is quiet and stands close under its chart.
STYLE = """<style>
[class*="st-key-lx-html-"] { margin: -1rem 0 -0.4rem; }
[class*="st-key-lx-html-"] button { min-height: 0; padding: 0.1rem 0; opacity: 0.7; }
[class*="st-key-lx-html-"] button:is(:hover, :focus-visible) { opacity: 1; }
[class*="st-key-lx-html-"] button p { font-size: 0.8rem; }
</style>"""


def config(name: str, **more: Any) -> dict[str, Any]:
    """Plotly's settings: nothing but a camera in the corner, shown while the pointer is over the chart.

    Arguments:
        name: Of the file, without its ending.
        more: Further settings.
    """
    picture = {"format": "png", "scale": 3, "filename": name}
    return {"displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": picture, **more}


def drawn(figure: Any, key: str, name: str, *, settings: dict[str, Any] | None = None, **more: Any) -> Any:
    """Draws a chart with the camera alone: for one of several small charts side by side, or one that changes by itself.

    Arguments:
        figure: Plotly's.
        key: Streamlit's.
        name: Of the files, without their ending.
        settings: Further settings of Plotly.
        more: Further arguments of `st.plotly_chart`.

    Returns:
        What `st.plotly_chart` gives: what was selected, where that is asked for.
    """
    return st.plotly_chart(figure, key=key, config=config(name, **(settings or {})), **more)


def plotted(figure: Any, key: str, name: str, *, below: Callable[[], None] | None = None, **more: Any) -> Any:
    """Draws a chart and offers it as interactive HTML; takes and gives what `drawn` does.

    `below` draws what stands between the chart and its link.
    """
    event = drawn(figure, key, name, **more)
    if below is not None:
        below()
    st.html(STYLE)
    with st.container(horizontal=True, horizontal_alignment="right", key=f"lx-html-{key}"):
        file_button(
            st, "Interactive, HTML", f"{name}.html", partial(chart_html, figure), f"{key}-html",
            type="tertiary", icon=":material/download:", help="The camera in its corner gives a PNG",
        )  # fmt: skip
    return event
