"""LPC sprites: 24,000 pixel-art characters, 64x64 RGB, with seven exact and independent factors.

Each is a random combination of body, hair, clothes, shoes, direction and pose. The file stores palette
indices; transparent colours of the palette are composited on a flat grey-blue that no character wears.

Credit: the artists of the Liberated Pixel Cup, CC BY-SA 3.0 / GPL 3.0. Every published picture of
these sprites, including decoded ones, must carry this credit; README.md lists the artists.

References:
    | The Liberated Pixel Cup (2012)
    | https://lpc.opengameart.org
"""

from __future__ import annotations

__all__ = ["BACKGROUND", "FACTORS", "TEST_COUNT", "load_lpc_sprites", "unavailable", "validation_rows"]

from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.base import Attribute, ImageData, drawn_split
from models.data.locations import require, why_missing
from models.data.npz import NpzReader

FILE = "lpc-sprites/lpc_sprites_24k_64x64.npz"
COUNT, SIDE, COLOURS = 24_000, 64, 350
TEST_COUNT = 4_000
VALIDATION_COUNT = 2_000
SPLIT_SEED = 2012
BACKGROUND = (196, 202, 210)
FACTORS = {
    "body": 7,
    "bottomwear": 7,
    "topwear": 7,
    "hair": 10,
    "shoes": 3,
    "direction": 4,
    "pose": 4,
}
LICENCE = "CC BY-SA 3.0 / GPL 3.0"
SOURCE = "Liberated Pixel Cup artists, https://lpc.opengameart.org"
BLOCK = 250  # images per block, 1 MB of indices


def load_lpc_sprites(split: str, limit: int | None = None) -> ImageData:
    """Loads the first `limit` sprites of `split`: 20,000 for training, 4,000 for test, 64x64 RGB.

    The validation split is 2,000 of the training sprites (`validation_rows`). The splits are drawn from a fixed seed;
    within each, the order is that of the file. With a `limit`, the file is read only as far as needed.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    path = require(FILE)
    rows = _rows(split)[:limit]
    with NpzReader(path) as reader:
        palette = _flatten(reader.array("palette", "uint8", (COLOURS, 4)))
        attributes = _attributes(reader, rows)
        images = _expand(reader, rows, palette, limited=limit is not None)
    return ImageData(
        name="lpc-sprites",
        split=split,
        images=images,
        attributes=attributes,
        ids=np.arange(len(rows), dtype=np.int64),
        publishable=True,
        licence=LICENCE,
        source=SOURCE,
    )


def unavailable() -> str | None:
    """Returns why the sprites cannot be loaded, or None."""
    return why_missing(FILE)


def validation_rows() -> NDArray[np.int64]:
    """Returns the rows of the training split that the validation split consists of, ascending."""
    return np.searchsorted(_rows("train"), _rows("validation"))


def _rows(split: str) -> NDArray[np.int64]:
    """Returns the rows of a split in the file, ascending."""
    return drawn_split(split, COUNT, TEST_COUNT, VALIDATION_COUNT, SPLIT_SEED)


def _flatten(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composites RGBA colours, shape (K, 4), on the flat background: RGB, shape (K, 3)."""
    colour, alpha = palette[:, :3].astype(np.float64), palette[:, 3:] / 255.0
    flat: NDArray[np.float64] = alpha * colour + (1.0 - alpha) * np.array(BACKGROUND)
    return np.rint(flat).astype(np.uint8)


def _attributes(reader: NpzReader, rows: NDArray[np.int64]) -> dict[str, Attribute]:
    names = reader.array("factor_names", "text", (len(FACTORS),))
    if names.tolist() != list(FACTORS):
        raise ValueError(f"{reader.path}: 'factor_names' must be {', '.join(FACTORS)}. Got {names.tolist()}.")
    factors = reader.array("factors", "uint8", (COUNT, len(FACTORS)))
    attributes = {}
    for column, (name, count) in enumerate(FACTORS.items()):
        labels = reader.array(f"values_{name}", "text", (count,)).tolist()
        values = factors[:, column]
        if values.max() >= count:
            raise ValueError(
                f"{reader.path}: 'factors' of {name!r} must lie in 0..{count - 1}. "
                f"Got {values.max()}. Put the original file in its place."
            )
        attributes[name] = _attribute(reader.path, name, values[rows], labels)
    return attributes


def _attribute(path: Path, name: str, values: NDArray[np.uint8], labels: list[str]) -> Attribute:
    titles = tuple(label.replace("_", " ") for label in labels)
    try:
        return Attribute(name, "categorical", values.astype(np.int16), titles)
    except ValueError as error:
        raise ValueError(f"{path} has invalid labels of a factor: {error}") from error


def _expand(
    reader: NpzReader, rows: NDArray[np.int64], palette: NDArray[np.uint8], limited: bool
) -> NDArray[np.uint8]:
    """Reads the images at `rows` (ascending) block by block: uint8, shape (M, 64, 64, 3).

    The file is read to its end, where the checksums are, unless `limited`.
    """
    images = np.empty((len(rows), SIDE, SIDE, 3), np.uint8)
    shape = (COUNT, SIDE, SIDE)
    first = 0
    with (
        closing(reader.blocks("index_lo", shape, BLOCK)) as low,
        closing(reader.blocks("index_hi", shape, BLOCK)) as high,
    ):
        for block, (lo, hi) in enumerate(zip(low, high, strict=True)):
            start = block * BLOCK
            last = int(np.searchsorted(rows, start + BLOCK))
            selected = rows[first:last] - start
            index = lo[selected] + (hi[selected].astype(np.intp) << 8)
            if index.size and index.max() >= len(palette):
                raise ValueError(
                    f"{reader.path}: indices must lie in 0..{len(palette) - 1}. Got {index.max()}. "
                    "Put the original file in its place."
                )
            np.take(palette, index, axis=0, out=images[first:last], mode="clip")
            first = last
            if limited and first == len(rows):
                break
    return images
