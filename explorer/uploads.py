"""Pictures that a person brings: any bytes may arrive, and what is no plain picture is refused with what to do.

A picture is cut to the model's ratio around its middle and resized. What would have to be guessed is refused instead
of guessed: an animation's frame, the look of printing inks, what 16 bits stand for.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from models.encode import DAMAGE, FORMATS, PIXELS_AT_MOST, fitted

__all__ = ["BYTES_AT_MOST", "KINDS", "read_picture", "title_of"]

BYTES_AT_MOST = 20 * 2**20
KINDS = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff")


def read_picture(data: bytes, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Reads an uploaded picture as uint8 (H, W, C).

    Arguments:
        data: The file.
        shape: Image shape of the model, (C, H, W).

    Raises:
        ValueError: If it is no picture, too large, animated, damaged, or of inks or levels whose look is not certain.
    """
    if not data:
        raise ValueError("The file is empty. Choose a picture.")
    if len(data) > BYTES_AT_MOST:
        raise ValueError(
            f"The file has {len(data) / 2**20:.1f} MiB; at most {BYTES_AT_MOST >> 20} are taken. Save it smaller."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files; what it cannot read, it raises
            with Image.open(io.BytesIO(data), formats=FORMATS) as file:
                _check(file)
                return fitted(file, shape)
    except UnidentifiedImageError as error:
        raise ValueError(f"The file is no picture that can be read. Use {', '.join(KINDS)}.") from error
    except Image.DecompressionBombError as error:
        raise ValueError(_too_many("too many pixels;")) from error
    except DAMAGE as error:
        if isinstance(error, ValueError) and str(error).startswith("The picture"):
            raise  # one of ours
        raise ValueError(f"The picture is damaged or cut short: {str(error)[:120]}. Save it anew.") from error


def title_of(name: str) -> str:
    """A title for a picture from its file's name."""
    stem = re.sub(r"\.\w{1,5}$", "", re.sub(r".*[/\\]", "", name))
    return re.sub(r"[\x00-\x1f\x7f]+", " ", stem).strip()[:60] or "Picture"


def _check(file: Any) -> None:
    """Raises ValueError where a file's look would have to be guessed."""
    if file.width * file.height > PIXELS_AT_MOST:
        raise ValueError(_too_many(f"{file.width} × {file.height} pixels;"))
    frames = getattr(file, "n_frames", 1)
    if frames > 1:
        raise ValueError(f"The picture is animated ({frames} frames). Save the frame you mean as a PNG.")
    if file.mode in ("CMYK", "LAB"):
        raise ValueError(f"The picture has {file.mode} colours, made for print. Save it as RGB.")
    if file.mode.startswith(("I", "F")):
        raise ValueError("The picture has more than 8 bits a channel. Save it with 8 bits.")


def _too_many(what: str) -> str:
    return f"The picture has {what} at most {PIXELS_AT_MOST // 10**6} million are taken. Save it smaller."
