"""The codebooks of a model with discrete codes: vectors, usage, map, looks, and the codes of images.

The look of a code is the mean of the reconstructions around the grid cells that use it. A code that no image
of the atlas uses is shown as the decoder draws a grid filled with it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.latent.geometry.grids import PLACES_AT_MOST, Grids, typical_patches
from explorer.latent.geometry.projections import LinearProjection
from explorer.scene.engine import engine
from explorer.scene.handles import check_item
from models.protocols import as_discrete

if TYPE_CHECKING:
    from explorer.scene.loaded import Loaded

__all__ = ["Codebook", "Codebooks", "codebooks", "grids_of", "latents", "look_size", "looks", "requantised"]

ROWS = 64  # images quantised at once
PICTURED = 256  # images of the atlas from which looks are averaged
LOOK = 2.0  # width of a look in grid cells


@dataclass(frozen=True, eq=False)
class Codebook:
    """The codes of one level."""

    name: str  # name of the level, e.g. "top"
    vectors: NDArray[np.float32]  # (K, D)
    xy: NDArray[np.float32]  # (K, 2), in the plane of the first two principal components
    codes: NDArray[np.int64]  # (N, rows, columns), of the atlas's images
    uses: NDArray[np.int64]  # (K,), grid cells in the atlas that have the code

    @property
    def count(self) -> int:
        """Number of codes, K."""
        return len(self.vectors)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the level."""
        _, rows, columns = self.codes.shape
        return rows, columns


Codebooks = tuple[Codebook, ...]  # coarsest level first

_KNOWN: WeakKeyDictionary[Loaded, Codebooks] = WeakKeyDictionary()
_LOOKS: WeakKeyDictionary[Loaded, dict[int, NDArray[np.uint8]]] = WeakKeyDictionary()
_READING, _LOOKING = threading.Lock(), threading.Lock()  # held during computation


def codebooks(loaded: Loaded) -> Codebooks:
    """A model's codebooks; computed on first use (seconds for a large atlas), then cached.

    Raises:
        ValueError: If its latent is not discrete, or its grids are too large to edit.
    """
    spec = loaded.decoder.model.spec
    if not spec.discrete:
        raise ValueError(f"{loaded.name} has no discrete codes: its latent is continuous.")
    cells = sum(rows * columns for _, rows, columns in (level.shape for level in spec.levels))
    if cells > PLACES_AT_MOST:
        raise ValueError(
            f"{loaded.name} has {cells:,} grid cells; at most {PLACES_AT_MOST:,} can be edited. "
            f"Train one with more `halvings`."
        )
    known = _KNOWN.get(loaded)
    if known is not None:
        return known  # without waiting for a computation
    with _READING:
        if loaded not in _KNOWN:
            _KNOWN[loaded] = _read(loaded)
        return _KNOWN[loaded]


@torch.inference_mode()
def _read(loaded: Loaded) -> Codebooks:
    model, mean = as_discrete(loaded.decoder.model), loaded.atlas.mean
    parts = [
        [level.cpu().numpy() for level in model.nearest(_tensor(loaded, mean[start : start + ROWS]))]
        for start in range(0, len(mean), ROWS)
    ]
    books = []
    for place, (level, vectors) in enumerate(zip(model.spec.levels, model.codebooks(), strict=True)):
        codes = np.concatenate([part[place] for part in parts])
        own = vectors.float().cpu().numpy()
        books.append(
            Codebook(level.name, own, _plane(own), codes, np.bincount(codes.ravel(), minlength=len(own)))
        )
    return tuple(books)


def _plane(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Positions (K, 2) of vectors in the plane (or on the line) of their principal components."""
    try:
        return LinearProjection.pca(vectors).forward(vectors)
    except ValueError:
        return np.stack([vectors[:, 0], np.zeros(len(vectors), np.float32)], axis=1)


def grids_of(loaded: Loaded, item: int) -> Grids:
    """The codes of an atlas image or an upload.

    Raises:
        ValueError: If there is no such item, or as for `codebooks`.
    """
    check_item(loaded, item)
    if item in loaded.own:
        return requantised(loaded, loaded.latents([item]))[0]
    return [book.codes[item] for book in codebooks(loaded)]


@torch.inference_mode()
def latents(loaded: Loaded, grids: list[Grids]) -> NDArray[np.float32]:
    """Embeds the codes of M pictures as latents (M, D)."""
    levels = [
        torch.from_numpy(np.stack(level)).to(loaded.decoder.device) for level in zip(*grids, strict=True)
    ]
    return cast("NDArray[np.float32]", as_discrete(loaded.decoder.model).embed(levels).float().cpu().numpy())


@torch.inference_mode()
def requantised(loaded: Loaded, z: NDArray[np.float32]) -> list[Grids]:
    """Quantises latents (M, D) to their nearest codes: M grids of each level."""
    levels = [level.cpu().numpy() for level in as_discrete(loaded.decoder.model).nearest(_tensor(loaded, z))]
    return [list(grids) for grids in zip(*levels, strict=True)]


def look_size(loaded: Loaded, level: int) -> tuple[int, int]:
    """Height and width of a level's looks, pixels."""
    _, height, width = loaded.shape
    rows, columns = codebooks(loaded)[level].grid
    return min(height, round(LOOK * height / rows)), min(width, round(LOOK * width / columns))


def looks(loaded: Loaded, level: int) -> NDArray[np.uint8]:
    """The look of each code of a level, uint8 (K, height, width, C); computed on first use, then cached."""
    books = codebooks(loaded)
    with _LOOKING:
        kept = _LOOKS.setdefault(loaded, {})
        if level not in kept:
            kept[level] = _looks(loaded, books, level)
        return kept[level]


def _looks(loaded: Loaded, books: Codebooks, level: int) -> NDArray[np.uint8]:
    book, size = books[level], look_size(loaded, level)
    rows = np.unique(np.linspace(0, loaded.count - 1, min(PICTURED, loaded.count)).astype(int))
    rows = _with_rare(rows, book)
    pictures = _decoded(loaded, [[each.codes[row] for each in books] for row in rows])
    patches, seen = typical_patches(pictures, book.codes[rows], book.count, size)
    usual = [_most_common(each.codes) for each in books]
    everywhere = []
    for code in np.flatnonzero(~seen):
        grids = list(usual)
        grids[level] = np.full(book.grid, code)
        everywhere.append(grids)
    if everywhere:
        height, width = size
        _, whole, wide = loaded.shape
        top, left = (whole - height) // 2, (wide - width) // 2
        drawn = _decoded(loaded, everywhere)
        patches[~seen] = drawn[:, top : top + height, left : left + width]
    return patches


def _with_rare(rows: NDArray[np.int64], book: Codebook) -> NDArray[np.int64]:
    """Adds an image to the rows for each used code that occurs in none of them."""
    missing = np.setdiff1d(np.flatnonzero(book.uses), book.codes[rows])
    flat = book.codes.reshape(len(book.codes), -1)
    extra = [int(np.flatnonzero((flat == code).any(1))[0]) for code in missing]
    return np.unique(np.concatenate([rows, np.array(extra, np.int64)]))


def _decoded(loaded: Loaded, grids: list[Grids]) -> NDArray[np.uint8]:
    """Decodes grids to pictures (M, H, W, C), at lower priority than drags."""
    return engine().decode_sync(loaded, latents(loaded, grids), background=True)


def _most_common(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most common code in each grid cell, (rows, columns), over images (N, rows, columns)."""
    _, rows, columns = codes.shape
    places = codes.reshape(len(codes), -1).T
    return np.array([np.bincount(place).argmax() for place in places], np.int64).reshape(rows, columns)


def _tensor(loaded: Loaded, z: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(z, np.float32)).to(loaded.decoder.device)
