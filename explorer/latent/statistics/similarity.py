r"""How alike two latent spaces of the same images are, and how one space is filled.

Neighbours kept: |N_k(a) & N_k(b)| / k, the mean over images of the share of the k nearest that two spaces agree on.

Linear reach: 1 - |b - (a W + c)|^2 / |b - mean b|^2, how much of one space a linear map of the other tells, fitted on
every other image and measured on the rest. An autoencoder whose layers are linear reaches its PCA entirely, and the
other way round.

Effective dimensions: (sum lambda)^2 / sum lambda^2 of the codes' covariance, D where all directions spread alike.

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

RIDGE = 1e-6  # of the mean variance: what keeps a dimension without spread from dividing by zero
BLOCK = 1 << 23  # distances held at once, 64 MiB


def nearest_others(z: ArrayLike, queries: ArrayLike, k: int) -> NDArray[np.int64]:
    """The `k` nearest other items of some of the items, in no order.

    Arguments:
        z: Codes, shape (N, D).
        queries: Which items are asked about, shape (Q,).
        k: How many, 1 to N - 1.

    Returns:
        Rows of `z`, shape (Q, k).

    Raises:
        ValueError: If `k` is out of range.
    """
    codes = np.asarray(z, np.float64)
    rows = np.asarray(queries, np.int64)
    if not 1 <= k < len(codes):
        raise ValueError(f"`k` must lie in 1..{len(codes) - 1}, the number of other items. Got {k}.")
    codes = codes - codes.mean(0)
    squares = (codes**2).sum(1)
    found = np.empty((len(rows), k), np.int64)
    step = max(1, BLOCK // len(codes))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        gaps = squares - 2 * (codes[part] @ codes.T)
        gaps[np.arange(len(part)), part] = np.inf
        found[start : start + step] = np.argpartition(gaps, k - 1, axis=1)[:, :k]
    return found


def neighbours_kept(a: ArrayLike, b: ArrayLike) -> float:
    """The mean share of neighbours that two spaces agree on, 0 to 1.

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
    """The mean share of neighbours that have the label of their image, 0 to 1.

    Arguments:
        neighbours: As `nearest_others` gives them, shape (Q, k).
        queries: The images that were asked about, shape (Q,).
        labels: A label an item, shape (N,).
    """
    known = np.asarray(labels)
    same = known[np.asarray(neighbours)] == known[np.asarray(queries)][:, None]
    return float(same.mean())


def linear_reach(source: ArrayLike, target: ArrayLike) -> float:
    """How much of the spread of `target` a linear map of `source` tells, at most 1; below 0 where it misleads.

    Arguments:
        source: Codes of the images in one space, shape (N, D).
        target: Codes of the same images in the other, shape (N, E).

    Raises:
        ValueError: If they are not of the same images, or fewer than 4.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b) or len(a) < 4:
        raise ValueError(
            f"`source` and `target` must be codes of the same images, at least 4. Got {a.shape} and {b.shape}."
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
    """The share of the codes' variance within their first principal components, shape (D,), rising to 1.

    Arguments:
        z: Codes, shape (N, D).
    """
    variances = _variances(z)
    total = variances.sum()
    shares: Floats = np.cumsum(variances) / total if total > 0 else np.ones_like(variances)
    return shares


def effective_dimensions(z: ArrayLike) -> float:
    """Over how many dimensions codes (N, D) spread, 1 to D: the participation ratio of their variances."""
    variances = _variances(z)
    squares = float((variances**2).sum())
    return float(variances.sum()) ** 2 / squares if squares > 0 else 0.0


def _variances(z: ArrayLike) -> Floats:
    """Variances (D,) along the principal components, the largest first."""
    codes = np.asarray(z, np.float64)
    codes = codes - codes.mean(0)
    values: Floats = np.linalg.eigvalsh(codes.T @ codes / len(codes))[::-1]
    return np.maximum(values, 0.0)
