"""A handle's nearest images in latent space and by pixels, and the trust in the map around it."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.latent.neighbours.map_trust import compared_rows
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
BLOCK = 256  # images compared at once


def picker(loaded: Loaded, view: View, edit: stage_edit.Edit) -> None:
    """A popover with the neighbours of a handle, computed only while it is open."""
    with st.popover("Neighbours", icon=":material/hub:", key="near-open", on_change="rerun") as opened:
        if not opened.open:
            return
        with st.container(width=460, gap="small"):
            name = st.segmented_control("Handle", ["A", "B"], default="A", key="near-of", required=True)
            with st.spinner("Searching for neighbours …"):
                _around(loaded, view, edit, name)


def _around(loaded: Loaded, view: View, edit: stage_edit.Edit, name: str) -> None:
    z = place_handles(loaded, view, [getattr(edit, name)], edit.residual, edit.level)
    index, distance = loaded.neighbours.nearest(z, min(SHOWN, loaded.count))
    near = [int(item) for item in index[0]]
    _row(loaded, "Nearest in latent space", near, [f"{d:.2f}" for d in distance[0]], f"z-{name}")
    st.caption(loaded.neighbours.described)
    if loaded.originals.state == "ready":
        errors = _pixel_errors(loaded, engine().decode_sync(loaded, z)[0])
        close = [int(item) for item in np.argsort(errors)[:SHOWN]]
        _row(loaded, "Nearest by pixels", close, [f"{errors[item]:.4f}" for item in close], f"x-{name}")
        st.caption(
            f"{len(set(near) & set(close))} of {len(near)} are in both. By pixels: mean squared error to the "
            "picture shown."
        )
    else:
        st.caption(
            "The images of this collection are not on this machine, or not loaded yet, so they cannot be "
            "compared by pixels."
        )
    trust = trust_of(loaded, view)
    here, mean = float(trust[near[0]]), float(trust.mean())
    verdict = "as good as" if abs(here - mean) < 0.1 else "better than" if here > mean else "worse than"
    st.markdown(
        f"**Trust in the map here: {100 * here:.0f} %** of the nearest image's 15 neighbours in latent space "
        f"are its neighbours on the map, {verdict} the map's mean of {100 * mean:.0f} %."
    )
    compared = len(compared_rows(loaded.count))
    sample = f" Measured on a random sample of {compared:,} images." if compared < loaded.count else ""
    st.caption(f"“Colour by: Trust in the map” shows it everywhere.{sample}")


def _pixel_errors(loaded: Loaded, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean squared error between a picture and each image, shape (N,); NaN where an image is missing."""
    x = picture.astype(np.float32)
    errors = np.full(loaded.count, np.nan, np.float32)
    for start in range(0, loaded.count, BLOCK):
        rows = range(start, min(start + BLOCK, loaded.count))
        images = loaded.originals.get(rows)
        present = [row for row, image in zip(rows, images, strict=True) if image is not None]
        if present:
            pixels = np.stack([image for image in images if image is not None]).astype(np.float32)
            errors[present] = np.square((pixels - x) / 255).mean((1, 2, 3))
    return errors


def _row(loaded: Loaded, title: str, items: list[int], labels: list[str], key: str) -> None:
    """Images side by side with their names and labels, and a button that selects them."""
    images = loaded.originals.get(items)
    if any(image is None for image in images):
        images = list(engine().decode_sync(loaded, loaded.latents(items), background=True))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{title}**", width="stretch")
        if st.button("Select all", key=f"near-{key}", type="tertiary"):
            selection.put(loaded, items)
            st.rerun()
    numbers = ", ".join(str(loaded.atlas.ids[item]) for item in items)
    strip = strip_png(np.stack([image for image in images if image is not None]), 2)
    show_picture(strip, f"{title}: images {numbers}")
    cells = "".join(
        f'<span style="flex:1;text-align:center">{html.escape(loaded.name_of(item)).replace(" ", "<br>")}<br>'
        f"{html.escape(label)}</span>"
        for item, label in zip(items, labels, strict=True)
    )
    st.html(f'<div style="display:flex;font-size:.75rem;opacity:.75;margin-top:-.6rem">{cells}</div>')
