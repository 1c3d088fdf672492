"""Tasks on many pictures: reading headers, hashing, decoding. Arguments and results are JSON values."""

from __future__ import annotations

__all__ = ["TASKS", "Task"]

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.data.own.sources import Pictures
from models.data.pictures import PictureError, Reading, scaled

Task = dict[str, Any]  # "do": a key of `TASKS`, "places": places of pictures, and other arguments

SMALLEST = 2  # px, smallest side of a picture
SMALL = 8  # px, side of the small copies that are compared
HASH_BYTES = 8  # per image


def headers(pictures: Pictures, places: Sequence[Any]) -> list[Any]:
    """Reads the header of each picture: [width, height, mode, notes], or the reason why it is refused."""
    found: list[Any] = []
    for place in places:
        try:
            header = pictures.header(place)
        except PictureError as error:
            found.append(str(error))
            continue
        width, height = header.size
        if min(header.size) < SMALLEST:
            found.append(f"It has {width} × {height} pixels. A side needs at least {SMALLEST}.")
        else:
            found.append([width, height, header.mode, list(header.notes)])
    return found


def hashes(pictures: Pictures, places: Sequence[Any]) -> list[Any]:
    """Hashes each picture: [perceptual hash, small copy in colour as hexadecimal digits], None if it is damaged."""
    found: list[Any] = []
    for place in places:
        try:
            image = pictures.picture(place, Reading.lenient()).convert("RGB")
        except PictureError:
            found.append(None)
            continue
        colour = image.resize((SMALL, SMALL), Image.Resampling.BOX)
        grey = np.asarray(image.resize((9, 8), Image.Resampling.BOX).convert("L"), np.int16)
        bits = np.packbits((grey[:, :-1] < grey[:, 1:]).ravel())
        found.append([int.from_bytes(bits.tobytes(), "big"), np.asarray(colour, np.uint8).tobytes().hex()])
    return found


def decode(
    pictures: Pictures,
    places: Sequence[Any],
    path: str,
    rows: Sequence[int],
    shape: Sequence[int],
    fit: str,
    background: str,
) -> list[Any]:
    """Writes each picture to its row of an array on disk; returns its hash, or [reason] if it is refused."""
    images = np.load(Path(path), mmap_mode="r+", allow_pickle=False)
    wanted = (shape[0], shape[1], shape[2])
    reading = Reading.lenient(background, alpha=shape[0] == 4)
    found: list[Any] = []
    for place, row in zip(places, rows, strict=True):
        try:
            pixels = scaled(pictures.picture(place, reading), wanted, fit, background)
        except PictureError as error:
            found.append([str(error)])
            continue
        images[row] = pixels
        found.append(hashlib.blake2b(pixels.tobytes(), digest_size=HASH_BYTES).hexdigest())
    images.flush()
    return found


TASKS: dict[str, Callable[..., list[Any]]] = {"headers": headers, "hashes": hashes, "decode": decode}
