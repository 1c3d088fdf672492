"""The pages in groups, the bar on top that links them and says what is shown, and "show this checkpoint there"."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import NamedTuple, NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

__all__ = ["GROUPS", "PAGES", "YOUR_IMAGES", "Shown", "bar", "existing", "go", "heading", "show", "url_path"]

HERE = Path(__file__).resolve().parents[1]
# Title -> script. They are `model_cards`, not `models`, and `sequences`, not `time`: Streamlit looks for modules in
# this folder first.
PAGES = {
    "Explore": "explore", "Your images": "your_images", "Directions": "directions", "Paths": "paths",
    "Samples": "samples", "Outliers": "outliers", "Compare": "compare", "Anatomy": "anatomy", "Codes": "codes",
    "Time": "sequences", "Models": "model_cards",
}  # fmt: skip
YOUR_IMAGES = "Your images"
# Title -> what the session holds of a page once its address has decided what it shows.
DECIDED = {
    "Explore": "model", "Directions": "lx_page_dr", "Paths": "lx_page_pt", "Samples": "lx_page_sm", "Outliers": "lx_page_ol",
    "Compare": "compare_models", "Anatomy": "lx_page_an", "Codes": "lx_page_cd", "Time": "lx_page_tm",
}  # fmt: skip
# The bar from left to right: a page by itself under its own title, or several behind a button.
GROUPS = {
    "Explore": ("Explore",),
    YOUR_IMAGES: (YOUR_IMAGES,),
    "Edit": ("Directions", "Paths", "Samples"),
    "Check": ("Outliers", "Compare", "Anatomy"),
    "Models": ("Models",),
}
NAME = "Latent Explorer"
# Streamlit's empty header gives its place to the page; only its status and menu can be clicked. The bar is one line; in a
# narrow window the links are a second one. In a row of controls, choices side by side are as high as the other controls,
# so that their labels stand in one line. What is chosen of many is quiet, and the words of a main button are dark in the
# dark, where white on the accent is hard to read. Captions are dark enough to read (WCAG: 4.5).
# A name of any length takes the same room, and a job's progress stands in the corner: nothing moves under a pointer.
# Where the server is gone the shell says so, or a live component; Streamlit's dialog is never painted.
STYLE = """<style>
.stMainBlockContainer { padding: 0.35rem 1.5rem 0.25rem; max-width: 1720px; position: relative; }
.stAppHeader { background: transparent; pointer-events: none; }
.stAppHeader button, .stAppHeader [role="button"] { pointer-events: auto; }
.stMultiSelect [data-tag] { background: rgb(115 135 215 / 24%); color: inherit; }
.stMultiSelect [data-tag] * { color: inherit; }
[data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primaryFormSubmit"] { color: light-dark(#fff, #10131a); }
.stHorizontalBlock > .stElementContainer > .stButtonGroup button:not(label *) { min-height: 2.5rem; }
[data-testid="stCaptionContainer"] { opacity: 0.85; }
.stElementContainer:has(> .stHtml > .lx-heading), .st-key-lx-shell { position: absolute; max-width: 1px; }
body:has(.stApp:not([data-test-connection-state="CONNECTED"])) .stDialog:has([data-testid="stErrorCodeBlock"]) {
  display: none; }
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-lx-job-"]) { position: fixed; z-index: 90; right: 1.25rem;
  bottom: 1.25rem; width: min(400px, calc(100vw - 2.5rem)); padding: 0.6rem 0.9rem; border-radius: 8px;
  background: light-dark(#fff, #1c2028); border: 1px solid light-dark(#dfe2e8, #2e343f);
  box-shadow: 0 6px 20px rgb(0 0 0 / 18%); }
[data-testid="stLayoutWrapper"]:has(> .st-key-sm-picked) { position: sticky; top: 0.5rem; bottom: 0.5rem; z-index: 5;
  background: light-dark(#fff, #13161c); }
.st-key-checkpoint button { width: 8.25rem; justify-content: flex-start; }
.st-key-checkpoint button * { min-width: 0; }
.st-key-checkpoint button p { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
body:has(.lx-reconnecting:not([hidden])) .lx-offline { display: none; }
.lx-heading { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.st-key-lx-nav { margin: 0 4rem -0.5rem 0; flex-wrap: nowrap; min-width: 0; }
.st-key-lx-nav > * { min-width: 0; }
.lx-brand { font-weight: 650; white-space: nowrap; }
.st-key-lx-links { flex-wrap: nowrap; }
.st-key-lx-links .stPageLink a { padding: 0.1rem 0.65rem; }
.st-key-lx-links .stMenuButton button { border: none; background: none; padding: 0.1rem 0.5rem; min-height: 1.9rem; }
.st-key-lx-links .stMenuButton button:hover { background: rgb(128 138 160 / 15%); color: inherit; }
.st-key-lx-links .st-key-lx-here button { background: rgb(128 138 160 / 20%); font-weight: 600; }
.st-key-lx-shown { flex: 1 1 0; }
.lx-shown { font-size: 0.875rem; text-align: right; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.lx-what { opacity: 0.7; }
@media (max-width: 900px) {
  .st-key-lx-nav { flex-wrap: wrap; row-gap: 0; margin-right: 0; }
  .st-key-lx-nav > :has(> .st-key-lx-shown) { flex: 1 1 0; margin-right: 3.5rem; }
  .st-key-lx-nav > :has(> .st-key-lx-links) { order: 1; flex: 1 1 100%; margin-left: -0.5rem; overflow-x: auto; }
}
@media (max-width: 480px) {
  .st-key-lx-links { gap: 0; }
  .st-key-lx-links .stPageLink a { padding: 0.1rem 0.3rem; }
  .st-key-lx-links .stMenuButton button { padding: 0.1rem 0.2rem; }
  .st-key-lx-links p { font-size: 0.84rem; }
  .lx-shown { font-size: 0.75rem; line-height: 1.15; white-space: normal; }
  .lx-shown .lx-what { display: none; }
}
</style>"""


class Shown(NamedTuple):
    """What a person looks at, as the bar says it."""

    checkpoint: str  # its title, or how many
    data: str
    special: str = ""  # the page that only such a model has; "" where it has none


def url_path(title: str) -> str:
    """The path of a page in an address: "your-images"."""
    return title.lower().replace(" ", "-")


def existing() -> dict[str, str]:
    """Title -> script of every page that is there."""
    return {title: script for title, script in PAGES.items() if (HERE / script / "page.py").is_file()}


def heading(title: str) -> None:
    """The page's first heading, for screen readers; on the screen the navigation says where one is."""
    st.html(f'<h1 class="lx-heading">{escape(title)}</h1>')


def bar(pages: list[st.Page], here: str, shown: Shown | None) -> Callable[[Shown | None], None]:
    """The product's name, the links to the pages, and what is shown.

    Arguments:
        pages: Of the app.
        here: Title of the page that is open.
        shown: What is shown as far as is known before the page has run.

    Returns:
        Tells the bar what is shown once that is known.
    """
    st.html(STYLE)
    of = {page.title: page for page in pages}
    with st.container(key="lx-nav", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(f'<div class="lx-brand">{NAME}</div>', width="content")
        with st.container(
            key="lx-links", horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"
        ):
            for group, titles in GROUPS.items():
                if group == "Models":
                    special = st.empty()
                _links(group, [of[title] for title in titles if title in of], here)
        with st.container(key="lx-shown"):
            state = st.html(_state(shown))

    def tell(found: Shown | None) -> None:
        if found != told[0]:
            state.html(_state(found))
            _special(special, of, found, here)
        told[0] = found

    told = [shown]
    _special(special, of, shown, here)
    return tell


def _links(group: str, pages: list[st.Page], here: str) -> None:
    """A group's link, or a menu of its pages that names the one that is open."""
    if len(pages) == 1:
        st.page_link(pages[0])
    elif pages:
        inside = here in [page.title for page in pages]
        with st.container(key="lx-here" if inside else None, width="content"):
            page = st.menu_button(
                f"{group}: {here}" if inside else group, pages, key=f"lx-menu-{group.lower()}", type="tertiary",
                format_func=lambda page: page.title,
            )  # fmt: skip
        if page is not None:
            st.switch_page(page)


def _special(place: DeltaGenerator, of: dict[str, st.Page], shown: Shown | None, here: str) -> None:
    """The link to the page that only some models have: the one that is open, else that of the model shown."""
    title = here if here in _behind_a_model() else shown.special if shown else ""
    if title in of:
        place.page_link(of[title])
    else:
        place.empty()


def _behind_a_model() -> set[str]:
    """The pages that are in no group."""
    return PAGES.keys() - {title for titles in GROUPS.values() for title in titles}


def _state(shown: Shown | None) -> str:
    if shown is None:
        return '<div class="lx-shown">&nbsp;</div>'
    checkpoint, data = escape(shown.checkpoint), escape(shown.data)
    return (
        f'<div class="lx-shown" data-testid="shown" title="Checkpoint: {checkpoint}. Data set: {data}">'
        f'<span class="lx-what">Checkpoint</span> {checkpoint} · <span class="lx-what">Data</span> {data}</div>'
    )


def go(title: str, checkpoint: str, **more: str) -> NoReturn:
    """Shows a checkpoint on another page, e.g. `go("Explore", "faces-vae")`; `more` goes into its address."""
    show(title, {"model": checkpoint} | more)


def show(title: str, parameters: dict[str, str]) -> NoReturn:
    """Shows another page at an address."""
    kept = st.session_state.get(DECIDED.get(title, ""))  # without it the page takes the address at its word
    if kept is not None and hasattr(kept, "model"):
        kept.model = ""
    else:
        st.session_state.pop(DECIDED.get(title, ""), None)
    st.switch_page(f"{PAGES[title]}/page.py", query_params=parameters)
