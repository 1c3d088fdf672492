"""Plotly charts with downloads: a PNG from the corner, interactive HTML from a link below."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from explorer.pages.shared.file_button import file_button
from explorer.sharing.exports import chart_html

__all__ = ["config", "draw_chart", "draw_downloadable_chart"]

# The link is muted and close to its chart.
STYLE = """<style>
[class*="st-key-lx-html-"] { margin: -1rem 0 -0.4rem; }
[class*="st-key-lx-html-"] button { min-height: 0; padding: 0.1rem 0; opacity: 0.7; }
[class*="st-key-lx-html-"] button:is(:hover, :focus-visible) { opacity: 1; }
[class*="st-key-lx-html-"] button p { font-size: 0.8rem; }
</style>"""


def config(name: str, **more: Any) -> dict[str, Any]:
    """Plotly's settings: only a camera in the corner, visible on hover.

    Arguments:
        name: Name of the file, without extension.
        more: Further settings.
    """
    picture = {"format": "png", "scale": 3, "filename": name}
    return {"displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": picture, **more}


def draw_chart(
    figure: Any, key: str, name: str, *, settings: dict[str, Any] | None = None, **more: Any
) -> Any:
    """Draws a chart without the HTML link: for small charts side by side, and for live ones.

    Arguments:
        figure: Plotly figure.
        key: Streamlit's key.
        name: Name of the files, without extension.
        settings: Further settings of Plotly.
        more: Further arguments of `st.plotly_chart`.

    Returns:
        The result of `st.plotly_chart`: the selection, if `on_select` is given.
    """
    return st.plotly_chart(figure, key=key, config=config(name, **(settings or {})), **more)


def draw_downloadable_chart(
    figure: Any, key: str, name: str, *, below: Callable[[], None] | None = None, **more: Any
) -> Any:
    """Draws a chart with a link to interactive HTML; arguments and result as of `draw_chart`.

    `below` draws content between the chart and the link.
    """
    event = draw_chart(figure, key, name, **more)
    if below is not None:
        below()
    st.html(STYLE)
    with st.container(horizontal=True, horizontal_alignment="right", key=f"lx-html-{key}"):
        file_button(
            st,
            "Interactive, HTML",
            f"{name}.html",
            partial(chart_html, figure),
            f"{key}-html",
            type="tertiary",
            icon=":material/download:",
            help="For a PNG, use the camera in the chart's corner",
        )
    return event
