r"""Similarity of two latent spaces of the same images, and the effective dimension of one.

Neighbours kept: |N_k(a) & N_k(b)| / k, the mean over images of the share of the k nearest that both spaces agree on.

Linear reach: 1 - |b - (a W + c)|^2 / |b - mean b|^2, the R^2 of a linear map from one space to the other, fitted on
every other image and measured on the rest. A linear autoencoder and PCA predict each other perfectly.

Effective dimensions: (sum lambda)^2 / sum lambda^2 of the covariance, D if all directions have equal variance.

References:
    | Local Multidimensional Scaling for Nonlinear Dimension Reduction (Chen & Buja, 2009)
    | https://doi.org/10.1198/jasa.2009.0111
    | Neural networks and principal component analysis (Baldi & Hornik, 1989)
    | https://doi.org/10.1016/0893-6080(89)90014-2
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "by_chance",
    "effective_dimensions",
    "explained",
    "label_agreement",
    "linear_reach",
    "nearest_others",
    "neighbours_kept",
]

Floats = NDArray[np.float64]

RIDGE = 1e-6  # of the mean variance; keeps the system regular if a dimension is constant
BLOCK = 1 << 23  # distances in memory at once, 64 MiB


def nearest_others(z: ArrayLike, queries: ArrayLike, k: int) -> NDArray[np.int64]:
    """The `k` nearest other items of some of the items, unordered.

    Arguments:
        z: Latents, shape (N, D).
        queries: Rows to search for, shape (Q,).
        k: How many, 1 to N - 1.

    Returns:
        Rows of `z`, shape (Q, k).

    Raises:
        ValueError: If `k` is out of range.
    """
    latents = np.asarray(z, np.float64)
    rows = np.asarray(queries, np.int64)
    if not 1 <= k < len(latents):
        raise ValueError(f"`k` must lie in 1..{len(latents) - 1}, the number of other items. Got {k}.")
    latents = latents - latents.mean(0)
    squares = (latents**2).sum(1)
    found = np.empty((len(rows), k), np.int64)
    step = max(1, BLOCK // len(latents))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        gaps = squares - 2 * (latents[part] @ latents.T)
        gaps[np.arange(len(part)), part] = np.inf
        found[start : start + step] = np.argpartition(gaps, k - 1, axis=1)[:, :k]
    return found


def neighbours_kept(a: ArrayLike, b: ArrayLike) -> float:
    """The mean share of neighbours that both spaces agree on, 0 to 1.

    Arguments:
        a: Each image's neighbours in one space, shape (Q, k), as `nearest_others` gives them.
        b: The same images' in the other, same shape.

    Raises:
        ValueError: If the shapes differ.
    """
    one, other = np.asarray(a), np.asarray(b)
    if one.shape != other.shape or one.ndim != 2:
        raise ValueError(f"`a` and `b` must have one shape (Q, k). Got {one.shape} and {other.shape}.")
    same = (one[:, :, None] == other[:, None, :]).any(2)
    return float(same.mean())


def by_chance(count: int, k: int) -> float:
    """The share of `k` neighbours that unrelated spaces of `count` items agree on, on average: k / (count - 1)."""
    return k / (count - 1)


def label_agreement(neighbours: ArrayLike, queries: ArrayLike, labels: ArrayLike) -> float:
    """The mean share of neighbours that have the same label as their image, 0 to 1.

    Arguments:
        neighbours: As `nearest_others` gives them, shape (Q, k).
        queries: The images searched for, shape (Q,).
        labels: A label per item, integers of shape (N,); negative where it is not known: such pairs do not count.

    Returns:
        The share; NaN where no label of a pair is known.
    """
    found = np.asarray(labels)
    near, own = found[np.asarray(neighbours)], found[np.asarray(queries)][:, None]
    counted = (near >= 0) & (own >= 0)
    return float((near == own)[counted].mean()) if counted.any() else float("nan")


def linear_reach(source: ArrayLike, target: ArrayLike) -> float:
    """R^2 of a linear map from `source` to `target` on held-out images, at most 1, negative if worse than the mean.

    Arguments:
        source: Latents of the images in one space, shape (N, D).
        target: Latents of the same images in the other, shape (N, E).

    Raises:
        ValueError: If the numbers of images differ, or there are fewer than 4.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b) or len(a) < 4:
        raise ValueError(
            f"`source` and `target` must be latents of the same images, at least 4. Got {a.shape} and {b.shape}."
        )
    centre_a, centre_b = a[::2].mean(0), b[::2].mean(0)
    fit, rest = a[::2] - centre_a, a[1::2] - centre_a
    square = fit.T @ fit
    ridge = RIDGE * float(np.trace(square)) / len(square) or 1.0
    weights = np.linalg.solve(square + ridge * np.eye(len(square)), fit.T @ (b[::2] - centre_b))
    left = b[1::2] - centre_b - rest @ weights
    spread = b[1::2] - b[1::2].mean(0)
    total = float((spread**2).sum())
    return 1.0 - float((left**2).sum()) / total if total > 0 else 0.0


def explained(z: ArrayLike) -> Floats:
    """Cumulative share of the variance explained by the first principal components, shape (D,), rising to 1.

    Arguments:
        z: Latents, shape (N, D).
    """
    variances = _variances(z)
    total = variances.sum()
    return np.cumsum(variances) / total if total > 0 else np.ones_like(variances)


def effective_dimensions(z: ArrayLike) -> float:
    """Effective number of dimensions of latents (N, D), 1 to D: the participation ratio of their variances."""
    variances = _variances(z)
    squares = float((variances**2).sum())
    return float(variances.sum()) ** 2 / squares if squares > 0 else 0.0


def _variances(z: ArrayLike) -> Floats:
    """Variances (D,) along the principal components, the largest first."""
    latents = np.asarray(z, np.float64)
    latents = latents - latents.mean(0)
    values: Floats = np.linalg.eigvalsh(latents.T @ latents / len(latents))[::-1]
    return np.maximum(values, 0.0)
