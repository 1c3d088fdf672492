"""What can be taken away from the stage: pictures, vectors, the recipe and a report, made when asked for."""

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

S = st.session_state
SCALE = {"1×": 1, "4×": 4, "8×": 8}


def button(loaded: Loaded, view: View, edit: stage_edit.Edit) -> None:
    """A popover with everything that can be taken away of what the stage shows."""
    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=400):
        pictures(loaded, view, edit)
        vectors(loaded, view, edit)
        reports(loaded, view, edit)
        replay(loaded, view, edit)
        heading(
            "Session",
            "What you made with every checkpoint of this session, and what each page shows, as one file.",
        )
        shown = dict(
            parse_qsl(stage_edit.link(loaded.name, view.id, S.get("colour"), edit, loaded.token_of)[1:])
        )
        session_archive.panel(loaded, shown, offer)


def pictures(loaded: Loaded, view: View, edit: stage_edit.Edit) -> None:
    """Both pictures, the strip and the walk."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        heading("Pictures", "PNG is exact; each pixel becomes a square of so many pixels.")
        size = st.segmented_control(
            "Size of a pixel", list(SCALE), default="4×", key="scale", label_visibility="collapsed", width="content",
        )  # fmt: skip
    scale = SCALE[size or "4×"]
    rendered = partial(render_now, loaded, view, edit, S.get("colour"), scale=scale)
    in_rows(loaded, [
        ("Picture A", "a.png", partial(rendered, "a")),
        ("Picture B", "b.png", partial(rendered, "b")),
        ("Strip, PNG", "strip.png", partial(rendered, "strip")),
        ("Walk, WebP", "walk.webp", partial(rendered, "walk.webp")),
        ("Walk, GIF", "walk.gif", partial(rendered, "walk.gif")),
    ])  # fmt: skip


def vectors(loaded: Loaded, view: View, edit: stage_edit.Edit) -> None:
    """Codes of A, B and the walk."""
    heading("Vectors", "Codes of A, B and the walk between them.")
    rendered = partial(render_now, loaded, view, edit, S.get("colour"))
    in_rows(loaded, [
        ("Vectors, Parquet", "vectors.parquet", partial(rendered, "vectors.parquet")),
        ("Vectors, npz", "vectors.npz", partial(rendered, "vectors.npz")),
    ])  # fmt: skip


def reports(loaded: Loaded, view: View, edit: stage_edit.Edit) -> None:
    """Everything that is shown on one page, and the map to zoom into."""
    heading("To show to others", "One HTML file each, which needs nothing else.")
    rendered = partial(render_now, loaded, view, edit, S.get("colour"))
    in_rows(loaded, [
        ("Report, HTML", "report.html", partial(rendered, "report")),
        ("Map, HTML", "map.html", partial(rendered, "map")),
    ])  # fmt: skip


def replay(loaded: Loaded, view: View, edit: stage_edit.Edit) -> None:
    """What makes the same pictures again: recipe, program, link."""
    heading("Recipe", "Makes the same pictures again: on this page, by command, or in Python.")
    rendered = partial(render_now, loaded, view, edit, S.get("colour"))
    in_rows(loaded, [
        ("Recipe, JSON", "recipe.json", partial(rendered, "recipe.json")),
        ("Python", "recipe.py", partial(rendered, "recipe.py")),
    ])  # fmt: skip
    st.code(link_here(loaded, view, edit), language=None, wrap_lines=False)
    st.caption("`python -m explorer render recipe.json --out a.png`")


def heading(text: str, about: str) -> None:
    """A small heading; what its files are, on hover."""
    st.html(
        f'<div title="{html.escape(about, quote=True)}" style="font-size:.8rem;font-weight:600;opacity:.75;'
        f'padding:.35rem 0 0">{html.escape(text)}</div>'
    )


def in_rows(loaded: Loaded, files: list[tuple[str, str, Callable[[], bytes]]]) -> None:
    """Download buttons, three in a row at most."""
    for start in range(0, len(files), 3):
        row = files[start : start + 3]
        places = st.columns(len(row), gap="xsmall")
        for place, (label, file, content) in zip(places, row, strict=True):
            offer(place, label, f"{loaded.name}-{file}", content)


def offer(
    place: Any, label: str, file: str, make: Callable[[], bytes], unavailable: str | None = None
) -> None:
    """A download button whose bytes are made on the click; disabled where a reason is given, which its tooltip shows."""
    key = f"take-{file.rsplit('-', 1)[-1]}"
    file_button(
        place, label, file, make, key, width="stretch", disabled=unavailable is not None, help=unavailable
    )


def render_now(
    loaded: Loaded, view: View, edit: stage_edit.Edit, colour: str | None, what: str, scale: int = 1
) -> bytes:
    """One of `explorer.sharing.render.WHATS`, decoded by the engine as every frame is."""
    return make(stand(loaded, view, edit, colour), what, partial(engine().decode_sync, loaded), scale)


def link_here(loaded: Loaded, view: View, edit: stage_edit.Edit) -> str:
    """The page's own address with what is shown; the address bar follows a moment later."""
    here = (st.context.url or "").partition("?")[0].rstrip("/")
    return (here and f"{here}/") + stage_edit.link(
        loaded.name, view.id, S.get("colour"), edit, loaded.token_of
    )
