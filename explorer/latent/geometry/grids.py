"""Grids of codebook indices (codes): their text form for links and messages, and the average patch of each code."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["PLACES_AT_MOST", "Grids", "as_text", "from_text", "text_length", "typical_patches"]

Grids = list[NDArray[np.int64]]  # one per level, (rows, columns), coarsest first

PLACES_AT_MOST = 1500  # in all levels together, so that the text fits into a URL parameter
BYTES = 2  # per code, little-endian; so a codebook has at most 65,536 codes


def as_text(grids: Grids) -> str:
    """Encodes grids as URL-safe base64, two bytes per code, level by level, row by row."""
    flat = np.concatenate([grid.ravel() for grid in grids]).astype("<u2")
    return base64.urlsafe_b64encode(flat.tobytes()).decode("ascii").rstrip("=")


def from_text(text: str, shapes: Sequence[tuple[int, int]], count: int, name: str = "codes") -> Grids:
    """Decodes grids from text.

    Arguments:
        text: From `as_text`; untrusted, so all of it is checked.
        shapes: Rows and columns of each level, coarsest first.
        count: K, the size of the codebook.
        name: Parameter name for error messages.

    Raises:
        ValueError: If the length, the alphabet or a code is invalid.
    """
    places = sum(rows * columns for rows, columns in shapes)
    length = text_length(places)
    if len(text) != length:
        raise ValueError(
            f"`{name}` must be {length} characters for {places} places. Got {len(text)}. Choose an image again."
        )
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise ValueError(f"`{name}` must be URL-safe base64. Got {text[:20]!r}.") from None
    flat = np.frombuffer(raw, "<u2").astype(np.int64)
    if flat.max() >= count:
        raise ValueError(f"`{name}` must hold codes of 0..{count - 1}. Got {flat.max()}.")
    ends = np.cumsum([rows * columns for rows, columns in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]


def text_length(places: int) -> int:
    """Length of the text for a number of codes."""
    return -(-BYTES * 8 * places // 6)


def typical_patches(
    pictures: NDArray[np.uint8], codes: NDArray[np.int64], count: int, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The average picture patch around the grid cells that have each code.

    Arguments:
        pictures: Shape (M, H, W, C).
        codes: Their grids, shape (M, rows, columns).
        count: K, the size of the codebook.
        size: Height and width of a patch, in pixels, centred on the grid cell.

    Returns:
        Patches (K, height, width, C), and which codes occur (K,); the patch of an unused code is black.
    """
    _, rows, columns = codes.shape
    _, height, width, channels = pictures.shape
    tall, wide = size
    around = np.pad(pictures, ((0, 0), (tall, tall), (wide, wide), (0, 0)), mode="edge")
    sums = np.zeros((count, tall, wide, channels))
    for row in range(rows):
        top = tall + round((row + 0.5) * height / rows - tall / 2)
        for column in range(columns):
            left = wide + round((column + 0.5) * width / columns - wide / 2)
            np.add.at(sums, codes[:, row, column], around[:, top : top + tall, left : left + wide])
    uses = np.bincount(codes.ravel(), minlength=count)
    means = sums / np.maximum(uses, 1)[:, None, None, None]
    return means.round().astype(np.uint8), uses > 0
