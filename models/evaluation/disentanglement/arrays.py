"""Helpers of the metrics: validation of arrays, standardisation, and the gap between the two best scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "check", "gap", "standardise", "varying"]

Array = NDArray[np.float64]

ROUNDING = 1e-6  # a standard deviation below this share of the largest value is float32 rounding


def check(latents: Array, factors: Array) -> None:
    """Checks latents (N, D) and factors (N, F): one row per image, all finite, every factor varies.

    Raises:
        ValueError: If a rule is broken. Arrays with one image per column are not transposed, but refused.
    """
    for name, values in (("latents", latents), ("factors", factors)):
        if values.ndim != 2 or 0 in values.shape:
            raise ValueError(f"`{name}` must be 2-D with one row per image. Got the shape {values.shape}.")
        if not np.isfinite(values).all():
            raise ValueError(f"`{name}` must be finite. Got NaN or infinity.")
    if len(latents) != len(factors):
        raise ValueError(
            "`latents` (N, D) and `factors` (N, F) must have one row per image. "
            f"Got {latents.shape} and {factors.shape}: transpose with `.T` if needed, never with a reshape."
        )
    still = np.flatnonzero((factors == factors[0]).all(0))
    if len(still):
        raise ValueError(
            f"`factors` must vary over the images. Got a constant column {still[0]}: leave it out."
        )


def varying(latents: Array) -> NDArray[np.bool_]:
    """Which dimensions of latents (N, D) vary by more than rounding, each relative to its own scale: shape (D,)."""
    moves: NDArray[np.bool_] = latents.std(0) > ROUNDING * np.abs(latents).max(0)
    return moves


def standardise(values: Array, like: Array | None = None) -> Array:
    """Standardises columns to mean 0 and standard deviation 1; constant columns become 0.

    Arguments:
        values: Shape (N, D).
        like: Values that give mean and standard deviation, shape (M, D); `values` if None.

    Returns:
        Shape (N, D).
    """
    like = values if like is None else like
    moves = varying(like)
    return np.where(moves, (values - like.mean(0)) / np.where(moves, like.std(0), 1.0), 0.0)


def gap(scores: Array) -> Array:
    """The gap between the best and the second-best dimension: scores (D, F) to gaps (F,).

    With a single dimension the gap is its score.
    """
    padded = scores if len(scores) > 1 else np.concatenate([scores, np.zeros_like(scores)])
    second, best = np.partition(padded, (-2, -1), axis=0)[-2:]
    lead: Array = best - second
    return lead
