"""A picture of what a model makes of some pictures under several value ranges, to choose the range by eye."""

from __future__ import annotations

__all__ = ["write_sheet"]

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from models.foreign.value_range import Array, Candidate, reconstruct
from models.system.files import replace_file

COLUMNS = 8  # pictures
GAP = 2  # px


def write_sheet(
    path: Path,
    encode: Callable[[Array], Array],
    decode: Callable[[Array], Array],
    pictures: Array,
    candidates: Sequence[Candidate],
) -> None:
    """Writes a PNG file: the pictures in the first row, and their reconstructions under each candidate below.

    Arguments:
        path: The file.
        encode: From the values of a model to latents.
        decode: From latents to the values of a model.
        pictures: In [0, 1], shape (N, C, H, W); the first 8 are shown.
        candidates: One row each.
    """
    shown = pictures[:COLUMNS]
    rows = [shown, *(reconstruct(encode, decode, shown, each) for each in candidates)]
    channels, height, width = shown.shape[1:]
    sheet = np.full(
        (len(rows) * (height + GAP) - GAP, len(shown) * (width + GAP) - GAP, channels), 255, np.uint8
    )
    for row, line in enumerate(rows):
        for column, picture in enumerate(np.rint(255 * line).astype(np.uint8)):
            top, left = row * (height + GAP), column * (width + GAP)
            sheet[top : top + height, left : left + width] = picture.transpose(1, 2, 0)
    image = Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
    replace_file(path, lambda temporary: image.save(temporary, "PNG"))
