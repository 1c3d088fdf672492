"""What lies around a handle: its nearest images in latent space and by pixels, and how far the map can be trusted here."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.pages.explore import selection
from explorer.pages.shared.picture import show_picture
from explorer.scene.engine import engine
from explorer.scene.handles import place_handles
from explorer.scene.loaded import Loaded
from explorer.scene.view import View
from explorer.scene.views import trust_of
from explorer.sharing.exports import strip_png
from explorer.workspace import stage_edit

__all__ = ["picker"]

S = st.session_state
SHOWN = 8  # neighbours
BLOCK = 256  # images that are compared at once


def picker(loaded: Loaded, view: View, edit: stage_edit.Edit) -> None:
    """A popover with the neighbours of a handle; found only while it is open."""
    with st.popover("Neighbours", icon=":material/hub:", key="near-open", on_change="rerun") as opened:
        if not opened.open:
            return
        with st.container(width=460, gap="small"):
            name = st.segmented_control("Of handle", ["A", "B"], default="A", key="near-of", required=True)
            with st.spinner("Looking for neighbours …"):
                _around(loaded, view, edit, name)


def _around(loaded: Loaded, view: View, edit: stage_edit.Edit, name: str) -> None:
    z = place_handles(loaded, view, [getattr(edit, name)], edit.residual, edit.level)
    index, distance = loaded.neighbours.nearest(z, min(SHOWN, loaded.count))
    near = [int(item) for item in index[0]]
    _row(loaded, "Nearest in latent space", near, [f"{d:.2f}" for d in distance[0]], f"z-{name}")
    if loaded.originals.state == "ready":
        errors = _pixel_errors(loaded, engine().decode_sync(loaded, z)[0])
        close = [int(item) for item in np.argsort(errors)[:SHOWN]]
        _row(loaded, "Nearest by pixels", close, [f"{errors[item]:.4f}" for item in close], f"x-{name}")
        st.caption(
            f"{len(set(near) & set(close))} of {len(near)} are among both. By pixels: mean squared error to the picture "
            "shown."
        )
    else:
        st.caption(
            "The images of this collection are not on this machine, or still on their way, so none can be compared by "
            "their pixels."
        )
    kept = trust_of(loaded, view)
    here = float(kept[near[0]])
    verdict = (
        "as good as"
        if abs(here - kept.mean()) < 0.1
        else "better than"
        if here > kept.mean()
        else "worse than"
    )
    st.markdown(
        f"**Trust in the map here: {100 * here:.0f} %** of the nearest image's 15 neighbours in latent space are its "
        f"neighbours on the map, {verdict} the map's mean of {100 * float(kept.mean()):.0f} %."
    )
    st.caption("“Colour by: Trust in the map” shows it everywhere.")


def _pixel_errors(loaded: Loaded, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean squared error of a picture to each image of the collection, shape (N,); NaN where one is not there."""
    x = picture.astype(np.float32)
    errors = np.full(loaded.count, np.nan, np.float32)
    for start in range(0, loaded.count, BLOCK):
        rows = range(start, min(start + BLOCK, loaded.count))
        found = loaded.originals.get(rows)
        there = [row for row, each in zip(rows, found, strict=True) if each is not None]
        if there:
            pixels = np.stack([each for each in found if each is not None]).astype(np.float32)
            errors[there] = np.square((pixels - x) / 255).mean((1, 2, 3))
    return errors


def _row(loaded: Loaded, title: str, items: list[int], said: list[str], key: str) -> None:
    """Pictures side by side, numbered as on the stage and in a search, and a button that selects them."""
    found = loaded.originals.get(items)
    if any(picture is None for picture in found):
        found = list(engine().decode_sync(loaded, loaded.codes(items), background=True))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{title}**", width="stretch")
        if st.button("Select them", key=f"near-{key}", type="tertiary"):
            selection.put(loaded, items)
            st.rerun()
    numbers = ", ".join(str(loaded.atlas.ids[item]) for item in items)
    show_picture(strip_png(np.stack([p for p in found if p is not None]), 2), f"{title}: images {numbers}")
    cells = "".join(
        f'<span style="flex:1;text-align:center">{html.escape(loaded.name_of(item)).replace(" ", "<br>")}<br>{html.escape(text)}</span>'
        for item, text in zip(items, said, strict=True)
    )
    st.html(f'<div style="display:flex;font-size:.75rem;opacity:.75;margin-top:-.6rem">{cells}</div>')
