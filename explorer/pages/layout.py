"""How parts of a page are laid out: columns that break in a narrow window, and the box of what did not hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.pages.text import plain

__all__ = ["side_by_side", "warn_of"]

STYLE = """<style>
@media (max-width: %(narrow)dpx) {
  .st-key-%(key)s > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  .st-key-%(key)s > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
    > [data-testid="stColumn"] { flex: 1 1 %(least)s; min-width: %(least)s; }
}
</style>"""


def side_by_side(
    widths: Sequence[float],
    key: str,
    *,
    narrow: int = 1000,
    least: str = "100%",
    gap: Literal["small", "large"] = "large",
) -> list[DeltaGenerator]:
    """Columns side by side; in a narrow window below each other, where Streamlit's own wait until 640 pixels.

    Arguments:
        widths: Share of each.
        key: Streamlit's key, its own on the page.
        narrow: In a window of at most so many pixels they may break into lines.
        least: A column's least width there, in CSS.
        gap: Between them.
    """
    st.html(STYLE % {"narrow": narrow, "key": key, "least": least})
    with st.container(key=key):
        return st.columns(widths, gap=gap)


def warn_of(problems: Iterable[str]) -> None:
    """Shows what did not hold, in one box; nothing where there is nothing to tell."""
    told = [plain(problem) for problem in problems]
    if told:
        st.warning("  \n".join(told), icon=":material/link_off:")
