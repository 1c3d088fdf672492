"""The list of pages, the navigation bar, and links from one page to another."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import NamedTuple, NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

__all__ = ["GROUPS", "PAGES", "YOUR_IMAGES", "Shown", "bar", "existing", "go", "heading", "show", "url_path"]

HERE = Path(__file__).resolve().parents[1]
# Title -> folder. `model_cards` instead of `models`, `sequences` instead of `time`: Streamlit searches this
# folder for modules first.
PAGES = {
    "Explore": "explore",
    "Your images": "your_images",
    "Directions": "directions",
    "Paths": "paths",
    "Samples": "samples",
    "Outliers": "outliers",
    "Compare": "compare",
    "Anatomy": "anatomy",
    "Codes": "codes",
    "Time": "sequences",
    "Models": "model_cards",
}
YOUR_IMAGES = "Your images"
# Title -> key of the page's state in the session, once the page has read its address.
DECIDED = {
    "Explore": "lx_page_explore",
    "Directions": "lx_page_dr",
    "Paths": "lx_page_pt",
    "Samples": "lx_page_sm",
    "Outliers": "lx_page_ol",
    "Compare": "lx_page_compare",
    "Anatomy": "lx_page_an",
    "Codes": "lx_page_cd",
    "Time": "lx_page_tm",
}
# The bar from left to right: one page as a link, several as a menu.
GROUPS = {
    "Explore": ("Explore",),
    YOUR_IMAGES: (YOUR_IMAGES,),
    "Edit": ("Directions", "Paths", "Samples"),
    "Check": ("Outliers", "Compare", "Anatomy"),
    "Models": ("Models",),
}
NAME = "Latent Explorer"
# Streamlit's header is transparent; only its status and menu can be clicked. The bar is one line, in a narrow
# window two. Segmented controls in a row are as high as other controls, so that labels align. Tags of a
# multiselect are muted. Text on a primary button is dark in the dark theme, where white on the accent is hard
# to read; captions have a contrast of 4.5 (WCAG). Checkpoint titles have a fixed width and a job's progress a
# fixed position: nothing shifts under the pointer. If the server is gone, the shell or a live component
# reports it instead of Streamlit's dialog.
STYLE = """<style>
.stMainBlockContainer { padding: 0.35rem 1.5rem 0.25rem; max-width: 1720px; position: relative; }
.stAppHeader { background: transparent; pointer-events: none; }
.stAppHeader button, .stAppHeader [role="button"] { pointer-events: auto; }
.stMultiSelect [data-tag] { background: rgb(115 135 215 / 24%); color: inherit; }
.stMultiSelect [data-tag] * { color: inherit; }
[data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primaryFormSubmit"] {
    color: light-dark(#fff, #10131a); }
.stHorizontalBlock > .stElementContainer > .stButtonGroup button:not(label *) { min-height: 2.5rem; }
[data-testid="stCaptionContainer"] { opacity: 0.85; }
.stElementContainer:has(> .stHtml > .lx-heading), .st-key-lx-shell { position: absolute; max-width: 1px; }
body:has(.stApp:not([data-test-connection-state="CONNECTED"]))
    .stDialog:has([data-testid="stErrorCodeBlock"]) {
  display: none; }
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-lx-job-"]) {
    position: fixed; z-index: 90; right: 1.25rem;
  bottom: 1.25rem; width: min(400px, calc(100vw - 2.5rem)); padding: 0.6rem 0.9rem; border-radius: 8px;
  background: light-dark(#fff, #1c2028); border: 1px solid light-dark(#dfe2e8, #2e343f);
  box-shadow: 0 6px 20px rgb(0 0 0 / 18%); }
[data-testid="stLayoutWrapper"]:has(> .st-key-sm-picked) {
    position: sticky; top: 0.5rem; bottom: 0.5rem; z-index: 5;
  background: light-dark(#fff, #13161c); }
.st-key-checkpoint button { width: 8.25rem; justify-content: flex-start; }
.st-key-checkpoint button * { min-width: 0; }
.st-key-checkpoint button p { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
body:has(.lx-reconnecting:not([hidden])) .lx-offline { display: none; }
.lx-heading { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
    white-space: nowrap; }
.st-key-lx-nav { margin: 0 4rem -0.5rem 0; flex-wrap: nowrap; min-width: 0; }
.st-key-lx-nav > * { min-width: 0; }
.lx-brand { font-weight: 650; white-space: nowrap; }
.st-key-lx-links { flex-wrap: nowrap; }
.st-key-lx-links .stPageLink a { padding: 0.1rem 0.65rem; }
.st-key-lx-links .stMenuButton button { border: none; background: none; padding: 0.1rem 0.5rem;
    min-height: 1.9rem; }
.st-key-lx-links .stMenuButton button:hover { background: rgb(128 138 160 / 15%); color: inherit; }
.st-key-lx-links .st-key-lx-here button { background: rgb(128 138 160 / 20%); font-weight: 600; }
.st-key-lx-shown { flex: 1 1 0; }
.lx-shown { font-size: 0.875rem; text-align: right; overflow: hidden; text-overflow: ellipsis;
    white-space: nowrap; }
.lx-what { opacity: 0.7; }
@media (max-width: 900px) {
  .st-key-lx-nav { flex-wrap: wrap; row-gap: 0; margin-right: 0; }
  .st-key-lx-nav > :has(> .st-key-lx-shown) { flex: 1 1 0; margin-right: 3.5rem; }
  .st-key-lx-nav > :has(> .st-key-lx-links) { order: 1; flex: 1 1 100%; margin-left: -0.5rem;
    overflow-x: auto; }
}
@media (max-width: 480px) {
  .st-key-lx-links { gap: 0; flex-wrap: wrap; }
  .st-key-lx-links .stPageLink a { padding: 0.1rem 0.3rem; }
  .st-key-lx-links .stMenuButton button { padding: 0.1rem 0.2rem; }
  .st-key-lx-links p { font-size: 0.84rem; }
  .lx-shown { font-size: 0.75rem; line-height: 1.15; white-space: normal; }
  .lx-shown .lx-what { display: none; }
}
</style>"""


class Shown(NamedTuple):
    """The checkpoint and data that the bar names."""

    checkpoint: str  # title, or the number of checkpoints
    data: str
    special: str = ""  # the page that only this kind of model has; "" if none


def url_path(title: str) -> str:
    """The path of a page in an address, e.g. "your-images"."""
    return title.lower().replace(" ", "-")


def existing() -> dict[str, str]:
    """Title -> folder of every page that exists."""
    return {title: script for title, script in PAGES.items() if (HERE / script / "page.py").is_file()}


def heading(title: str) -> None:
    """The page's main heading, for screen readers only; the bar shows the open page."""
    st.html(f'<h1 class="lx-heading">{escape(title)}</h1>')


def bar(pages: list[st.Page], here: str, shown: Shown | None) -> Callable[[Shown | None], None]:
    """Draws the bar: the product's name, links to the pages, and what is shown.

    Arguments:
        pages: All pages of the app.
        here: Title of the open page.
        shown: What is shown, as known before the page runs.

    Returns:
        A function that updates the bar with what the page shows.
    """
    st.html(STYLE)
    by_title = {page.title: page for page in pages}
    with st.container(key="lx-nav", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(f'<div class="lx-brand">{NAME}</div>', width="content")
        with st.container(
            key="lx-links", horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"
        ):
            for group, titles in GROUPS.items():
                if group == "Models":
                    special = st.empty()
                _links(group, [by_title[title] for title in titles if title in by_title], here)
        with st.container(key="lx-shown"):
            state = st.html(_state(shown))

    def update(after: Shown | None) -> None:
        if after != shown:
            state.html(_state(after))
            _special(special, by_title, after, here)

    _special(special, by_title, shown, here)
    return update


def _links(group: str, pages: list[st.Page], here: str) -> None:
    """A group's link, or a menu of its pages that names the open one."""
    if len(pages) == 1:
        st.page_link(pages[0])
    elif pages:
        inside = here in [page.title for page in pages]
        with st.container(key="lx-here" if inside else None, width="content"):
            page = st.menu_button(
                f"{group}: {here}" if inside else group,
                pages,
                key=f"lx-menu-{group.lower()}",
                type="tertiary",
                format_func=lambda page: page.title,
            )
        if page is not None:
            st.switch_page(page)


def _special(place: DeltaGenerator, by_title: dict[str, st.Page], shown: Shown | None, here: str) -> None:
    """The link to a page that only some models have: the open one, else that of the model shown."""
    title = here if here in _ungrouped() else shown.special if shown else ""
    if title in by_title:
        place.page_link(by_title[title])
    else:
        place.empty()


def _ungrouped() -> set[str]:
    """The pages that are in no group."""
    return PAGES.keys() - {title for titles in GROUPS.values() for title in titles}


def _state(shown: Shown | None) -> str:
    if shown is None:
        return '<div class="lx-shown">&nbsp;</div>'
    checkpoint, data = escape(shown.checkpoint), escape(shown.data)
    return (
        f'<div class="lx-shown" data-testid="shown" title="Checkpoint: {checkpoint}. Data set: {data}">'
        f'<span class="lx-what">Checkpoint</span> {checkpoint} · '
        f'<span class="lx-what">Data</span> {data}</div>'
    )


def go(title: str, checkpoint: str, **more: str) -> NoReturn:
    """Opens another page with a checkpoint, e.g. `go("Explore", "faces-vae")`, and more parameters."""
    show(title, {"model": checkpoint} | more)


def show(title: str, parameters: dict[str, str]) -> NoReturn:
    """Opens another page with the given address parameters."""
    state = st.session_state.get(DECIDED.get(title, ""))
    if state is not None:
        state.reset("", {}, [])  # so that the page reads its address
    st.switch_page(f"{PAGES[title]}/page.py", query_params=parameters)
