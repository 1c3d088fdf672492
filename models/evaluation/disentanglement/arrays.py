"""What the metrics share: the checks of their arrays, one scale for all codes, and the gap between the best two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "check", "gap", "standardise", "varying"]

Array = NDArray[np.float64]

ROUNDING = 1e-6  # of a code's largest value; a standard deviation below it is rounding in float32


def check(codes: Array, factors: Array) -> None:
    """Checks codes (N, D) against factors (N, F): one row an image, all finite, every factor varies.

    Raises:
        ValueError: If a rule is broken. Arrays with one image a column are refused, not turned by a reshape.
    """
    for name, values in (("codes", codes), ("factors", factors)):
        if values.ndim != 2 or 0 in values.shape:
            raise ValueError(f"`{name}` must be 2-D with one row an image. Got the shape {values.shape}.")
        if not np.isfinite(values).all():
            raise ValueError(f"`{name}` must be finite. Got NaN or infinity: mend what made them.")
    if len(codes) != len(factors):
        raise ValueError(
            "`codes` (N, D) and `factors` (N, F) must have one row an image. "
            f"Got {codes.shape} and {factors.shape}: transpose with `.T`, never with a reshape."
        )
    still = np.flatnonzero((factors == factors[0]).all(0))
    if len(still):
        raise ValueError(
            f"`factors` must vary over the images. Got a constant column {still[0]}: leave it out."
        )


def varying(codes: Array) -> NDArray[np.bool_]:
    """Which codes (N, D) vary, by more than rounding: shape (D,). Each by its own scale, whatever the others'."""
    moves: NDArray[np.bool_] = codes.std(0) > ROUNDING * np.abs(codes).max(0)
    return moves


def standardise(values: Array, like: Array | None = None) -> Array:
    """Columns less their mean, over their standard deviation; 0 where a column holds still.

    Arguments:
        values: Shape (N, D).
        like: Where to take mean and deviation from, shape (M, D); `values` where None.

    Returns:
        Shape (N, D).
    """
    like = values if like is None else like
    moves = varying(like)
    return np.where(moves, (values - like.mean(0)) / np.where(moves, like.std(0), 1.0), 0.0)


def gap(scores: Array) -> Array:
    """How far the best code is ahead of the second: scores (D, F) to gaps (F,).

    A single code has no second; its gap is its score.
    """
    padded = scores if len(scores) > 1 else np.concatenate([scores, np.zeros_like(scores)])
    second, best = np.partition(padded, (-2, -1), axis=0)[-2:]
    lead: Array = best - second
    return lead
