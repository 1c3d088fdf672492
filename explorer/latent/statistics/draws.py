r"""Random latents from the prior and around a latent; the same seed gives the same latents.

prior:      z = s e,      e ~ N(0, I), each e_d with |e_d| > t redrawn
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

LEAST_TRUNCATION = 0.05  # below, nearly every value would be redrawn
MARGIN = 0.05  # share of the Gaussian left out at each end of a manifold


def prior(
    count: int, size: int, seed: int, *, temperature: float = 1.0, truncation: float | None = None
) -> Floats:
    """Draws from the standard normal prior.

    Arguments:
        count: Number of draws.
        size: Dimensions, D.
        seed: Of the draws.
        temperature: Factor on the standard normal draws, at least 0; 0 gives the mode of the prior.
        truncation: Values beyond this many standard deviations are redrawn, before the temperature applies; None for
            no truncation.

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


def near(latent: ArrayLike, radius: float, count: int, seed: int) -> Floats:
    """Draws around a latent.

    Arguments:
        latent: Shape (D,).
        radius: Standard deviation around the latent in each dimension, in prior standard deviations.
        count: Number of draws.
        seed: Of the draws.

    Returns:
        float32, shape (count, D).

    Raises:
        ValueError: If `radius` is negative or not finite, or `latent` is not a vector.
    """
    centre = np.asarray(latent, np.float64)
    if centre.ndim != 1:
        raise ValueError(f"`latent` must have the shape (D,). Got {centre.shape}.")
    if not 0 <= radius < math.inf:
        raise ValueError(f"`radius` must be a finite number of at least 0. Got {radius}.")
    eps = np.random.default_rng(seed).standard_normal((count, len(centre)))
    return (centre + radius * eps).astype(np.float32)


def manifold(side: int) -> Floats:
    """A grid of two-dimensional latents at equal steps of prior probability.

    Arguments:
        side: Latents a side, at least 2.

    Returns:
        float32, shape (side, side, 2): rows from the top (second dimension large) down, columns from the left.

    Raises:
        ValueError: If `side` is too small.
    """
    from scipy.special import ndtri

    if side < 2:
        raise ValueError(f"`side` must be at least 2. Got {side}.")
    q = ndtri(np.linspace(MARGIN, 1 - MARGIN, side))
    across, up = np.meshgrid(q, q[::-1])
    return np.stack([across, up], axis=-1).astype(np.float32)
