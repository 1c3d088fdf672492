r"""Belief statistics: entropy, disagreement of decoded draws, and the spread of imagined futures.

A belief over two layers, p(z) = p(z^2) p(z^1|z^2), each a diagonal Gaussian, has by the chain rule

    H(z) = H(z^2) + E[ H(z^1|z^2) ],    H(N(mu, diag(sigma^2))) = sum_d ( 1/2 log 2 pi e + log sigma_d )

It is a differential entropy: it can be negative, and it depends on the scale of each dimension, which is arbitrary in a
state with a learnt prior. So it does not show how certain a belief is; `disagreement` of decoded draws does.

A dimension of the state whose distribution depends on a draw from the layer above has, by the law of total variance,

    Var[z_d] = E[ sigma_d^2 ] + Var[ mu_d ]

References:
    | Elements of Information Theory (Cover & Thomas, 2006), theorems 2.2.1 and 8.4.1
    | https://onlinelibrary.wiley.com/doi/book/10.1002/047174882X
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Band", "band", "disagreement", "entropy", "spread_of_mixture"]

Floats = NDArray[np.float64]

LOG_TWO_PI_E = float(np.log(2 * np.pi * np.e))


class Band(NamedTuple):
    """Mean and central 80 % of a metric over many samples, at each step."""

    mean: Floats  # (N,)
    low: Floats  # the 10th percentile, (N,)
    high: Floats  # the 90th percentile, (N,)


def entropy(std: ArrayLike) -> Floats:
    """The differential entropy of diagonal Gaussians, in nats.

    Arguments:
        std: Standard deviations above 0, shape (*, D).

    Returns:
        Shape (*).
    """
    nats: Floats = (0.5 * LOG_TWO_PI_E + np.log(np.asarray(std, np.float64))).sum(-1)
    return nats


def disagreement(pictures: ArrayLike) -> Floats:
    """How far the pictures of several draws differ: root mean square over pixels of their standard deviation.

    Arguments:
        pictures: K draws, shape (*, K, H, W, C), in [0, 1] or 0..255.

    Returns:
        Shape (*), in the unit of the pictures; at most half of their range.
    """
    spread: Floats = np.sqrt(np.asarray(pictures).var(-4, dtype=np.float64).mean((-3, -2, -1)))
    return spread


def spread_of_mixture(mean: ArrayLike, std: ArrayLike) -> Floats:
    """Standard deviation of each dimension of an equally weighted mixture of Gaussians.

    Arguments:
        mean: Of each of K Gaussians, shape (K, *).
        std: Likewise.

    Returns:
        Shape (*).
    """
    within = np.square(np.asarray(std, np.float64)).mean(0)
    spread: Floats = np.sqrt(within + np.asarray(mean, np.float64).var(0))
    return spread


def band(values: ArrayLike) -> Band:
    """Mean and central 80 % over samples.

    Arguments:
        values: One row per sample, shape (S, N).
    """
    rows = np.asarray(values, np.float64)
    low, high = np.quantile(rows, (0.1, 0.9), axis=0)
    return Band(rows.mean(0), low, high)
