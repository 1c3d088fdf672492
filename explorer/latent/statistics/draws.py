r"""Draws of codes from the prior and around a code; the same seed gives the same codes.

prior:      z = s e,      e ~ N(0, I), every number of e beyond +-t drawn again
near:       z = z_0 + r e
manifold:   z_ij = (q(u_i), q(u_j)),   q the inverse of the Gaussian's distribution function

References:
    | Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al., 2018), for the truncation
    | https://arxiv.org/abs/1809.11096
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013), for the manifold
    | https://arxiv.org/abs/1312.6114
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["manifold", "near", "prior"]

Floats = NDArray[np.float32]

LEAST_TRUNCATION = 0.05  # under it nearly every number is drawn again
MARGIN = 0.05  # share of the Gaussian left out at each end of a manifold


def prior(
    count: int, size: int, seed: int, *, temperature: float = 1.0, truncation: float | None = None
) -> Floats:
    """Draws from the standard normal prior.

    Arguments:
        count: How many.
        size: Numbers in a code, D.
        seed: Of the draws.
        temperature: What the standard normal draws are multiplied by, 0 or more; 0 gives the prior's mode.
        truncation: Numbers beyond this many standard deviations are drawn again, before the temperature is applied;
            None for none.

    Returns:
        float32, shape (count, size), in prior standard deviations.

    Raises:
        ValueError: If a value is out of range.
    """
    if not 0 <= temperature < math.inf:
        raise ValueError(f"`temperature` must be a finite number of at least 0. Got {temperature}.")
    if truncation is not None and not truncation >= LEAST_TRUNCATION:
        raise ValueError(f"`truncation` must be at least {LEAST_TRUNCATION}. Got {truncation}.")
    rng = np.random.default_rng(seed)
    eps = rng.standard_normal((count, size))
    if truncation is not None:
        while (far := np.abs(eps) > truncation).any():
            eps[far] = rng.standard_normal(int(far.sum()))
    return (temperature * eps).astype(np.float32)


def near(code: ArrayLike, radius: float, count: int, seed: int) -> Floats:
    """Draws around a code.

    Arguments:
        code: Shape (D,).
        radius: Standard deviation of each number around the code's, in prior standard deviations.
        count: How many.
        seed: Of the draws.

    Returns:
        float32, shape (count, D).

    Raises:
        ValueError: If `radius` is negative or not finite, or `code` is no vector.
    """
    centre = np.asarray(code, np.float64)
    if centre.ndim != 1:
        raise ValueError(f"`code` must have the shape (D,). Got {centre.shape}.")
    if not 0 <= radius < math.inf:
        raise ValueError(f"`radius` must be a finite number of at least 0. Got {radius}.")
    eps = np.random.default_rng(seed).standard_normal((count, len(centre)))
    return (centre + radius * eps).astype(np.float32)


def manifold(side: int) -> Floats:
    """A grid of two-dimensional codes that lie evenly under the prior, each in as much probability as the others.

    Arguments:
        side: Codes a side, at least 2.

    Returns:
        float32, shape (side, side, 2): rows from the top (second number large) down, columns from the left.

    Raises:
        ValueError: If `side` is too small.
    """
    from scipy.special import ndtri

    if side < 2:
        raise ValueError(f"`side` must be at least 2. Got {side}.")
    q = ndtri(np.linspace(MARGIN, 1 - MARGIN, side))
    across, up = np.meshgrid(q, q[::-1])
    return np.stack([across, up], axis=-1).astype(np.float32)
