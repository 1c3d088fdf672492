"""Where what moves is in the pictures of a sequence: the digit that goes around, the bead that swings."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from models.data import SequenceData, oscillator
from models.data.moving_digits import positions
from models.evaluation.moving_digits import displaced, found_positions

__all__ = ["Bead", "Digit", "Mover"]

Floats = NDArray[np.float64]
Pictures = NDArray[np.uint8]


class Mover(Protocol):
    """What moves in the sequences of a data set; places are in pixels."""

    said: ClassVar[str]  # how its place is found, for people
    sides: ClassVar[bool]  # whether it goes one way all along: a picture then lies on the true side or not

    def path(self, number: int) -> Floats:
        """Where it truly is in each frame of a sequence, (T,)."""
        ...

    def found(self, pictures: Pictures, number: int) -> Floats:
        """Where pictures (S, N, H, W, C) of a sequence show it, (S, N)."""
        ...

    def displaced(self, start: Floats, end: Floats) -> Floats:
        """How far it is from one place to another, by the shorter way."""
        ...


class Digit:
    """A digit that moves around a circle.

    Arguments:
        clean: The moving digits, without noise.
    """

    said: ClassVar[str] = "Of the digit, by circular cross-correlation with the true one, whole pixels."
    sides: ClassVar[bool] = True

    def __init__(self, clean: SequenceData) -> None:
        self._clean = clean
        self._paths = positions(clean)

    def path(self, number: int) -> Floats:
        """Columns that each frame is rolled by."""
        path: Floats = self._paths[number].astype(float)
        return path

    def found(self, pictures: Pictures, number: int) -> Floats:
        """By circular cross-correlation with the first frame, whole pixels."""
        many, first = pictures.reshape(1, -1, *pictures.shape[2:]), self._clean.frames([number])[:, 0]
        found = found_positions(many, first, self._paths[number, :1])
        places: Floats = found.reshape(pictures.shape[:2]).astype(float)
        return places

    def displaced(self, start: Floats, end: Floats) -> Floats:
        """The shorter way around."""
        return displaced(start, end, self._clean.shape[2])


class Bead:
    """A bead that swings on a spring.

    Arguments:
        data: The oscillators.
        period: That they were made with, in frames.
    """

    said: ClassVar[str] = "Of the centre of what is bright, from where the bead is without the noise."
    sides: ClassVar[bool] = False

    def __init__(self, data: SequenceData, period: float) -> None:
        self._paths = oscillator.positions(data, period)

    def path(self, number: int) -> Floats:
        """Without the noise, from the middle to the right."""
        path: Floats = self._paths[number]
        return path

    def found(self, pictures: Pictures, number: int) -> Floats:
        """The centre of what is bright."""
        return oscillator.spot_positions(pictures)

    def displaced(self, start: Floats, end: Floats) -> Floats:
        """Along the line."""
        return end - start
