"""Tests of somebody's own images; here are small pictures and folders for them."""

from __future__ import annotations

__all__ = ["folder_of", "picture", "saved", "zip_of"]

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def picture(seed: int = 0, size: tuple[int, int] = (12, 12), mode: str = "RGB") -> Image.Image:
    """A picture of smooth colours that the seed decides."""
    coarse = np.random.default_rng(seed).integers(0, 256, (3, 3, 4), np.uint8)
    return Image.fromarray(coarse, "RGBA").resize(size, Image.Resampling.BICUBIC).convert(mode)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def folder_of(root: Path, files: Mapping[str, bytes | int | str]) -> Path:
    """Writes files below a folder: bytes, texts, or a number for a PNG picture of this seed."""
    for name, held in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(held))
    return root


def zip_of(path: Path, files: Mapping[str, bytes | int | str]) -> Path:
    """Writes a zip of such files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in files.items():
            archive.writestr(name, _bytes(held))
    return path


def _bytes(held: bytes | int | str) -> bytes:
    if isinstance(held, int):
        return saved(picture(held))
    return held.encode() if isinstance(held, str) else held
