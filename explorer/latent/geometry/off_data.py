r"""Latents off the data: along a straight line away from it, and at random within the range of the latents.

away:      z(t) = z_0 + t r s u,  |u| = 1 at random, s the spread of each dimension, r a multiple of sqrt(D)
in range:  z_d ~ U(1st percentile, 99th percentile) of each dimension d independently

Decoding them shows the continuity and completeness of a latent space, which a KL term towards a prior encourages and a
plain reconstruction loss does not.

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["away", "in_range"]

Floats = NDArray[np.float32]

REACH = 2.5  # times the typical distance of a latent from the mean
RANGE = (1.0, 99.0)  # percentiles, robust to outliers


def away(latent: ArrayLike, latents: ArrayLike, count: int, seed: int) -> Floats:
    """Latents along a random straight line from an image's latent out of the data.

    Arguments:
        latent: Start of the line, shape (D,).
        latents: Of all images, shape (N, D), same unit.
        count: Points on the line, at least 2.
        seed: Of the direction.

    Returns:
        Shape (count, D); the first is `latent`.

    Raises:
        ValueError: If `count` is under 2 or the shapes do not match.
    """
    start, all_codes = np.asarray(latent, np.float64), np.asarray(latents, np.float64)
    if count < 2:
        raise ValueError(f"`count` must be at least 2. Got {count}.")
    if all_codes.ndim != 2 or start.shape != all_codes.shape[1:]:
        raise ValueError(f"`latent` must have the shape (D,) of `latents` (N, D). Got {start.shape}.")
    direction = np.random.default_rng(seed).standard_normal(len(start))
    step = all_codes.std(0) * direction / np.linalg.norm(direction)
    t = np.linspace(0.0, REACH * np.sqrt(len(start)), count)
    line: Floats = (start + t[:, None] * step).astype(np.float32)
    return line


def in_range(latents: ArrayLike, count: int, seed: int) -> Floats:
    """Uniform random latents in the box that contains nearly all latents.

    Arguments:
        latents: Of all images, shape (N, D).
        count: Number of draws.
        seed: Of the draws.

    Returns:
        Shape (count, D).
    """
    low, high = np.percentile(np.asarray(latents, np.float64), RANGE, axis=0)
    return np.random.default_rng(seed).uniform(low, high, (count, len(low))).astype(np.float32)
