"""Where images come from that share one factor's value while all others vary.

The FactorVAE and the beta-VAE score ask for such images. A `FactorSource` gives them from any stack of images
with known factors: a labelled collection as it is, or one that a generator draws for the purpose. In a labelled
collection a discrete factor is held exactly, a continuous one within a bin of its range. Where images can be
drawn from their factors, each face of the set is drawn again with its continuous factors moved to the middle of
their bins, so that images of one bin share the value exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.disentanglement.arrays import Array

__all__ = ["BATCH", "LEVELS", "FactorSource", "batch_sizes", "labelled", "levels", "redrawn"]

BATCH = 64  # images that a batch has
BLOCK = 256  # batches at a time, so that memory stays small
LEVELS = 20  # of a continuous factor
FEWEST = 8  # images of one value; a rarer value is passed over

Groups = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FactorSource:
    """Codes of images, and which of them share which factor's value.

    Arguments:
        codes: Mean codes, shape (N, D).
        groups: Numbers from 0, shape (N, F): images with one number in column k share factor k.
        about: How a factor is held, for the protocol.

    Raises:
        ValueError: If no value of some factor is shared by enough images.
    """

    codes: Array
    groups: Groups
    about: str

    def __post_init__(self) -> None:
        """Checks that every factor can be held."""
        for k, group in enumerate(self.groups.T):
            most = np.bincount(group).max()
            if most < FEWEST:
                raise ValueError(
                    f"`groups` must have a value that {FEWEST} images share in every column. "
                    f"Column {k} has at most {most}: use more images."
                )

    def batches(self, factor: int, count: int, rng: np.random.Generator, size: int = BATCH) -> Array:
        """Draws batches of codes that share one value of a factor; the value is that of a random image.

        Arguments:
            factor: Which factor is held.
            count: Number of batches.
            rng: Source of the choices.
            size: Images a batch, drawn with replacement.

        Returns:
            Shape (count, size, D).
        """
        shelf = Shelf(self.groups[:, factor])
        chosen = shelf.common[rng.integers(len(shelf.common), size=(count, 1))]
        step = rng.random((count, size)) * shelf.fellows(chosen)
        return self.codes[shelf.fellow(chosen, step.astype(np.int64))]

    def pairs(
        self, factor: int, count: int, rng: np.random.Generator, size: int = BATCH
    ) -> tuple[Array, Array]:
        """Draws batches of pairs: the two of a pair share a value, each pair has its own.

        Arguments:
            factor: Which factor is held.
            count: Number of batches.
            rng: Source of the choices.
            size: Pairs a batch.

        Returns:
            Codes of the first and of the second, another image, each of shape (count, size, D).
        """
        shelf = Shelf(self.groups[:, factor])
        first = shelf.common[rng.integers(len(shelf.common), size=(count, size))]
        step = 1 + rng.random((count, size)) * (shelf.fellows(first) - 1)
        return self.codes[first], self.codes[shelf.fellow(first, step.astype(np.int64))]


class Shelf:
    """Images sorted by the value they share, so that fellows of an image are found without a search."""

    def __init__(self, group: Groups) -> None:
        self.group = group
        self.order = np.argsort(group, kind="stable")
        self.size = np.bincount(group)
        self.start = np.cumsum(self.size) - self.size
        self.place = np.empty_like(self.order)
        self.place[self.order] = np.arange(len(group))
        self.common = np.flatnonzero(self.size[group] >= FEWEST)  # images whose value is not too rare

    def fellows(self, image: Groups) -> Groups:
        """How many images share the value of an image, itself among them."""
        return self.size[self.group[image]]

    def fellow(self, image: Groups, step: Groups) -> Groups:
        """The image that stands `step` places after another, going round among those of its value."""
        start = self.start[self.group[image]]
        return self.order[start + (self.place[image] - start + step) % self.fellows(image)]


def batch_sizes(count: int) -> Iterator[int]:
    """Parts of `count` batches that fit in memory."""
    for start in range(0, count, BLOCK):
        yield min(BLOCK, count - start)


def levels(factors: Array, discrete: NDArray[np.bool_]) -> tuple[Groups, Array]:
    """Groups images by the value of each factor, a continuous one by bins of equal width.

    Arguments:
        factors: True factors, shape (N, F).
        discrete: Which of them are classes, shape (F,).

    Returns:
        Numbers of the groups, shape (N, F), and the factors moved to the middle of their bin, shape (N, F).
    """
    low, width = factors.min(0), np.ptp(factors, 0) / LEVELS
    part = np.minimum((factors - low) // np.where(width > 0, width, 1.0), LEVELS - 1)
    moved = np.where(discrete, factors, low + (part + 0.5) * width)
    groups = [np.unique(column, return_inverse=True)[1] for column in moved.T]
    return np.stack(groups, axis=1).astype(np.int64), moved


def labelled(codes: Array, factors: Array, discrete: NDArray[np.bool_]) -> FactorSource:
    """A source from a collection as it is: codes (N, D), factors (N, F), which are classes (F,)."""
    how = "" if discrete.all() else f", continuous ones within one of {LEVELS} bins"
    return FactorSource(codes, levels(factors, discrete)[0], f"factors held among {len(codes)} images{how}")


def redrawn(
    factors: Array, discrete: NDArray[np.bool_], encode_from: Callable[[Array], Array]
) -> FactorSource:
    """A source of images drawn again, with each continuous factor at one of a few exact values.

    Arguments:
        factors: True factors of a set of images, shape (N, F).
        discrete: Which of them are classes, shape (F,).
        encode_from: Draws images from factors (N, F) and gives their mean codes (N, D).
    """
    groups, moved = levels(factors, discrete)
    how = f"factors held exactly in {len(factors)} images drawn again, continuous ones at {LEVELS} values"
    return FactorSource(encode_from(moved), groups, how)
