"""The codebooks of a model with discrete codes: vectors, use, a map of them, what each looks like; codes of images.

A code looks like what the decoder makes of it where it is used: the mean of the reconstructions around its places.
One that no image of the atlas uses is shown as the decoder draws it in every place at once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
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

ROWS = 64  # images whose codes are looked up at once
PICTURED = 256  # images of the atlas that a code's look is taken from
LOOK = 2.0  # sides of a place that a look is wide


@dataclass(frozen=True, eq=False)
class Codebook:
    """The codes of one level."""

    name: str  # of the level, e.g. "top"
    vectors: NDArray[np.float32]  # (K, D)
    xy: NDArray[np.float32]  # (K, 2), on the plane of their principal components
    codes: NDArray[np.int64]  # (N, rows, columns), of the atlas's images
    uses: NDArray[np.int64]  # (K,), places in the atlas that have the code

    @property
    def count(self) -> int:
        """K, its codes."""
        return len(self.vectors)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the level."""
        _, rows, columns = self.codes.shape
        return rows, columns


Codebooks = tuple[Codebook, ...]  # coarsest level first

_KNOWN: WeakKeyDictionary[Loaded, Codebooks] = WeakKeyDictionary()
_LOOKS: WeakKeyDictionary[Loaded, dict[int, NDArray[np.uint8]]] = WeakKeyDictionary()
_READING, _LOOKING = threading.Lock(), threading.Lock()  # held while something is made


def codebooks(loaded: Loaded) -> Codebooks:
    """A model's codebooks; made when first asked for, up to seconds with a large atlas, then kept.

    Raises:
        ValueError: If its latent is not discrete, or its grids are too large to be edited.
    """
    spec = loaded.decoder.model.spec
    if not spec.discrete:
        raise ValueError(f"{loaded.name} has no discrete codes: its latent is a vector of real numbers.")
    places = sum(rows * columns for _, rows, columns in (level.shape for level in spec.levels))
    if places > PLACES_AT_MOST:
        raise ValueError(
            f"{loaded.name} has {places:,} places; a grid of at most {PLACES_AT_MOST:,} can be edited. "
            f"Train one with more `halvings`."
        )
    known = _KNOWN.get(loaded)
    if known is not None:
        return known  # at once, whatever is being made
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
    found = []
    for place, (level, vectors) in enumerate(zip(model.spec.levels, model.codebooks(), strict=True)):
        codes = np.concatenate([part[place] for part in parts])
        own = vectors.float().cpu().numpy()
        found.append(
            Codebook(level.name, own, _plane(own), codes, np.bincount(codes.ravel(), minlength=len(own)))
        )
    return tuple(found)


def _plane(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Positions (K, 2) of vectors on the plane of their principal components; on a line where they span no plane."""
    try:
        return LinearProjection.pca(vectors).forward(vectors)
    except ValueError:
        return np.stack([vectors[:, 0], np.zeros(len(vectors), np.float32)], axis=1)


def grids_of(loaded: Loaded, item: int) -> Grids:
    """The codes of an image of the atlas, or of an own picture.

    Raises:
        ValueError: If there is no such item, or as `codebooks`.
    """
    check_item(loaded, item)
    if item in loaded.own:
        return requantised(loaded, loaded.codes([item]))[0]
    return [book.codes[item] for book in codebooks(loaded)]


@torch.inference_mode()
def latents(loaded: Loaded, grids: list[Grids]) -> NDArray[np.float32]:
    """The latents (M, D) that stand for the codes of M pictures."""
    levels = [
        torch.from_numpy(np.stack(level)).to(loaded.decoder.device) for level in zip(*grids, strict=True)
    ]
    z: NDArray[np.float32] = as_discrete(loaded.decoder.model).embed(levels).float().cpu().numpy()
    return z


@torch.inference_mode()
def requantised(loaded: Loaded, z: NDArray[np.float32]) -> list[Grids]:
    """The codes nearest to latents (M, D): M grids of each level."""
    levels = [level.cpu().numpy() for level in as_discrete(loaded.decoder.model).nearest(_tensor(loaded, z))]
    return [list(grids) for grids in zip(*levels, strict=True)]


def look_size(loaded: Loaded, level: int) -> tuple[int, int]:
    """Height and width in pixels of the pictures of a level's codes."""
    _, height, width = loaded.shape
    rows, columns = codebooks(loaded)[level].grid
    return min(height, round(LOOK * height / rows)), min(width, round(LOOK * width / columns))


def looks(loaded: Loaded, level: int) -> NDArray[np.uint8]:
    """What each code of a level looks like, uint8 (K, height, width, C); made when first asked for, then kept."""
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
    """The rows, and an image for each code that is used but in none of them."""
    missing = np.setdiff1d(np.flatnonzero(book.uses), book.codes[rows])
    flat = book.codes.reshape(len(book.codes), -1)
    extra = [int(np.flatnonzero((flat == code).any(1))[0]) for code in missing]
    return np.unique(np.concatenate([rows, np.array(extra, np.int64)]))


def _decoded(loaded: Loaded, grids: list[Grids]) -> NDArray[np.uint8]:
    """Pictures (M, H, W, C) of codes; every hand that drags comes first."""
    return engine().decode_sync(loaded, latents(loaded, grids), background=True)


def _most_common(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The code that each place has most often, (rows, columns), of the codes (N, rows, columns) of images."""
    _, rows, columns = codes.shape
    places = codes.reshape(len(codes), -1).T
    return np.array([np.bincount(place).argmax() for place in places], np.int64).reshape(rows, columns)


def _tensor(loaded: Loaded, z: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(z, np.float32)).to(loaded.decoder.device)
