"""Downloads from the stage: pictures, vectors, recipe and report, created on the click."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import streamlit as st

from explorer.pages.shared import session_archive
from explorer.pages.shared.file_button import file_button
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.scene.view import View
from explorer.sharing.recipe import stand
from explorer.sharing.render import make
from explorer.workspace import stage_edit

__all__ = ["button"]

SCALE = {"1×": 1, "4×": 4, "8×": 8}


def button(loaded: Loaded, view: View, edit: stage_edit.Edit, colour: str | None) -> None:
    """A popover with all downloads of what the stage shows."""
    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=400):
        pictures(loaded, view, edit, colour)
        vectors(loaded, view, edit, colour)
        reports(loaded, view, edit, colour)
        replay(loaded, view, edit, colour)
        heading(
            "Session",
            "Your directions, groups, pins and pictures of every checkpoint, and what each page shows, as "
            "one file.",
        )
        shown = dict(parse_qsl(stage_edit.link(loaded.name, view.id, colour, edit, loaded.token_of)[1:]))
        session_archive.panel(loaded, shown, offer)


def pictures(loaded: Loaded, view: View, edit: stage_edit.Edit, colour: str | None) -> None:
    """Both pictures, the strip and the animated walk."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        heading("Pictures", "PNG is lossless; each pixel is enlarged to a square of the chosen size.")
        size = st.segmented_control(
            "Size of a pixel",
            list(SCALE),
            default="4×",
            key="scale",
            label_visibility="collapsed",
            width="content",
        )
    scale = SCALE[size or "4×"]
    rendered = partial(render_now, loaded, view, edit, colour, scale=scale)
    in_rows(
        loaded,
        ("Picture A", "a.png", partial(rendered, "a")),
        ("Picture B", "b.png", partial(rendered, "b")),
        ("Strip, PNG", "strip.png", partial(rendered, "strip")),
        ("Walk, WebP", "walk.webp", partial(rendered, "walk.webp")),
        ("Walk, GIF", "walk.gif", partial(rendered, "walk.gif")),
    )


def vectors(loaded: Loaded, view: View, edit: stage_edit.Edit, colour: str | None) -> None:
    """Latents of A, B and the walk."""
    heading("Vectors", "Latents of A, B and the walk between them.")
    rendered = partial(render_now, loaded, view, edit, colour)
    in_rows(
        loaded,
        ("Vectors, Parquet", "vectors.parquet", partial(rendered, "vectors.parquet")),
        ("Vectors, npz", "vectors.npz", partial(rendered, "vectors.npz")),
    )


def reports(loaded: Loaded, view: View, edit: stage_edit.Edit, colour: str | None) -> None:
    """The report (all that the stage shows), and the map alone."""
    heading("For others", "One self-contained HTML file each.")
    rendered = partial(render_now, loaded, view, edit, colour)
    in_rows(
        loaded,
        ("Report, HTML", "report.html", partial(rendered, "report")),
        ("Map, HTML", "map.html", partial(rendered, "map")),
    )


def replay(loaded: Loaded, view: View, edit: stage_edit.Edit, colour: str | None) -> None:
    """What reproduces the pictures: recipe, Python program, link."""
    heading("Recipe", "Reproduces the pictures: on this page, from the command line, or in Python.")
    rendered = partial(render_now, loaded, view, edit, colour)
    in_rows(
        loaded,
        ("Recipe, JSON", "recipe.json", partial(rendered, "recipe.json")),
        ("Python", "recipe.py", partial(rendered, "recipe.py")),
    )
    st.code(link_here(loaded, view, edit, colour), language=None, wrap_lines=False)
    st.caption("`python -m explorer render recipe.json --out a.png`")


def heading(text: str, about: str) -> None:
    """A small heading; `about` is its tooltip."""
    st.html(
        f'<div title="{html.escape(about, quote=True)}" style="font-size:.8rem;font-weight:600;opacity:.75;'
        f'padding:.35rem 0 0">{html.escape(text)}</div>'
    )


def in_rows(loaded: Loaded, *files: tuple[str, str, Callable[[], bytes]]) -> None:
    """Download buttons, at most three in a row."""
    for start in range(0, len(files), 3):
        row = files[start : start + 3]
        columns = st.columns(len(row), gap="xsmall")
        for column, (label, file, content) in zip(columns, row, strict=True):
            offer(column, label, f"{loaded.name}-{file}", content)


def offer(
    place: Any, label: str, file: str, make: Callable[[], bytes], unavailable: str | None = None
) -> None:
    """A download button that makes its file on the click; disabled if there is a reason `unavailable`."""
    key = f"take-{file.rsplit('-', 1)[-1]}"
    file_button(
        place, label, file, make, key, width="stretch", disabled=unavailable is not None, help=unavailable
    )


def render_now(
    loaded: Loaded, view: View, edit: stage_edit.Edit, colour: str | None, what: str, scale: int = 1
) -> bytes:
    """Renders one of `explorer.sharing.render.WHATS`, decoded by the engine."""
    return make(stand(loaded, view, edit, colour), what, partial(engine().decode_sync, loaded), scale)


def link_here(loaded: Loaded, view: View, edit: stage_edit.Edit, colour: str | None) -> str:
    """The address of what is shown; the address bar follows a moment later."""
    here = (st.context.url or "").partition("?")[0].rstrip("/")
    return (here and f"{here}/") + stage_edit.link(loaded.name, view.id, colour, edit, loaded.token_of)
