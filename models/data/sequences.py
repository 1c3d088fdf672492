"""The contents of a data set of sequences: frames that are generated on demand, and named attributes.

A sequence is T images of one size. N sequences take T times the memory of N images, so a data set stores only their
factors and generates the frames of each batch when they are read; row i is always the same sequence.
"""

from __future__ import annotations

__all__ = ["SequenceData", "check_frames", "check_number"]

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.data.base import Attribute, ImageData, check_facts, check_integer, indices_below

FRAMES_AT_MOST = 100
BATCH = 256  # sequences whose frames are in memory together


@dataclass(frozen=True, eq=False)
class SequenceData:
    """One split of a data set of sequences; the frames are not stored.

    Arguments:
        name: Name of the data set, such as "moving-digits".
        split: One of `models.data.base.SPLITS`.
        make: Function from ids (M,), int64, to the frames of these sequences, uint8, shape (M, T, H, W, C).
        shape: Shape of one sequence, (T, H, W, C); C is 1 (grey) or 3 (RGB).
        attributes: Attributes of the sequences by name, with N values each.
        ids: Row of each sequence in the split of the data set, int64, shape (N,).
        publishable: False if no frame may be published.
        licence: Licence of the frames, as their source states it.
        source: Source of the frames and credit.

    Raises:
        ValueError: If a field breaks one of these rules.
    """

    name: str
    split: str
    make: Callable[[NDArray[np.int64]], NDArray[np.uint8]]
    shape: tuple[int, int, int, int]
    attributes: dict[str, Attribute]
    ids: NDArray[np.int64]
    publishable: bool
    licence: str
    source: str

    def __post_init__(self) -> None:
        """Checks every field."""
        check_facts(self, len(self.ids))
        if len(self.shape) != 4 or self.shape[3] not in (1, 3) or min(self.shape) < 1:
            raise ValueError(f"`shape` must be (T, H, W, 1 or 3). Got {self.shape}.")

    def __len__(self) -> int:
        """The number of sequences."""
        return len(self.ids)

    @property
    def length(self) -> int:
        """Number of frames of a sequence, T."""
        return self.shape[0]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of a frame for models, (C, H, W)."""
        _, height, width, channels = self.shape
        return channels, height, width

    def frames(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """Generates the sequences at `indices`.

        Arguments:
            indices: Positions in this split, integers in [0, N), shape (M,); repeats are allowed.

        Returns:
            uint8, shape (M, T, H, W, C).

        Raises:
            ValueError: If `indices` are not such integers.
        """
        return self.make(self.ids[indices_below(indices, len(self))])

    def last(self) -> ImageData:
        """Generates the last frame of each sequence, which the latent of the sequence decodes to."""
        starts = range(0, len(self), BATCH)
        frames = [self.frames(np.arange(n, min(n + BATCH, len(self))))[:, -1] for n in starts]
        return ImageData(
            name=self.name,
            split=self.split,
            images=np.concatenate([np.empty((0, *self.shape[1:]), np.uint8), *frames]),
            attributes=self.attributes,
            ids=self.ids,
            publishable=self.publishable,
            licence=self.licence,
            source=self.source,
        )

    def take(self, indices: ArrayLike) -> SequenceData:
        """Selects the sequences at `indices`, in that order, with their attributes and ids.

        Raises:
            ValueError: If `indices` are not integers in [0, N).
        """
        rows = indices_below(indices, len(self))
        attributes: dict[str, Any] = {name: each.take(rows) for name, each in self.attributes.items()}
        return replace(self, attributes=attributes, ids=self.ids[rows])


def check_frames(frames: object) -> None:
    """Raises ValueError if a sequence cannot have so many frames."""
    check_integer("frames", frames, 2)
    if isinstance(frames, int) and frames > FRAMES_AT_MOST:
        raise ValueError(f"`frames` must be at most {FRAMES_AT_MOST}. Got {frames}.")


def check_number(name: str, value: object, low: float, high: float) -> None:
    """Raises ValueError unless an argument is a number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"`{name}` must be a number in [{low}, {high}]. Got {value!r}.")
