"""Framing of a user's own picture: crop, zoom, rotation and inversion, beside its reconstruction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from explorer.pages.shared.text import plain, with_code
from explorer.scene.engine import engine
from explorer.scene.familiarity import LIMIT, Familiarity, familiarity
from explorer.scene.loaded import Loaded
from explorer.sharing.exports import picture_png
from explorer.workspace import uploads
from models.data.pictures import Framing, crop_box, fitted, turned

__all__ = ["choose", "describe"]

S = st.session_state
ZOOM_AT_MOST = 8.0
SIDE_AT_MOST = 1600  # pixels of an opened picture; more than a crop of 1/8 needs
OVERVIEW = 300  # pixels of the whole picture
WIDTH = 128  # of each picture on the page, CSS pixels
CAPTIONS = ("Crop", "Input", "Reconstruction")
UNKNOWN = ":orange[:material/warning: **Unlike anything this model knows**]"
INK = "#f08c00"  # of the crop's edge; visible on black and on white

File = tuple[str, str, Any]  # id, title, and an object whose `getvalue` returns the bytes
Take = Callable[[Loaded, str, NDArray[np.uint8]], None]


def choose(loaded: Loaded, files: Sequence[File], take: Take) -> None:
    """Shows the first file that is not added yet, to be framed and added; reports which cannot be read.

    Arguments:
        loaded: The model.
        files: The files chosen by the user.
        take: Stores a picture (H, W, C) under a title; raises ValueError if it cannot.
    """
    done: dict[tuple[str, str], str] = S.setdefault("own_seen", {})
    for mark, title, file in files:
        if (loaded.name, mark) not in done and mark not in S.setdefault("own_sound", {}):
            try:
                _opened(mark, file)
                S.own_sound[mark] = True
            except ValueError as error:
                done[loaded.name, mark] = f"{plain(title)}: {with_code(str(error))}"
    waiting = [file for file in files if (loaded.name, file[0]) not in done]
    if waiting:
        _frame(loaded, waiting[0], _opened(waiting[0][0], waiting[0][2]), take, waiting[1:])
    for mark, _, _ in files:
        if problem := done.get((loaded.name, mark)):
            st.warning(problem, icon=":material/broken_image:")


def describe(known: Familiarity) -> str:
    """How similar a picture is to the collection, as a sentence with the metrics and the rule."""
    reference = f"of the collection's {known.reference:,} images"
    metrics = (
        (f"Reconstruction error {known.error:.4f}", known.error_percentile),
        ("Distance to the 10th nearest image", known.distance_percentile),
    )
    sentences = [
        f"{metric}: larger than for {share:.4g} % {reference}"
        for metric, share in metrics
        if share is not None
    ]
    return (
        f"{'. '.join(sentences)}. A picture above {LIMIT:.0f} % in either is called unlike the collection; "
        f"so are {known.alarms:.1f} % of its own images."
    )


@st.fragment
def _frame(loaded: Loaded, file: File, image: Image.Image, take: Take, others: Sequence[File]) -> None:
    """The picture with its crop, the model's input and its reconstruction; buttons to add it; controls."""
    mark, title, _ = file
    key = hashlib.sha256(f"{loaded.name} {mark}".encode()).hexdigest()[:8]
    previews, buttons = st.container(gap="xsmall"), st.container(horizontal=True, gap="small")
    framing = _controls(image, loaded.shape, key)
    picture = fitted(image, loaded.shape, framing)
    z = loaded.encoder(picture[None]).mean[0]
    decoded = engine().decode_sync(loaded, z[None], background=True)[0]
    known = familiarity(loaded, picture, z, decoded)
    scale = max(1, OVERVIEW // max(loaded.shape[1:]))
    pictures: list[Any] = [
        _overview(image, loaded.shape, framing),
        picture_png(picture, scale),
        picture_png(decoded, scale),
    ]
    with previews:
        with st.container(horizontal=True, gap="small"):  # columns would stack on a phone
            for shown, caption in zip(pictures, CAPTIONS, strict=True):
                st.image(shown, caption=caption, width=WIDTH)
        st.markdown(UNKNOWN if known.unknown else "Similar to the collection's images")
    st.caption(describe(known))
    with buttons:
        if st.button("Add", key=f"own-take-{key}", type="primary", icon=":material/check:"):
            _done(loaded, file, picture, take)
            st.rerun()
        if others and st.button(
            f"Add all {len(others) + 1}",
            key=f"own-all-{key}",
            help="The others are cropped around their centre",
        ):
            _done(loaded, file, picture, take)
            for other in others:
                _take_unframed(loaded, other, take)
            st.rerun()
        if st.button("Skip", key=f"own-skip-{key}", help=f"Does not add {plain(title)}"):
            S.own_seen[loaded.name, mark] = ""
            st.rerun()


def _controls(image: Image.Image, shape: tuple[int, int, int], key: str) -> Framing:
    """The controls; returns the framing they describe."""
    turn = int(S.get(f"own-turn-{key}", 0))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        zoom = st.slider("Zoom", 1.0, ZOOM_AT_MOST, 1.0, 0.1, key=f"own-zoom-{key}", format="%.1f×")
        st.button(
            "Rotate",
            icon=":material/rotate_right:",
            key=f"own-rotate-{key}",
            help="A quarter turn clockwise",
            on_click=lambda: S.update({f"own-turn-{key}": (turn + 1) % 4}),
        )
        invert = st.toggle(
            "Invert", key=f"own-invert-{key}", help="Swaps light and dark: MNIST's digits are light on dark"
        )
    width, height = image.size if turn % 2 == 0 else image.size[::-1]
    left, top, right, bottom = crop_box((width, height), shape, Framing(turn, zoom))
    left_column, right_column = st.columns(2, gap="small")
    free_x, free_y = width - (right - left) > 0.5, height - (bottom - top) > 0.5
    x = left_column.slider(
        "Left to right", -100, 100, 0, 2, key=f"own-x-{key}", format="%d %%", disabled=not free_x
    )
    y = right_column.slider(
        "Top to bottom", -100, 100, 0, 2, key=f"own-y-{key}", format="%d %%", disabled=not free_y
    )
    return Framing(turn, float(zoom), x / 100 if free_x else 0.0, y / 100 if free_y else 0.0, bool(invert))


def _overview(image: Image.Image, shape: tuple[int, int, int], framing: Framing) -> Image.Image:
    """A thumbnail of the whole picture, darkened outside its crop."""
    whole = turned(image, framing).convert("RGB")
    box = crop_box(whole.size, shape, framing)
    whole.thumbnail((OVERVIEW, OVERVIEW))
    scale = whole.width / (image.size if framing.turn % 2 == 0 else image.size[::-1])[0]
    edges = [round(each * scale) for each in box]
    shade = Image.new("L", whole.size, 110)
    ImageDraw.Draw(shade).rectangle(edges, fill=255)
    shown = Image.composite(whole, Image.new("RGB", whole.size, "#808080"), shade)
    edge = (edges[0], edges[1], min(edges[2], whole.width - 1), min(edges[3], whole.height - 1))
    ImageDraw.Draw(shown).rectangle(edge, outline=INK, width=3)
    return shown


def _opened(mark: str, file: Any) -> Image.Image:
    """The opened picture, cached while it is framed.

    Raises:
        ValueError: If it cannot be read.
    """
    cached: tuple[str, Image.Image] | None = S.get("own_opened")
    if cached is None or cached[0] != mark:
        image = uploads.open_picture(file.getvalue())
        image.thumbnail((SIDE_AT_MOST, SIDE_AT_MOST))
        cached = S.own_opened = (mark, image)
    return cached[1]


def _take_unframed(loaded: Loaded, file: File, take: Take) -> None:
    try:
        picture = uploads.read_picture(file[2].getvalue(), loaded.shape)
    except ValueError as error:
        S.own_seen[loaded.name, file[0]] = f"{plain(file[1])}: {with_code(str(error))}"
        return
    _done(loaded, file, picture, take)


def _done(loaded: Loaded, file: File, picture: NDArray[np.uint8], take: Take) -> None:
    """Stores a picture once; records the reason if it cannot be stored."""
    mark, title, _ = file
    try:
        take(loaded, title, picture)
        S.own_seen[loaded.name, mark] = ""
    except ValueError as error:
        S.own_seen[loaded.name, mark] = f"{plain(title)}: {with_code(str(error))}"
