"""The pages and the way from one to another: their links on top, and "show this checkpoint there"."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import streamlit as st

__all__ = ["PAGES", "bar", "existing", "go"]

HERE = Path(__file__).resolve().parent
# Title -> script. They are `model_cards`, not `models`, and `sequences`, not `time`: Streamlit looks for modules in
# this folder first.
PAGES = {
    "Explore": "explore", "Directions": "directions", "Paths": "paths", "Samples": "samples", "Outliers": "outliers",
    "Compare": "compare", "Anatomy": "anatomy", "Codes": "codes", "Time": "sequences", "Models": "model_cards",
}  # fmt: skip
# Title -> what a page keeps in the session once its address has decided what it shows.
DECIDED = {
    "Explore": "model", "Directions": "dr_model", "Paths": "pt_model", "Samples": "sm_model", "Outliers": "ol_model",
    "Compare": "compare_models", "Anatomy": "an_model", "Codes": "cd_model", "Time": "tm_model",
}  # fmt: skip
# Streamlit's empty header gives its place to the page; only its status and menu can be clicked. The links stand at
# the right end of the first line, in a line of their own where the window is narrow or Explore's controls are many.
STYLE = """<style>
.stMainBlockContainer { padding: 0.5rem 1.5rem 0.25rem; max-width: 1720px; position: relative; }
.stAppHeader { background: transparent; pointer-events: none; left: auto; right: 28rem; width: auto; }
.stAppHeader button, .stAppHeader [role="button"] { pointer-events: auto; }
.st-key-lx-nav { justify-content: flex-end; margin-bottom: -0.75rem; }
.st-key-lx-nav .stPageLink a { padding: 0.2rem 0.65rem; }
@media (min-width: 1340px) {
  [data-testid="stLayoutWrapper"]:has(> .st-key-lx-nav) {
    position: absolute; top: 0.75rem; right: 1.5rem; width: auto; z-index: 5;
  }
}
@media (min-width: 1340px) and (max-width: 1719px) {
  .stMainBlockContainer:has(.st-key-Dimension_x, .st-key-Direction_x, .st-key-cancel-map)
    [data-testid="stLayoutWrapper"]:has(> .st-key-lx-nav) { position: static; width: 100%; }
}
</style>"""


def existing() -> dict[str, str]:
    """Title -> script of every page that is there."""
    return {title: script for title, script in PAGES.items() if (HERE / f"{script}.py").is_file()}


def bar(pages: list[st.Page]) -> None:
    """The links to all pages; none where there is but one."""
    st.html(STYLE)
    if len(pages) > 1:
        with st.container(key="lx-nav", horizontal=True, gap="xxsmall"):
            for page in pages:
                st.page_link(page)


def go(title: str, checkpoint: str) -> NoReturn:
    """Shows a checkpoint on another page, e.g. `go("Explore", "faces-vae")`."""
    st.session_state.pop(DECIDED[title], None)  # the page then takes the address at its word
    st.switch_page(f"{PAGES[title]}.py", query_params={"model": checkpoint})
