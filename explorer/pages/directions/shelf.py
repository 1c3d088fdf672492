"""Saved directions: save, use, rename, delete and restore, export and import, open on Explore."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.fields import TITLE_LENGTH
from explorer.latent.directions.estimators import NAMES
from explorer.latent.directions.mean_difference import Direction
from explorer.pages.directions.estimators import STEPS
from explorer.pages.directions.state import page
from explorer.pages.directions.url import Shown
from explorer.pages.shared import navigation
from explorer.pages.shared.downloads import offer
from explorer.pages.shared.file_button import file_button
from explorer.pages.shared.text import plain, with_code
from explorer.pages.shared.uploader import uploader
from explorer.scene.direction_sources import ResolvedSource
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing import exports
from explorer.workspace import direction_files
from explorer.workspace.storage import own_slug

__all__ = ["as_direction", "same_as", "save", "shelf"]

S = st.session_state
MADE_AT_MOST = 2000  # characters of the description of how a direction was made
STRIP_SCALE = 4  # magnification of the exported strip


def as_direction(
    loaded: Loaded, resolved: ResolvedSource, shown: Shown, vector: NDArray[np.float32], title: str
) -> Direction:
    """The direction shown, under a new name."""
    held = ", ".join(loaded.directions[name].title for name in shown.hold if name in loaded.directions)
    made = [
        resolved.made,
        NAMES[shown.method] if resolved.sides is not None else "",
        f"held fixed: {held}" if held else "",
    ]
    counts = resolved.sides.counts if resolved.sides is not None else (0, 0)
    title = " ".join(title.split())[:TITLE_LENGTH] or "Direction"
    name = own_slug(title, loaded.directions)
    description = "; ".join(part for part in made if part)[:MADE_AT_MOST]
    return Direction(np.asarray(vector, np.float32), name, title, "Yours", *counts, "own", description)


def same_as(loaded: Loaded, vector: NDArray[np.float32]) -> str:
    """The slug of the saved direction that equals a vector; "" if there is none."""
    for name, direction in loaded.directions.items():
        if np.allclose(direction.vector, vector, rtol=1e-4, atol=1e-6 * float(np.abs(vector).max())):
            return name
    return ""


def save(loaded: Loaded, resolved: ResolvedSource, shown: Shown, vector: NDArray[np.float32]) -> None:
    """Controls to name, save, try and export the direction shown."""
    default = default_name(resolved, shown)
    if S.setdefault("dr_named", default) != default:  # the typed name was meant for another direction
        S.dr_named, S.dr_name = default, ""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input("Name", key="dr_name", max_chars=TITLE_LENGTH, width=300, placeholder=default)
        st.button(
            "Save",
            icon=":material/bookmark_add:",
            key="dr_save",
            type="primary",
            on_click=_save,
            args=(loaded, resolved, shown, vector),
        )
        if st.button(
            "Try it on Explore",
            icon=":material/open_in_new:",
            key="dr_try",
            help="Saves the direction if it is new, and opens Explore with it added once to the image",
        ):
            _try(loaded, resolved, shown, vector)
        with st.popover("Export", icon=":material/download:", key="dr_export"):
            direction = as_direction(loaded, resolved, shown, vector, _name(resolved, shown))
            _export(loaded, direction, "now")
            latents = loaded.latents([shown.item]) + np.outer(STEPS, vector).astype(np.float32)
            offer(
                st,
                "Strip, PNG",
                f"{loaded.name}-{direction.name}-strip.png",
                lambda: exports.strip_png(engine().decode_sync(loaded, latents), STRIP_SCALE),
            )


def default_name(resolved: ResolvedSource, shown: Shown) -> str:
    """The name of a direction if none is typed."""
    title = resolved.title[:50] if resolved.sides is None else f"{resolved.title[:50]}, {NAMES[shown.method]}"
    return title + (", others held" if shown.hold else "")


def _name(resolved: ResolvedSource, shown: Shown) -> str:
    return str(S.get("dr_name") or "").strip() or default_name(resolved, shown)


def shelf(loaded: Loaded) -> None:
    """The saved directions, one per line, and the import of others."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown("##### Saved directions")
            with st.popover("Import", icon=":material/upload_file:", key="dr_import"):
                _import(loaded)
        if message := S.pop("dr_failed", ""):
            st.error(with_code(message))
        if message := S.pop("dr_notice", ""):  # a toast outlives the reruns while metrics are computed
            st.toast(with_code(message), icon=":material/check:", duration="long")
        _undo(loaded)
        saved = {name: d for name, d in loaded.directions.items() if d.kind == "own"}
        if not saved:
            st.caption("None yet. Saved directions appear among the sliders on Explore.")
        for name, direction in saved.items():
            _line(loaded, name, direction)


def _line(loaded: Loaded, name: str, direction: Direction) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"dr-line-{name}"):
        with st.container(gap=None):
            st.markdown(f"**{plain(direction.title)}**")
            st.caption(f"`{name}` · {plain(direction.made) or 'imported'}")
        st.button("Use", key=f"dr_use_{name}", on_click=_use, args=(name,), help="Show on this page")
        with st.popover("", icon=":material/edit:", key=f"dr_edit_{name}", help="Rename"):
            st.text_input("Name", direction.title, key=f"dr_title_{name}", max_chars=TITLE_LENGTH)
            st.button("Rename", key=f"dr_rename_{name}", on_click=_rename, args=(loaded, name))
        with st.popover("", icon=":material/download:", key=f"dr_take_{name}", help="Export"):
            _export(loaded, direction, name)
        st.button(
            "",
            icon=":material/delete:",
            key=f"dr_drop_{name}",
            help="Delete; can be undone",
            on_click=_drop,
            args=(loaded, name),
        )


def _export(loaded: Loaded, direction: Direction, key: str) -> None:
    st.caption("With the hash of this checkpoint's weights, and a description of how it was made.")
    file = f"{loaded.name}-{direction.name}"
    for label, ending, make in (
        ("safetensors", "safetensors", direction_files.as_safetensors),
        ("JSON", "json", direction_files.as_json),
    ):
        file_button(
            st,
            label,
            f"{file}.{ending}",
            partial(make, loaded.entry, direction),
            f"dr_file_{ending}_{key}",
            width="stretch",
            icon=":material/download:",
        )


def _import(loaded: Loaded) -> None:
    st.caption(f"A direction of {plain(loaded.name)}, exported as safetensors or JSON.")
    file = uploader(  # a new uploader for each file, as it accepts only one
        "File",
        direction_files.MIB_AT_MOST,
        type=["safetensors", "json"],
        key=f"dr_file_{S.setdefault('dr_files', 0)}",
        label_visibility="collapsed",
    )
    if file is None:
        return
    S.dr_files += 1
    try:
        _import_file(loaded, file.getvalue())
    except (ValueError, OSError) as error:
        S.dr_failed = f"{file.name[:60]} was not imported. {error}"
    st.rerun()


def _import_file(loaded: Loaded, data: bytes) -> None:
    """Saves an imported direction, under a new name if another direction has its name."""
    direction = direction_files.read_direction(loaded.entry, data, loaded.latent)
    known = loaded.directions.get(direction.name)
    if known is not None and not np.array_equal(known.vector, direction.vector):
        direction = replace(direction, name=own_slug(direction.title, loaded.directions))
    loaded.keep_direction(direction)
    S.dr_notice = f"Imported {direction.title}."


def _save(loaded: Loaded, resolved: ResolvedSource, shown: Shown, vector: NDArray[np.float32]) -> None:
    _store(loaded, as_direction(loaded, resolved, shown, vector, _name(resolved, shown)))


def _store(loaded: Loaded, direction: Direction) -> str:
    """Saves a direction; returns its slug, or "" if that failed."""
    try:
        loaded.keep_direction(direction)
    except (ValueError, OSError) as error:
        S.dr_failed = f"{direction.title} was not saved. {error}"
        return ""
    S.dr_notice = f"Saved {direction.title}. It appears among the sliders on Explore; its name in expressions is {direction.name}."
    return direction.name


def _try(loaded: Loaded, resolved: ResolvedSource, shown: Shown, vector: NDArray[np.float32]) -> None:
    name = same_as(loaded, vector) or _store(
        loaded, as_direction(loaded, resolved, shown, vector, _name(resolved, shown))
    )
    if name:
        S.pop("dr_notice", None)
        navigation.go("Explore", loaded.name, a=str(shown.item), a_with=f"{name}:1")


def _use(name: str) -> None:
    page.update(kind="attribute", text=name, method="mean", hold=())


def _rename(loaded: Loaded, name: str) -> None:
    title = " ".join(str(S[f"dr_title_{name}"]).split())
    if not title:
        S.dr_failed = "A direction must have a name. Its name was not changed."
        return
    try:
        loaded.keep_direction(replace(loaded.directions[name], title=title))
    except (ValueError, OSError) as error:
        S.dr_failed = f"The direction was not renamed. {error}"


def _drop(loaded: Loaded, name: str) -> None:
    direction = loaded.directions[name]
    try:
        loaded.drop_direction(name)
    except (ValueError, OSError) as error:
        S.dr_failed = f"{direction.title} was not deleted. {error}"
        return
    S.dr_dropped = (loaded.name, loaded.version, direction)
    page.update(hold=tuple(held for held in page.shown.hold if held != name))


def _undo(loaded: Loaded) -> None:
    dropped = S.get("dr_dropped")
    if dropped is None or dropped[:2] != (loaded.name, loaded.version):
        return
    direction: Direction = dropped[2]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Deleted {plain(direction.title)}.")
        st.button("Undo", icon=":material/undo:", key="dr_undo", on_click=_restore, args=(loaded, direction))


def _restore(loaded: Loaded, direction: Direction) -> None:
    try:
        loaded.keep_direction(direction)
    except (ValueError, OSError) as error:
        S.dr_failed = f"{direction.title} was not restored. {error}"
        return
    S.dr_dropped = None
