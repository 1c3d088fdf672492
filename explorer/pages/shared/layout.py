"""How parts of a page are laid out: columns that break in a narrow window, late buttons, the box of problems."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.pages.shared.text import plain

__all__ = ["job_notice", "late", "side_by_side", "warn_of"]

STYLE = """<style>
@media (max-width: %(narrow)dpx) {
  .st-key-%(key)s > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  .st-key-%(key)s > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
    > [data-testid="stColumn"] { flex: 1 1 %(least)s; min-width: %(least)s; }
}
</style>"""

LATE = """<style>
@keyframes lx-late { from, to { pointer-events: none; } }
[class*="st-key-lx-late-"] button { animation: lx-late 0.8s; }
</style>"""


def late(name: str) -> DeltaGenerator:
    """A container whose buttons ignore the pointer for 0.8 s after they appear.

    For buttons that come where another one was, such as "Resume" after "Cancel": the second click of a double click,
    or one meant for what was there a moment ago, must not start something else.

    Arguments:
        name: Its own on the page.
    """
    st.html(LATE)
    return st.container(key=f"lx-late-{name}")


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


def job_notice(share: float, what: str, key: str, *, about: str | None = None) -> bool:
    """A job's progress in the corner of the window, where it moves nothing that is under a pointer.

    Arguments:
        share: Done, 0 to 1.
        what: What is being done.
        key: Streamlit's key of the Cancel button, its own on the page.
        about: What a tooltip on Cancel says.

    Returns:
        Whether Cancel was pressed.
    """
    with st.container(key=f"lx-job-{key}", horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(share, what)
        return st.button("Cancel", key=key, help=about)


def warn_of(problems: Iterable[str]) -> None:
    """Shows what did not hold, in one box; nothing where there is nothing to tell."""
    told = [plain(problem) for problem in problems]
    if told:
        st.warning("  \n".join(told), icon=":material/link_off:")
