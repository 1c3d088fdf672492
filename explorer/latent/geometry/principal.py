"""Principal components of codes, few or many dimensions alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["principal", "principal_directions"]

Floats = NDArray[np.float64]

FEW = 16  # codes whose principal components are found at once
DENSE = 1024  # dimensions up to which principal components are those of the covariance


def principal(centred: Floats, count: int = 2) -> Floats:
    """The strongest principal directions (D, count) of centred codes (N, D), the strongest first, of unit length.

    Thousands of dimensions, such as grids of codes have, would take minutes by their covariance: there they are
    found by products with the codes alone (Lanczos).
    """
    if centred.shape[1] <= DENSE:
        _, vectors = np.linalg.eigh(np.cov(centred, rowvar=False, bias=True))
        return vectors[:, : -count - 1 : -1]
    if len(centred) <= max(FEW, count):
        return np.linalg.svd(centred, full_matrices=False)[2][:count].T
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(0).standard_normal(min(centred.shape))
    basis: Floats = svds(centred, k=count, v0=start)[2][::-1].T
    return basis


def principal_directions(z: ArrayLike, count: int) -> tuple[NDArray[np.float32], Floats]:
    """Principal components as directions: one unit is one standard deviation of the codes along it.

    Arguments:
        z: Codes, shape (N, D).
        count: How many, 1 to min(N - 1, D).

    Returns:
        float32, shape (count, D), the strongest first, each towards where its largest entry is positive; and the
        share of the codes' variance that each explains, shape (count,).

    Raises:
        ValueError: If `z` has another shape, or `count` is out of range.
    """
    codes = np.asarray(z, np.float64)
    if codes.ndim != 2 or len(codes) < 2:
        raise ValueError(f"`z` must have the shape (N, D), N at least 2. Got {codes.shape}.")
    most = min(len(codes) - 1, codes.shape[1])
    if not 1 <= count <= most:
        raise ValueError(f"`count` must lie in 1..{most}. Got {count}.")
    codes = codes - codes.mean(0)
    basis = np.ones((1, 1)) if codes.shape[1] == 1 else principal(codes, count)
    largest = basis[np.abs(basis).argmax(0), np.arange(count)]
    basis = basis * np.where(largest < 0, -1.0, 1.0)
    variances = np.square(codes @ basis).mean(0)
    total = float(np.square(codes).sum()) / len(codes)
    shares: Floats = variances / total if total > 0 else np.zeros(count)
    return (basis * np.sqrt(variances)).T.astype(np.float32), shares
