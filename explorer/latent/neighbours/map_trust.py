r"""How far a map can be trusted around an item: the share of its neighbours in latent space that the map keeps.

kept(i) = |N_k(z_i) \cap N_k(xy_i)| / k,   N_k the k nearest other items in latent space and on the map

All pairs of items are compared. Of more than 20,000 items a random sample of 10,000 is, always the same, with the
neighbours within the sample; every other item has the share of the sampled item nearest to it on the map.

References:
    | Neighborhood preservation in nonlinear projection methods (Venna & Kaski, 2001)
    | https://doi.org/10.1007/3-540-44668-0_68
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.blocks import sample_rows

__all__ = ["NEIGHBOURS", "compared_rows", "nearest_others", "neighbour_preservation", "spread_over_map"]

NEIGHBOURS = 15
ALL_AT_MOST = 20_000  # items of which all are compared
SAMPLE = 10_000
BLOCK = 1024  # rows at once: 40 MB of distances for 10,000 items


def compared_rows(count: int) -> NDArray[np.int64]:
    """The rows, of `count`, whose neighbours are compared, ascending: all, or a random sample with a fixed seed."""
    return sample_rows(count, count if count <= ALL_AT_MOST else SAMPLE)


def nearest_others(z: ArrayLike, k: int = NEIGHBOURS) -> NDArray[np.int32]:
    """The k nearest other rows of every row, unordered.

    Arguments:
        z: Points, shape (N, D), finite.
        k: How many, 1 to N - 1.

    Returns:
        int32, shape (N, k).

    Raises:
        ValueError: If `k` is out of range.
    """
    points = np.asarray(z, np.float32)
    if not 1 <= k < len(points):
        raise ValueError(f"`k` must lie in 1..{len(points) - 1}. Got {k}.")
    points = points - points.mean(0)
    norms = np.einsum("nd,nd->n", points, points)
    index = np.empty((len(points), k), np.int32)
    for start in range(0, len(points), BLOCK):
        rows = slice(start, min(start + BLOCK, len(points)))
        square = norms[None] - 2 * points[rows] @ points.T
        square[np.arange(rows.stop - start), np.arange(start, rows.stop)] = np.inf
        index[rows] = np.argpartition(square, k - 1, axis=1)[:, :k]
    return index


def neighbour_preservation(near: NDArray[np.int32], xy: ArrayLike) -> NDArray[np.float32]:
    """The share of each item's neighbours in latent space that are also its neighbours on a map.

    Arguments:
        near: From `nearest_others` of the latents, shape (N, k).
        xy: Map positions, shape (N, 2).

    Returns:
        float32 in [0, 1], shape (N,). A map unrelated to the latents keeps about k / N.
    """
    on_map = nearest_others(xy, near.shape[1])
    both = near[:, :, None] == on_map[:, None, :]
    share: NDArray[np.float32] = both.any(2).mean(1, dtype=np.float32)
    return share


def spread_over_map(share: ArrayLike, compared: NDArray[np.int64], xy: ArrayLike) -> NDArray[np.float32]:
    """Gives every item of a map the share of the compared item nearest to it.

    Arguments:
        share: Of the compared items, shape (R,).
        compared: Their rows, ascending, shape (R,).
        xy: Map positions of all items, shape (N, 2).

    Returns:
        float32, shape (N,).
    """
    from scipy.spatial import cKDTree

    shares, positions = np.asarray(share, np.float32), np.asarray(xy)
    if len(compared) == len(positions):
        return shares
    _, nearest = cKDTree(positions[compared]).query(positions)
    spread: NDArray[np.float32] = shares[nearest]
    spread[compared] = shares  # also where several lie on one point
    return spread
