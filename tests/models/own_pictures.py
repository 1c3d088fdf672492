"""Pictures of a person that tests encode: a folder of random ones, which differ from each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["make_pictures"]


def make_pictures(folder: Path, count: int, bad: tuple[int, ...] = ()) -> Path:
    """Writes 00.png, 01.png, … of 8×8 grey pixels; those of `bad` have a sound header and damaged pixels."""
    folder.mkdir(parents=True)
    levels = np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8)
    for number in range(count):
        path = folder / f"{number:02}.png"
        Image.fromarray(levels[number]).save(path)
        if number in bad:
            path.write_bytes(path.read_bytes()[:60])
    return folder
