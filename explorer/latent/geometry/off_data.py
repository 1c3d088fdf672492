r"""Codes that are no image's: along a straight line away from the data, and at random in the range of the codes.

away:      z(t) = z_0 + t r s u,  |u| = 1 at random, s the spread of each dimension, r a multiple of sqrt(D)
in range:  z_d ~ U(1st percentile, 99th percentile) of dimension d, each for itself

What a decoder makes of them shows continuity and completeness, which a KL term towards a prior asks for and a plain
reconstruction loss does not.

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["away", "in_range"]

Floats = NDArray[np.float32]

REACH = 2.5  # times the typical distance of a code from the middle of all codes
RANGE = (1.0, 99.0)  # percentiles; a few outliers do not stretch it


def away(code: ArrayLike, codes: ArrayLike, count: int, seed: int) -> Floats:
    """Codes along a straight line that starts at an image's code and leaves the data.

    Arguments:
        code: Where it starts, shape (D,).
        codes: Of all images, shape (N, D), same unit.
        count: Codes on the line, at least 2.
        seed: Of the direction.

    Returns:
        Shape (count, D); the first is `code`.

    Raises:
        ValueError: If `count` is under 2 or the shapes do not match.
    """
    start, all_codes = np.asarray(code, np.float64), np.asarray(codes, np.float64)
    if count < 2:
        raise ValueError(f"`count` must be at least 2. Got {count}.")
    if all_codes.ndim != 2 or start.shape != all_codes.shape[1:]:
        raise ValueError(f"`code` must have the shape (D,) of `codes` (N, D). Got {start.shape}.")
    direction = np.random.default_rng(seed).standard_normal(len(start))
    step = all_codes.std(0) * direction / np.linalg.norm(direction)
    t = np.linspace(0.0, REACH * np.sqrt(len(start)), count)
    line: Floats = (start + t[:, None] * step).astype(np.float32)
    return line


def in_range(codes: ArrayLike, count: int, seed: int) -> Floats:
    """Codes at random in the box that nearly all codes fill, each dimension for itself.

    Arguments:
        codes: Of all images, shape (N, D).
        count: How many.
        seed: Of the draws.

    Returns:
        Shape (count, D).
    """
    low, high = np.percentile(np.asarray(codes, np.float64), RANGE, axis=0)
    drawn: Floats = np.random.default_rng(seed).uniform(low, high, (count, len(low))).astype(np.float32)
    return drawn
