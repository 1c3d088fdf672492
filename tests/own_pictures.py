"""A small folder of pictures of many shapes with labels of any script, as somebody might have one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["COUNT", "write_pictures"]

COUNT = 40  # sound pictures


def write_pictures(folder: Path) -> Path:
    """Writes pictures of unlike sizes and modes, a broken one, and `metadata.csv` with missing cells.

    Arguments:
        folder: Where to; must not exist.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True)
    chance = np.random.default_rng(0)
    lines = ["file_name,Art,Mass (g),note"]
    for row in range(COUNT):
        size = (9 + row % 5, 12 - row % 3)
        colour = tuple(chance.integers(0, 256, 3).tolist())
        picture = Image.new("RGB", size, colour).convert(("RGB", "L", "RGBA", "P")[row % 4])
        name = f"Bild {row:02}.png"
        picture.save(folder / name)
        art = "" if row % 8 == 7 else ("猫", "C++", "Ünlü")[row % 3]
        lines.append(f"{name},{art},{'' if row % 3 == 0 else row / 4},Picture number {row} of the shelf")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    (folder / "metadata.csv").write_text("\n".join([*lines, "broken.png,猫,1,broken"]), encoding="utf-8")
    return folder
