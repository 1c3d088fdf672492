"""What a data set of sequences gives: frames that are made when they are asked for, and named attributes.

A sequence is T images of one size. N of them are many times the memory of N images, so a data set keeps only what
decides them and makes the frames of a batch anew each time; row i is always the same sequence.
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
AT_ONCE = 256  # sequences whose frames are held at once


@dataclass(frozen=True, eq=False)
class SequenceData:
    """One split of a data set of sequences; nothing of their frames is stored.

    Arguments:
        name: The data set, such as "moving-digits".
        split: One of `models.data.base.SPLITS`.
        make: Gives the frames of the sequences with the ids (M,), int64: uint8, shape (M, T, H, W, C).
        shape: Of one sequence, (T, H, W, C); C is 1 (grey) or 3 (RGB).
        attributes: What is known about the sequences, by name; each of N values.
        ids: Row of each sequence in the data set's own split, int64, shape (N,).
        publishable: False if no picture of it may be published.
        licence: Licence of the pictures as their source states it.
        source: Where they are from and whom to credit.

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
        """Frames of a sequence, T."""
        return self.shape[0]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one frame as models see it, (C, H, W)."""
        _, height, width, channels = self.shape
        return channels, height, width

    def frames(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """The sequences at `indices`, made now.

        Arguments:
            indices: Positions in this split, integers in [0, N), shape (M,); repeats are allowed.

        Returns:
            uint8, shape (M, T, H, W, C).

        Raises:
            ValueError: If `indices` are not such integers.
        """
        return self.make(self.ids[indices_below(indices, len(self))])

    def last(self) -> ImageData:
        """The last frame of each sequence, as images: what a code of the whole sequence shows."""
        parts = range(0, len(self), AT_ONCE)
        ends = [self.frames(np.arange(n, min(n + AT_ONCE, len(self))))[:, -1] for n in parts]
        return ImageData(
            name=self.name,
            split=self.split,
            images=np.concatenate([np.empty((0, *self.shape[1:]), np.uint8), *ends]),
            attributes=self.attributes,
            ids=self.ids,
            publishable=self.publishable,
            licence=self.licence,
            source=self.source,
        )

    def take(self, indices: ArrayLike) -> SequenceData:
        """The sequences at `indices`, in that order, with their attributes and ids.

        Raises:
            ValueError: If `indices` are not integers in [0, N).
        """
        rows = indices_below(indices, len(self))
        attributes: dict[str, Any] = {name: each.take(rows) for name, each in self.attributes.items()}
        return replace(self, attributes=attributes, ids=self.ids[rows])


def check_frames(frames: object) -> None:
    """Raises ValueError where a sequence can not have so many frames."""
    check_integer("frames", frames, 2)
    if isinstance(frames, int) and frames > FRAMES_AT_MOST:
        raise ValueError(f"`frames` must be at most {FRAMES_AT_MOST}. Got {frames}.")


def check_number(name: str, value: object, low: float, high: float) -> None:
    """Raises ValueError where an argument is no number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"`{name}` must be a number in [{low}, {high}]. Got {value!r}.")
