r"""Similarity of two latent spaces of the same images, and the effective dimension of one.

Neighbours kept: |N_k(a) & N_k(b)| / k, the mean over images of the share of the k nearest that both spaces agree on.

Linear reach: 1 - |b - (a W + c)|^2 / |b - mean b|^2, the R^2 of a linear map from one space to the other, fitted on
every other image by ridge regression, its penalty chosen there by the leave-one-out error, and measured on the rest.
A linear autoencoder and PCA predict each other perfectly.

CKA: HSIC(a, b) / sqrt(HSIC(a, a) HSIC(b, b)) of the matrices of inner products K = a a', with the unbiased HSIC

    1 / (n (n - 3)) (tr(K L) + 1'K1 1'L1 / ((n - 1)(n - 2)) - 2 / (n - 2) 1'K L 1),   diagonals of K and L set to 0,

which is 0 on average for unrelated spaces, whatever their dimensions.

Effective dimensions: (tr S)^2 / tr S^2 of the covariance S, D if all directions have equal variance. The sample's
tr S^2 is too large by about (tr S)^2 / n; an estimate without that bias takes its place.

References:
    | Local Multidimensional Scaling for Nonlinear Dimension Reduction (Chen & Buja, 2009)
    | https://doi.org/10.1198/jasa.2009.0111
    | Neural networks and principal component analysis (Baldi & Hornik, 1989)
    | https://doi.org/10.1016/0893-6080(89)90014-2
    | Ridge Regression: Biased Estimation for Nonorthogonal Problems (Hoerl & Kennard, 1970)
    | https://doi.org/10.1080/00401706.1970.10488634
    | Similarity of Neural Network Representations Revisited (Kornblith et al., 2019): CKA
    | https://arxiv.org/abs/1905.00414
    | Feature Selection via Dependence Maximization (Song et al., 2012): unbiased HSIC
    | https://jmlr.org/papers/v13/song12a.html
    | Tests for High-Dimensional Covariance Matrices (Srivastava, 2005): tr S^2
    | https://doi.org/10.14490/jjss.35.251
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.intervals import Interval, ratio_interval

__all__ = [
    "Reach",
    "by_chance",
    "cka",
    "effective_dimensions",
    "explained",
    "label_agreement",
    "linear_reach",
    "nearest_others",
    "neighbour_overlap",
    "ridge",
]

Floats = NDArray[np.float64]

PENALTIES = 10.0 ** np.arange(-6, 5)  # of ridge regression, times the images and their mean variance
PERMUTATIONS = 199
CKA_AT_MOST = 2_000  # images whose inner products are compared
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


def neighbour_overlap(a: ArrayLike, b: ArrayLike) -> float:
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
    values = np.asarray(labels)
    near, own = values[np.asarray(neighbours)], values[np.asarray(queries)][:, None]
    counted = (near >= 0) & (own >= 0)
    return float((near == own)[counted].mean()) if counted.any() else float("nan")


class Reach(NamedTuple):
    """How well a linear map of one space predicts another."""

    r2: Interval  # on held-out images, at most 1; negative if worse than the mean
    p_value: float  # how often the predictions fit shuffled images as well, 0.005 to 1


def linear_reach(source: ArrayLike, target: ArrayLike, seed: int = 0) -> Reach:
    """R^2 of a linear map from `source` to `target` on held-out images.

    Arguments:
        source: Latents of the images in one space, shape (N, D).
        target: Latents of the same images in the other, shape (N, E).
        seed: Of the permutations.

    Raises:
        ValueError: If the numbers of images differ, or there are fewer than 8.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b) or len(a) < 8:
        raise ValueError(
            f"`source` and `target` must be latents of the same images, at least 8. Got {a.shape} and {b.shape}."
        )
    centre_a, centre_b = a[::2].mean(0), b[::2].mean(0)
    weights = ridge(a[::2] - centre_a, b[::2] - centre_b)
    predicted, spread = (a[1::2] - centre_a) @ weights, b[1::2] - b[1::2].mean(0)
    left = b[1::2] - centre_b - predicted
    total = np.square(spread).sum(1)
    if not total.any():
        return Reach(Interval(0.0, 0.0, 0.0), 1.0)
    lost = ratio_interval(np.square(left).sum(1), total)
    fitted = float((predicted * spread).sum())
    rng = np.random.default_rng(seed)
    shuffled = [float((predicted * spread[rng.permutation(len(spread))]).sum()) for _ in range(PERMUTATIONS)]
    reached = int((np.array(shuffled) >= fitted).sum())
    return Reach(Interval(1 - lost.value, 1 - lost.high, 1 - lost.low), (1 + reached) / (1 + PERMUTATIONS))


def ridge(a: Floats, b: Floats) -> Floats:
    """Weights (D, E) of a ridge regression of centred `b` (N, E) on centred `a` (N, D), by the leave-one-out error."""
    values, vectors = np.linalg.eigh(a.T @ a)
    values = np.maximum(values, 0.0)
    if not values.any():
        return np.zeros((a.shape[1], b.shape[1]))
    scores, along = a @ vectors, vectors.T @ (a.T @ b)
    best, weights = np.inf, np.zeros((a.shape[1], b.shape[1]))
    for penalty in PENALTIES * values.sum() / len(values):
        shrunk = along / (values + penalty)[:, None]
        leverage = np.square(scores) @ (1 / (values + penalty)) + 1 / len(a)
        error = float(np.square((b - scores @ shrunk) / (1 - np.minimum(leverage, 1 - 1e-9))[:, None]).sum())
        if error < best:
            best, weights = error, vectors @ shrunk
    return weights


def cka(a: ArrayLike, b: ArrayLike) -> float:
    """Linear CKA with the unbiased HSIC: 1 for spaces that are equal up to rotation and scale, 0 for unrelated ones.

    Arguments:
        a: Latents of the images in one space, shape (N, D), N of at least 4.
        b: Latents of the same images in the other, shape (N, E).

    Returns:
        At most 1; of the first 2,000 images. 0 if a space has no spread.

    Raises:
        ValueError: If the numbers of images differ, or there are fewer than 4.
    """
    one, other = np.asarray(a, np.float64)[:CKA_AT_MOST], np.asarray(b, np.float64)[:CKA_AT_MOST]
    if one.ndim != 2 or other.ndim != 2 or len(one) != len(other) or len(one) < 4:
        raise ValueError(
            f"`a` and `b` must be latents of the same images, at least 4. Got {one.shape}, {other.shape}."
        )
    k, m = _inner(one), _inner(other)
    size = _hsic(k, k) * _hsic(m, m)
    return min(1.0, _hsic(k, m) / float(np.sqrt(size))) if size > 0 else 0.0


def _inner(z: Floats) -> Floats:
    """Inner products of centred latents (N, D), the diagonal set to 0."""
    centred = z - z.mean(0)
    products: Floats = centred @ centred.T
    np.fill_diagonal(products, 0.0)
    return products


def _hsic(k: Floats, m: Floats) -> float:
    """The unbiased HSIC of two matrices (N, N) without their diagonals."""
    n = len(k)
    rows, others = k.sum(0), m.sum(0)
    total = float((k * m).sum()) + float(rows.sum() * others.sum()) / ((n - 1) * (n - 2))
    return (total - 2 / (n - 2) * float(rows @ others)) / (n * (n - 3))


def explained(z: ArrayLike) -> Floats:
    """Cumulative share of the variance explained by the first principal components, shape (D,), rising to 1.

    Arguments:
        z: Latents, shape (N, D).
    """
    variances = _variances(z)
    total = variances.sum()
    return np.cumsum(variances) / total if total > 0 else np.ones_like(variances)


def effective_dimensions(z: ArrayLike) -> float:
    """Effective number of dimensions of latents (N, D), 1 to D: the participation ratio of their variances.

    Unbiased in tr S^2 for normal latents; 0 if they have no spread.
    """
    count, size = np.shape(z)
    n = count - 1
    variances = _variances(z) * count / max(1, n)
    trace, squares = float(variances.sum()), float((variances**2).sum())
    if squares <= 0:
        return 0.0
    if n < 3:
        return trace**2 / squares
    square = n**2 / ((n - 1) * (n + 2)) * (squares - trace**2 / n)
    whole = trace**2 - 2 * square / n  # (tr S)^2 is too large by its own variance
    return float(np.clip(whole / square, 1.0, size)) if square > 0 else float(size)


def _variances(z: ArrayLike) -> Floats:
    """Variances (D,) along the principal components, the largest first."""
    latents = np.asarray(z, np.float64)
    latents = latents - latents.mean(0)
    values: Floats = np.linalg.eigvalsh(latents.T @ latents / len(latents))[::-1]
    return np.maximum(values, 0.0)
