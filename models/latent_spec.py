"""The specification of a latent: its shape, its levels, and what a model can do with it. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["LatentSpec", "Level"]


@dataclass(frozen=True)
class Level:
    """A part of a latent with its own grid: a scale of a flow, the top or bottom codes of a VQ-VAE-2, a spatial latent."""

    name: str  # display name, e.g. "top"
    shape: tuple[int, int, int]  # values per position, rows, columns

    @property
    def size(self) -> int:
        """Dimensions of the level."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class LatentSpec:
    """The specification of a latent, and which operations the model offers on it."""

    shape: tuple[int, ...]  # without the batch, e.g. (32,)
    levels: tuple[Level, ...] = ()  # concatenated, coarsest first; () for a plain vector
    discrete: bool = False  # codes of a codebook instead of real numbers
    prior: bool = True  # a prior exists and can be sampled
    likelihood: Literal["exact", "bound", "none"] = "bound"  # how log p(x) can be computed
    sequence: bool = False  # x is a sequence, and the model predicts later frames
    encodes: bool = True  # pictures can be encoded; a decoder alone cannot
    # What `decode` gives: a picture of the latent, that of the nearest item, or a blank one.
    pictures: Literal["decoded", "nearest", "none"] = "decoded"

    def __post_init__(self) -> None:
        total = sum(level.size for level in self.levels)
        if self.levels and self.shape != (total,):
            raise ValueError(
                f"`shape` must be ({total},), the sizes of all levels added up. Got {self.shape}."
            )

    @property
    def has_distance_gauge(self) -> bool:
        """Whether the distance of a latent from those of the data set measures how typical its picture is.

        It does not if the likelihood is exact: in a flow, the distance contradicts the likelihood and the picture.
        """
        return self.likelihood != "exact"

    @property
    def posterior(self) -> bool:
        """Whether the encoder gives a distribution over latents instead of a single latent."""
        return self.sequence or (self.likelihood == "bound" and not self.discrete)

    @property
    def size(self) -> int:
        """Dimensions of a latent."""
        return math.prod(self.shape)
