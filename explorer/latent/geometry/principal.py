"""Principal components of latents in few or many dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.blocks import blocks, covariance, moments

__all__ = ["principal", "principal_directions"]

Floats = NDArray[np.float64]

FEW = 16  # latents up to which a full SVD is used
DENSE = 1024  # dimensions up to which the covariance matrix is used


def principal(z: ArrayLike, count: int = 2) -> Floats:
    """The first `count` principal directions (D, count) of latents (N, D), strongest first, of unit length.

    All latents count, block by block. In thousands of dimensions, as grids of vectors have, the covariance would take
    minutes; there Lanczos iterations need only matrix-vector products.
    """
    latents = np.asarray(z)
    if latents.shape[1] <= DENSE:
        _, vectors = np.linalg.eigh(covariance(latents)[1])
        return vectors[:, : -count - 1 : -1]
    centred = latents - latents.mean(0, np.float64)
    if len(centred) <= max(FEW, count):
        return np.linalg.svd(centred, full_matrices=False)[2][:count].T
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(0).standard_normal(min(centred.shape))
    basis: Floats = svds(centred, k=count, v0=start)[2][::-1].T
    return basis


def principal_directions(z: ArrayLike, count: int) -> tuple[NDArray[np.float32], Floats]:
    """Principal components as directions: one unit is one standard deviation of the latents along the component.

    Arguments:
        z: Latents, shape (N, D).
        count: Number of components, 1 to min(N - 1, D).

    Returns:
        float32, shape (count, D), strongest first, signed so that the largest entry is positive; and the share of the
        variance that each explains, shape (count,).

    Raises:
        ValueError: If `z` has another shape, or `count` is out of range.
    """
    latents = np.asarray(z)
    if latents.ndim != 2 or len(latents) < 2:
        raise ValueError(f"`z` must have the shape (N, D), N at least 2. Got {latents.shape}.")
    most = min(len(latents) - 1, latents.shape[1])
    if not 1 <= count <= most:
        raise ValueError(f"`count` must lie in 1..{most}. Got {count}.")
    basis = np.ones((1, 1)) if latents.shape[1] == 1 else principal(latents, count)
    largest = basis[np.abs(basis).argmax(0), np.arange(count)]
    basis = basis * np.where(largest < 0, -1.0, 1.0)
    centre, spread = moments(latents)
    variances = np.zeros(count)
    for rows in blocks(len(latents)):
        variances += np.square((latents[rows] - centre) @ basis).sum(0)
    variances /= len(latents)
    total = float(spread.sum())
    shares: Floats = variances / total if total > 0 else np.zeros(count)
    return (basis * np.sqrt(variances)).T.astype(np.float32), shares
