"""Position of the moving object in the pictures of a sequence: a digit on a circle, a bead on a spring."""

from __future__ import annotations

from typing import ClassVar, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from models.data import SequenceData, oscillator
from models.data.moving_digits import positions
from models.evaluation.moving_digits import displaced, found_positions

__all__ = ["Bead", "Digit", "Mover"]

Floats = NDArray[np.float64]
Pictures = NDArray[np.uint8]


class Mover(Protocol):
    """The moving object in the sequences of a data set; positions are in pixels."""

    explanation: ClassVar[str]  # how its position is measured, for display
    sides: ClassVar[
        bool
    ]  # whether it moves in one direction throughout, so that a picture shows it on the true side or not

    def path(self, number: int) -> Floats:
        """Its true position in each frame of a sequence, (T,)."""
        ...

    def locate(self, pictures: Pictures, number: int) -> Floats:
        """Its position measured in pictures (S, N, H, W, C) of a sequence, (S, N)."""
        ...

    def displaced(self, start: Floats, end: Floats) -> Floats:
        """Signed displacement from start to end, the shorter way around."""
        ...


class Digit:
    """A digit that moves around a circle.

    Arguments:
        clean: The moving digits, without noise.
    """

    explanation: ClassVar[str] = (
        "Position of the digit by circular cross-correlation with the true one, whole pixels."
    )
    sides: ClassVar[bool] = True

    def __init__(self, clean: SequenceData) -> None:
        self._clean = clean
        self._paths = positions(clean)

    def path(self, number: int) -> Floats:
        """The number of columns by which each frame is rolled."""
        return cast("Floats", self._paths[number].astype(float))

    def locate(self, pictures: Pictures, number: int) -> Floats:
        """By circular cross-correlation with the first frame, whole pixels."""
        many, first = pictures.reshape(1, -1, *pictures.shape[2:]), self._clean.frames([number])[:, 0]
        found = found_positions(many, first, self._paths[number, :1])
        return cast("Floats", found.reshape(pictures.shape[:2]).astype(float))

    def displaced(self, start: Floats, end: Floats) -> Floats:
        """The shorter way around."""
        return displaced(start, end, self._clean.shape[2])


class Bead:
    """A bead that swings on a spring.

    Arguments:
        data: The oscillators.
        period: Period of the oscillation, in frames.
    """

    explanation: ClassVar[str] = (
        "Distance of the centre of the bright pixels from the noise-free position of the bead."
    )
    sides: ClassVar[bool] = False

    def __init__(self, data: SequenceData, period: float) -> None:
        self._paths = oscillator.positions(data, period)

    def path(self, number: int) -> Floats:
        """The noise-free position, from the middle to the right."""
        return cast("Floats", self._paths[number])

    def locate(self, pictures: Pictures, number: int) -> Floats:
        """The centre of the bright pixels."""
        return oscillator.spot_positions(pictures)

    def displaced(self, start: Floats, end: Floats) -> Floats:
        """Along the line of motion."""
        return end - start
