"""Layout helpers: columns that wrap, delayed buttons, a job's progress, the box of problems."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.pages.shared.text import with_code

__all__ = ["job_notice", "late", "show_warnings", "side_by_side"]

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

    For buttons that replace another one, such as "Resume" after "Cancel": the second click of a double click,
    or a click meant for the previous button, must not start something else.

    Arguments:
        name: Unique on the page.
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
    """Columns that wrap at a width of our choice; Streamlit's own wrap at 640 pixels only.

    Arguments:
        widths: Relative width of each.
        key: Streamlit's key, unique on the page.
        narrow: Window width in pixels up to which they may wrap.
        least: Minimum width of a column there, in CSS.
        gap: Gap between columns.
    """
    st.html(STYLE % {"narrow": narrow, "key": key, "least": least})
    with st.container(key=key):
        return st.columns(widths, gap=gap)


def job_notice(share: float, what: str, key: str, *, about: str | None = None) -> bool:
    """A job's progress in the corner of the window, where it shifts nothing under the pointer.

    Arguments:
        share: Fraction done, 0 to 1.
        what: Current step, as text.
        key: Streamlit's key of the Cancel button, unique on the page.
        about: Tooltip of Cancel.

    Returns:
        Whether Cancel was pressed.
    """
    with st.container(key=f"lx-job-{key}", horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(share, with_code(what))
        return st.button("Cancel", key=key, help=about)


def show_warnings(problems: Iterable[str]) -> None:
    """Shows problems in one box, if there are any."""
    lines = [with_code(problem) for problem in problems]
    if lines:
        st.warning("  \n".join(lines), icon=":material/link_off:")
