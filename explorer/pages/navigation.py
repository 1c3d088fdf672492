"""The pages and the way from one to another: their links on top, and "show this checkpoint there"."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import NoReturn

import streamlit as st

__all__ = ["PAGES", "bar", "existing", "go", "heading", "show"]

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
# Streamlit's empty header gives its place to the page; only its status and menu can be clicked. The links have a line of
# their own, which breaks in a narrow window. In a row of controls, choices side by side are as high as the other
# controls, so that their labels stand in one line. What is chosen of many is quiet, and the words of a main button are
# dark in the dark, where white on the accent is hard to read. Captions are dark enough to read (WCAG: 4.5).
STYLE = """<style>
.stMainBlockContainer { padding: 0.35rem 1.5rem 0.25rem; max-width: 1720px; position: relative; }
.stAppHeader { background: transparent; pointer-events: none; }
.stAppHeader button, .stAppHeader [role="button"] { pointer-events: auto; }
.st-key-lx-nav { margin: 0 4rem -0.5rem -0.65rem; row-gap: 0; }
.stMultiSelect [data-tag] { background: rgb(115 135 215 / 24%); color: inherit; }
.stMultiSelect [data-tag] * { color: inherit; }
[data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primaryFormSubmit"] { color: light-dark(#fff, #10131a); }
.st-key-lx-nav .stPageLink a { padding: 0.1rem 0.65rem; }
.stHorizontalBlock > .stElementContainer > .stButtonGroup button { min-height: 2.5rem; }
[data-testid="stCaptionContainer"] { opacity: 0.85; }
.stElementContainer:has(> .stHtml > .lx-heading) { position: absolute; }
.lx-heading { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
</style>"""


def existing() -> dict[str, str]:
    """Title -> script of every page that is there."""
    return {title: script for title, script in PAGES.items() if (HERE / f"{script}.py").is_file()}


def heading(title: str) -> None:
    """The page's first heading, for screen readers; on the screen the navigation says where one is."""
    st.html(f'<h1 class="lx-heading">{escape(title)}</h1>')


def bar(pages: list[st.Page]) -> None:
    """The links to all pages; none where there is but one."""
    st.html(STYLE)
    if len(pages) > 1:
        with st.container(key="lx-nav", horizontal=True, gap="xxsmall"):
            for page in pages:
                st.page_link(page)


def go(title: str, checkpoint: str, **more: str) -> NoReturn:
    """Shows a checkpoint on another page, e.g. `go("Explore", "faces-vae")`; `more` goes into its address."""
    show(title, {"model": checkpoint} | more)


def show(title: str, parameters: dict[str, str]) -> NoReturn:
    """Shows another page at an address."""
    st.session_state.pop(DECIDED[title], None)  # the page then takes the address at its word
    st.switch_page(f"{PAGES[title]}.py", query_params=parameters)
