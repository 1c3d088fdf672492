"""Batches of images that share the value of one factor while all others vary.

The FactorVAE and the beta-VAE score need such batches. A `FactorSource` takes them from images with known factors: a
labelled collection, or images drawn for the purpose. In a labelled collection a discrete factor is held exactly, a
continuous one within a bin of its range. If images can be drawn from factors, they are drawn again with continuous
factors moved to the middle of their bins, so that images of one bin share the value exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.disentanglement.arrays import Array

__all__ = ["BATCH", "LEVELS", "FactorSource", "batch_sizes", "labelled", "levels", "redrawn"]

BATCH = 64  # images that a batch has
BLOCK = 256  # batches at a time, to limit memory
LEVELS = 20  # of a continuous factor
FEWEST = 8  # fewest images per value; rarer values are skipped

Groups = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FactorSource:
    """Latents of images, and which images share the value of which factor.

    Arguments:
        latents: Posterior means, shape (N, D).
        groups: Group numbers from 0, shape (N, F): images with the same number in column k share factor k.
        about: How factors are held fixed, for the protocol.

    Raises:
        ValueError: If no value of some factor is shared by enough images.
    """

    latents: Array
    groups: Groups
    about: str

    def __post_init__(self) -> None:
        """Checks that every factor can be held fixed."""
        for k, group in enumerate(self.groups.T):
            most = np.bincount(group).max()
            if most < FEWEST:
                raise ValueError(
                    f"`groups` must have a value that {FEWEST} images share in every column. "
                    f"Column {k} has at most {most}: use more images."
                )

    def batches(self, factor: int, count: int, rng: np.random.Generator, size: int = BATCH) -> Array:
        """Draws batches of latents that share one value of a factor; the value is that of a random image.

        Arguments:
            factor: Index of the factor.
            count: Number of batches.
            rng: Random generator.
            size: Images per batch, drawn with replacement.

        Returns:
            Shape (count, size, D).
        """
        shelf = Shelf(self.groups[:, factor])
        chosen = shelf.common[rng.integers(len(shelf.common), size=(count, 1))]
        step = rng.random((count, size)) * shelf.fellows(chosen)
        return self.latents[shelf.fellow(chosen, step.astype(np.int64))]

    def pairs(
        self, factor: int, count: int, rng: np.random.Generator, size: int = BATCH
    ) -> tuple[Array, Array]:
        """Draws batches of pairs: the two of a pair share a value, each pair has its own.

        Arguments:
            factor: Index of the factor.
            count: Number of batches.
            rng: Random generator.
            size: Pairs per batch.

        Returns:
            Latents of the first and the second image of each pair, each of shape (count, size, D).
        """
        shelf = Shelf(self.groups[:, factor])
        first = shelf.common[rng.integers(len(shelf.common), size=(count, size))]
        step = 1 + rng.random((count, size)) * (shelf.fellows(first) - 1)
        return self.latents[first], self.latents[shelf.fellow(first, step.astype(np.int64))]


class Shelf:
    """Images sorted by value, so that images with the same value are adjacent."""

    def __init__(self, group: Groups) -> None:
        self.group = group
        self.order = np.argsort(group, kind="stable")
        self.size = np.bincount(group)
        self.start = np.cumsum(self.size) - self.size
        self.place = np.empty_like(self.order)
        self.place[self.order] = np.arange(len(group))
        self.common = np.flatnonzero(self.size[group] >= FEWEST)  # images whose value is frequent enough

    def fellows(self, image: Groups) -> Groups:
        """Number of images with the value of an image, including itself."""
        return self.size[self.group[image]]

    def fellow(self, image: Groups, step: Groups) -> Groups:
        """The image `step` positions after another among those of its value, cyclically."""
        start = self.start[self.group[image]]
        return self.order[start + (self.place[image] - start + step) % self.fellows(image)]


def batch_sizes(count: int) -> Iterator[int]:
    """Splits `count` batches into parts that fit in memory."""
    for start in range(0, count, BLOCK):
        yield min(BLOCK, count - start)


def levels(factors: Array, discrete: NDArray[np.bool_]) -> tuple[Groups, Array]:
    """Groups images by the value of each factor, a continuous one by bins of equal width.

    Arguments:
        factors: True factors, shape (N, F).
        discrete: Which of them are classes, shape (F,).

    Returns:
        Group numbers, shape (N, F), and the factors moved to the middle of their bins, shape (N, F).
    """
    low, width = factors.min(0), np.ptp(factors, 0) / LEVELS
    part = np.minimum((factors - low) // np.where(width > 0, width, 1.0), LEVELS - 1)
    moved = np.where(discrete, factors, low + (part + 0.5) * width)
    groups = [np.unique(column, return_inverse=True)[1] for column in moved.T]
    return np.stack(groups, axis=1).astype(np.int64), moved


def labelled(latents: Array, factors: Array, discrete: NDArray[np.bool_]) -> FactorSource:
    """A source from a labelled collection: latents (N, D), factors (N, F), which of them are classes (F,)."""
    how = "" if discrete.all() else f", continuous ones within one of {LEVELS} bins"
    return FactorSource(
        latents, levels(factors, discrete)[0], f"factors held among {len(latents)} images{how}"
    )


def redrawn(
    factors: Array, discrete: NDArray[np.bool_], encode_from: Callable[[Array], Array]
) -> FactorSource:
    """A source of images drawn again, with each continuous factor at one of a few exact values.

    Arguments:
        factors: True factors of a set of images, shape (N, F).
        discrete: Which of them are classes, shape (F,).
        encode_from: Draws images from factors (N, F) and returns their posterior means (N, D).
    """
    groups, moved = levels(factors, discrete)
    how = f"factors held exactly in {len(factors)} images drawn again, continuous ones at {LEVELS} values"
    return FactorSource(encode_from(moved), groups, how)
