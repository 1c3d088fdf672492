"""The user's own pictures: uploaded, photographed or drawn, then encoded and shown on the map as items."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.components.pad import pad
from explorer.pages.explore import image_framing
from explorer.pages.explore.state import page
from explorer.pages.shared import faults, recently_deleted
from explorer.pages.shared.picture import show_picture
from explorer.pages.shared.text import plain, with_code
from explorer.pages.shared.uploader import uploader
from explorer.scene.engine import engine
from explorer.scene.familiarity import familiarity
from explorer.scene.handles import Places
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve
from explorer.sharing.exports import picture_png
from explorer.workspace import uploads
from explorer.workspace.storage import OWN_AT_MOST, OwnPicture

__all__ = ["button"]

S = st.session_state
INPUTS = ("Upload", "Camera", "Draw")
FILES_AT_MOST = 20


def button(loaded: Loaded) -> None:
    """A popover to add pictures; not for sequence models and decoders alone, which encode no single images."""
    spec = loaded.decoder.model.spec
    if spec.sequence or not spec.encodes:
        return
    with st.popover(
        "Your pictures", icon=":material/add_photo_alternate:", key="own-open", on_change="rerun"
    ) as opened:
        if opened.open:
            with st.container(width=480, gap="small"):
                _add(loaded)
                _stored(loaded)


def _add(loaded: Loaded) -> None:
    """The three inputs."""
    st.caption(
        f"A picture is cropped to {loaded.shape[2]}×{loaded.shape[1]} "
        f"{'pixels' if loaded.shape[0] == 3 else 'grey pixels'}, encoded, and shown on the map like any "
        "other. It stays on this machine."
    )
    source = st.segmented_control(
        "From",
        INPUTS,
        default="Upload",
        key="own-way",
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )
    {"Upload": _upload, "Camera": _camera, "Draw": _draw}[source](loaded)


def _upload(loaded: Loaded) -> None:
    # File types are not restricted here, so that a wrong file gets our message, which gives the reason.
    files = uploader("Pictures", uploads.MIB_AT_MOST, accept_multiple_files=True, key="own-files")
    image_framing.choose(
        loaded, [(f.file_id, uploads.title_of(f.name), f) for f in files[:FILES_AT_MOST]], _take
    )
    if len(files) > FILES_AT_MOST:
        st.warning(f"Only the first {FILES_AT_MOST} files were used. Add the others afterwards.")


def _camera(loaded: Loaded) -> None:
    photo = st.camera_input("Camera", key="own-camera", label_visibility="collapsed")
    if photo is not None:
        image_framing.choose(loaded, [(photo.file_id, "Photo", photo)], _take)


def _draw(loaded: Loaded) -> None:
    drawn = pad(loaded.shape)
    if not isinstance(drawn, str) or drawn == S.get("own-drawn"):
        return
    S["own-drawn"] = drawn
    try:
        data = base64.b64decode(drawn.removeprefix("data:image/png;base64,")[: 2 << 20], validate=True)
    except (binascii.Error, ValueError):
        st.warning("The drawing was incomplete. Draw it again.")
        return
    try:
        _take(loaded, f"Drawing {len(loaded.own) + 1}", uploads.read_picture(data, loaded.shape))
    except ValueError as error:
        st.warning(with_code(str(error)), icon=":material/broken_image:")


def _take(loaded: Loaded, title: str, picture: NDArray[np.uint8]) -> None:
    """Encodes and stores a picture (H, W, C), and puts handle A on it.

    Raises:
        ValueError: If there are too many.
    """
    _put(loaded, "A", keep(loaded, title, picture).item)


def keep(loaded: Loaded, title: str, picture: NDArray[np.uint8]) -> OwnPicture:
    """Encodes a picture (H, W, C) and stores it as an item.

    Raises:
        ValueError: If there are too many.
    """
    return loaded.keep_own(title, picture, loaded.encoder(picture[None]).mean[0])


def _put(loaded: Loaded, letter: str, item: int) -> None:
    """Puts a handle on an item; the stage shows it in the same run."""
    x, y = map(float, Places(loaded, resolve(loaded, page.shown.view))[item])
    edit = page.shown.edit
    edit = replace(edit, **{letter: replace(getattr(edit, letter), item=item, x=x, y=y)})
    page.shown = replace(page.shown, edit=edit)
    page.now.revision += 1


def _stored(loaded: Loaded) -> None:
    """The stored pictures, each with its reconstruction and actions."""
    own = list(loaded.own.values())[::-1]
    if own:
        st.markdown(f"**Stored** · {len(own)} of {OWN_AT_MOST}")
    latents = loaded.latents([each.item for each in own])
    for each, picture in zip(own, engine().decode_sync(loaded, latents, background=True), strict=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"own-{each.item}"):
            show_picture(picture_png(each.picture, 2), each.title, width=64)
            show_picture(picture_png(picture, 2), f"{each.title}, reconstruction", width=64)
            known = familiarity(loaded, each.picture, each.z, picture)
            unknown = "  \n:small[:orange[unlike the collection]]" if known.unknown else ""
            st.markdown(
                f"**{plain(each.title)}**  \n:small[reconstruction error {known.error:.4f}]{unknown}",
                width="stretch",
                help=image_framing.describe(known),
            )
            for letter in "AB":
                if st.button(letter, key=f"own-{letter}-{each.item}", help=f"Put handle {letter} on it"):
                    _put(loaded, letter, each.item)
                    st.rerun()
            if st.button("Delete", key=f"own-drop-{each.item}", type="tertiary"):
                with faults.reported():
                    _drop(loaded, each)
                    st.rerun()
    last: OwnPicture | None = recently_deleted.last("own", loaded.name)
    if last and st.button(f"Restore “{plain(last.title)}”", icon=":material/undo:", key="own-back"):
        with faults.reported():
            loaded.keep_own(last.title, last.picture, last.z)
            recently_deleted.take("own", loaded.name)
            st.rerun()


def _drop(loaded: Loaded, own: OwnPicture) -> None:
    """Deletes a picture; a handle on it moves to the nearest image of the collection."""
    loaded.drop_own(own.item)
    nearest = int(loaded.neighbours.nearest(own.z[None], 1)[0][0, 0])
    for letter in "AB":
        if getattr(page.shown.edit, letter).item == own.item:
            _put(loaded, letter, nearest)
    recently_deleted.keep("own", loaded.name, own)
