r"""Densities of latents, and running estimates of log p(x) from log-weights.

naive:       log 1/L sum_l p(x|z_l),                    z_l ~ p(z)
bound:       1/L sum_l log w_l                          z_l ~ q(z|x),  w_l = p(x|z_l) p(z_l) / q(z_l|x)
importance:  log 1/L sum_l w_l                          z_l ~ q(z|x)

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
    | Importance Weighted Autoencoders (Burda et al., 2015)
    | https://arxiv.org/abs/1509.00519
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "active",
    "effective_samples",
    "kl_to_prior",
    "log_normal",
    "running_log_mean",
    "running_mean",
    "sample_counts",
]

Floats = NDArray[np.float64]

LOG_TWO_PI = float(np.log(2 * np.pi))
ACTIVE_FROM = 0.01  # variance of a posterior mean over the images, squared prior standard deviations


def log_normal(z: ArrayLike, mean: ArrayLike = 0.0, std: ArrayLike = 1.0) -> Floats:
    """The log-density log N(z; mean, diag(std^2)), in nats.

    Arguments:
        z: Latents, shape (*, D).
        mean: Shape (*, D) or a number.
        std: The same, over 0.

    Returns:
        Shape (*).
    """
    latents, scale = np.asarray(z, np.float64), np.asarray(std, np.float64)
    eps = (latents - np.asarray(mean, np.float64)) / scale
    terms = -0.5 * (eps**2 + LOG_TWO_PI) - np.log(scale)
    total: Floats = np.broadcast_to(terms, latents.shape).sum(-1)
    return total


def kl_to_prior(mean: ArrayLike, std: ArrayLike) -> Floats:
    """KL(N(mean, std^2) || N(0, 1)) of each dimension, in nats, shape of `mean`."""
    mu, variance = np.asarray(mean, np.float64), np.asarray(std, np.float64) ** 2
    return 0.5 * (mu**2 + variance - 1 - np.log(variance))


def active(mean: ArrayLike) -> NDArray[np.bool_]:
    """Active dimensions: the variance of their posterior mean over the images exceeds 0.01.

    Arguments:
        mean: Posterior means, shape (N, D), in prior standard deviations.

    References:
        | Importance Weighted Autoencoders (Burda et al., 2015)
        | https://arxiv.org/abs/1509.00519
    """
    varies: NDArray[np.bool_] = np.asarray(mean, np.float64).var(0) > ACTIVE_FROM
    return varies


def sample_counts(total: int, points: int = 60) -> NDArray[np.int64]:
    """Sample sizes from 1 to `total`, about evenly spaced on a logarithmic axis, without duplicates."""
    if total < 1:
        raise ValueError(f"`total` must be at least 1. Got {total}.")
    spread = np.rint(np.geomspace(1, total, max(2, points))).astype(np.int64)
    return np.unique(spread)


def running_log_mean(log_weights: ArrayLike, counts: ArrayLike) -> Floats:
    """The log of the mean of the first L weights, for each L of `counts`.

    Arguments:
        log_weights: Shape (N,), nats.
        counts: Each in 1..N.
    """
    weights, sizes = _checked(log_weights, counts)
    return np.logaddexp.accumulate(weights)[sizes - 1] - np.log(sizes)


def running_mean(values: ArrayLike, counts: ArrayLike) -> Floats:
    """The mean of the first L values, for each L of `counts`.

    Arguments:
        values: Shape (N,).
        counts: Each in 1..N.
    """
    numbers, sizes = _checked(values, counts)
    return np.cumsum(numbers)[sizes - 1] / sizes


def effective_samples(log_weights: ArrayLike) -> float:
    """(sum w)^2 / sum w^2: the number of equal weights with the same variance, 1 to N.

    References:
        | A Note on Importance Sampling using Standardized Weights (Kong, 1992)
        | https://galton.uchicago.edu/techreports/tr348.pdf
    """
    weights = np.asarray(log_weights, np.float64)
    relative = np.exp(weights - weights.max())
    return float(relative.sum() ** 2 / (relative**2).sum())


def _checked(values: ArrayLike, counts: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    numbers, sizes = np.asarray(values, np.float64), np.asarray(counts, np.int64)
    if numbers.ndim != 1 or not len(numbers):
        raise ValueError(f"The samples must have the shape (N,) with N > 0. Got {numbers.shape}.")
    if sizes.size and not (sizes.min() >= 1 and sizes.max() <= len(numbers)):
        raise ValueError(f"`counts` must lie in 1..{len(numbers)}, the number of samples.")
    return numbers, sizes
