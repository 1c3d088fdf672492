"""Uploaded pictures: untrusted bytes, rejected with advice unless they are a plain picture."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.data.apart import SECONDS, open_apart
from models.data.pictures import PictureError, fitted

__all__ = ["BYTES_AT_MOST", "MIB_AT_MOST", "open_picture", "read_picture", "title_of"]

MIB_AT_MOST = 20  # per picture
BYTES_AT_MOST = MIB_AT_MOST << 20


def read_picture(data: bytes, shape: tuple[int, int, int], seconds: float = SECONDS) -> NDArray[np.uint8]:
    """Reads an uploaded picture as uint8 (H, W, C).

    Arguments:
        data: The file.
        shape: Image shape of the model, (C, H, W).
        seconds: How long decoding may take.

    Raises:
        PictureError: As `open_picture` does.
    """
    return fitted(open_picture(data, seconds), shape)


def open_picture(data: bytes, seconds: float = SECONDS) -> Image.Image:
    """Opens an uploaded picture with `models.data.pictures`, if that takes at most `seconds`.

    Raises:
        PictureError: If it is too large, takes too long, or is not a readable picture.
    """
    if len(data) > BYTES_AT_MOST:
        raise PictureError(
            f"The file has {len(data) / 2**20:.1f} MiB; at most {MIB_AT_MOST} are allowed. Save it smaller."
        )
    return open_apart(data, seconds=seconds)


def title_of(name: str) -> str:
    """A title for a picture from its file name."""
    stem = re.sub(r"\.\w{1,5}$", "", re.sub(r".*[/\\]", "", name))
    return re.sub(r"[\x00-\x1f\x7f]+", " ", stem).strip()[:60] or "Picture"
