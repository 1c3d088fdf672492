r"""A smooth field of latents over a map of scattered items, such as a UMAP: its inverse projection.

Each item has a latent at its position; the field approximates these latents as closely as smoothness allows:

    f = argmin  sum_i |f(xy_i) - z_i|^2  +  lambda int |f_xx|^2 + 2 |f_xy|^2 + |f_yy|^2  +  mu int |f_x|^2 + |f_y|^2

This is a thin-plate spline under tension. Its stiffness lambda averages over neighbours on the map; its tension mu
keeps it flat where there are no items, where a spline without tension overshoots to several times the largest latent. The
field is interpolated by cubic convolution between the nodes of a regular grid. Both terms are quadratic in the node
values, so the fit is one sparse linear system, and evaluating the field reads sixteen nodes for any number of items.

Lengths are measured in the spacing u of the items, the median distance to the 16th neighbour on the map:
lambda = s u^2 and mu = s / 16. With s = 1 the spline averages over about 16 items at any scale of the map.

References:
    | Spline Models for Observational Data (Wahba, 1990), chapter 2
    | https://doi.org/10.1137/1.9781611970128
    | Thin Plate Splines with Tension (Franke, 1985)
    | https://doi.org/10.1016/0167-8396(85)90011-1
    | Cubic Convolution Interpolation for Digital Image Processing (Keys, 1981)
    | https://doi.org/10.1109/TASSP.1981.1163711
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.blocks import sample_rows

__all__ = ["Field", "fit_field", "stencil"]

SMOOTHING = 1.0  # s
REACH = 4.0  # sqrt(lambda / mu) in spacings: the distance over which tension flattens a bend
SPACING_NEIGHBOUR = 16  # whose distance is the spacing
CELL = 2.0  # spacings between two nodes; a finer grid is not more accurate
NODES = (48, 144)  # fewest and most along the longer side
MARGIN = 0.05  # of the longer side, around the items
SAMPLE = 2000  # items at which the spacing is measured
FITTED_AT_MOST = 100_000  # items; of more, a random sample is fitted, several for each node


class Field(NamedTuple):
    """Latents at the nodes of a regular grid with square cells."""

    nodes: NDArray[np.float32]  # (ny, nx, D)
    low: NDArray[np.float64]  # (2,), position of nodes[0, 0]
    high: NDArray[np.float64]  # (2,), position of nodes[-1, -1]


def fit_field(
    xy: ArrayLike, z: ArrayLike, *, smoothing: float = SMOOTHING, nodes: int | None = None
) -> Field:
    """Fits the field to the items of a map; of more than 100,000 to a random sample of 100,000, always the same.

    Arguments:
        xy: Map positions of the items, shape (N, 2).
        z: Their latents, shape (N, D).
        smoothing: s; larger values average over more items.
        nodes: Nodes along the longer side, at least 4; chosen from the spacing of the items if None.

    Raises:
        ValueError: If the shapes do not match, a value is not finite, all items lie on one point or an axis-parallel
            line, or an option is out of range.
    """
    positions, latents = np.asarray(xy, np.float64), np.asarray(z)
    _check(positions, latents, smoothing, nodes)
    low, high = positions.min(0), positions.max(0)
    rows = sample_rows(len(positions), FITTED_AT_MOST)
    positions, latents = positions[rows], latents[rows].astype(np.float64)
    side = float((high - low).max())
    low, high = low - MARGIN * side, high + MARGIN * side
    side = float((high - low).max())
    spacing = max(_spacing(positions), side / (CELL * NODES[1]))
    longest = int(np.clip(side / (CELL * spacing) + 1, *NODES)) if nodes is None else nodes
    cell = side / (longest - 1)
    counts = np.maximum(np.ceil((high - low) / cell - 1e-9).astype(np.int64) + 1, 4)
    values = _solve(positions, latents, low, cell, counts, smoothing * spacing**2, smoothing / REACH**2)
    grid = values.reshape(counts[1], counts[0], -1).astype(np.float32)
    return Field(grid, low, low + cell * (counts - 1))


def stencil(
    where: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The grid nodes around positions, and their cubic convolution weights (a = -1/2).

    Arguments:
        where: Positions in units of cells, shape (M, 2); those outside are clamped to the edge.
        counts: Nodes along x and y, shape (2,), at least 2 each.

    Returns:
        Index y * counts[0] + x of the nodes and their weights, shape (M, 16) each. Beyond the edge, edge nodes repeat.
    """
    last = counts - 1
    inside = np.minimum(np.maximum(where, 0.0), last)
    cell = np.minimum(inside.astype(np.int64), last - 1)
    weights = _cubic(inside - cell)
    taps = np.minimum(np.maximum(cell[..., None] + _TAPS, 0), last[:, None])
    index = taps[:, 1, :, None] * counts[0] + taps[:, 0, None, :]
    both = weights[:, 1, :, None] * weights[:, 0, None, :]
    return index.reshape(-1, 16), both.reshape(-1, 16)


_TAPS = np.arange(-1, 3)


def _cubic(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the four nodes around fractions `t`, shape (*, 4)."""
    weights = np.empty((*t.shape, 4))
    u = 1.0 - t
    weights[..., 0] = -0.5 * t * u * u
    weights[..., 1] = 1.0 + t * t * (1.5 * t - 2.5)
    weights[..., 2] = 1.0 + u * u * (1.5 * u - 2.5)
    weights[..., 3] = -0.5 * u * t * t
    return weights


def _check(xy: NDArray[np.float64], z: NDArray[Any], smoothing: float, nodes: int | None) -> None:
    if xy.ndim != 2 or xy.shape[1:] != (2,) or z.ndim != 2 or len(z) != len(xy):
        raise ValueError(f"`xy` and `z` must be (N, 2) and (N, D). Got {xy.shape} and {z.shape}.")
    for name, values in (("xy", xy), ("z", z)):
        if not np.isfinite(values).all():
            raise ValueError(f"`{name}` must be finite. Got NaN or infinity.")
    if len(xy) < 2 or not (np.ptp(xy, axis=0) > 0).all():
        raise ValueError("`xy` must spread along both axes. Got items on one point or line.")
    if not 0 < smoothing < np.inf:
        raise ValueError(f"`smoothing` must be above 0. Got {smoothing}.")
    if nodes is not None and nodes < 4:
        raise ValueError(f"`nodes` must be at least 4. Got {nodes}.")


def _spacing(xy: NDArray[np.float64]) -> float:
    """The median distance to the 16th neighbour on the map."""
    from scipy.spatial import cKDTree

    some = xy[:: -(-len(xy) // SAMPLE)]
    k = min(SPACING_NEIGHBOUR, len(xy) - 1) + 1  # the first is the item itself
    distance, _ = cKDTree(xy).query(some, k=[k])
    return float(np.median(distance))


def _solve(
    xy: NDArray[np.float64],
    z: NDArray[np.float64],
    low: NDArray[np.float64],
    cell: float,
    counts: NDArray[np.int64],
    bending: float,
    tension: float,
) -> NDArray[np.float64]:
    """Node values (ny nx, D) of the field: (W'W + bending B + tension T) f = W'z."""
    from scipy import sparse
    from scipy.sparse.linalg import splu

    index, weight = stencil((xy - low) / cell, counts)
    start = 16 * np.arange(len(xy) + 1)
    shape = (len(xy), int(counts.prod()))
    follow = sparse.csr_array((weight.ravel(), index.ravel(), start), shape=shape)  # sums where nodes repeat
    energy = _energy(int(counts[0]), int(counts[1]), bending / cell**2, tension)
    matrix = sparse.csc_array(follow.T @ follow + energy)
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    values: NDArray[np.float64] = factors.solve(follow.T @ z)
    return values


def _energy(nx: int, ny: int, bending: float, tension: float) -> Any:
    """The plate's energy as a sparse matrix (nx ny, nx ny) over node values, in differences of neighbouring nodes."""
    from scipy import sparse

    def differences(count: int, order: int) -> Any:
        matrix = sparse.eye_array(count, format="csr")
        for _ in range(order):
            matrix = matrix[1:] - matrix[:-1]
        return matrix

    def square(in_y: int, in_x: int) -> Any:
        slope = sparse.kron(differences(ny, in_y), differences(nx, in_x), format="csr")
        return slope.T @ slope

    stretched = square(0, 1) + square(1, 0)
    bent = square(0, 2) + 2 * square(1, 1) + square(2, 0)
    return tension * stretched + bending * bent
