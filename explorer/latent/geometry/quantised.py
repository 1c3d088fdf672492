r"""Numbers in 16 bits, for maps and colours of many points, where nobody sees the difference.

x = low + step q,   q = 0 .. 65,535   (of a column of values 65,535 means that the value is missing)

A position is off by at most 1/131,070 of the map's extent: by less than a quarter of a pixel on a map of 700 pixels that is
shown up to 23 times larger than at first. Positions are rounded before anything else reads them, so that browser and
server agree on them to the last bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FROM", "MISSING", "Grid", "grid_of", "grid_of_values", "on_grid", "places"]

FROM = 50_001  # points from which they are quantised
LAST = (1 << 16) - 1
MISSING = LAST
CORE = (0.5, 99.5)  # percentiles of the points that are no outliers
CORE_SHARE = (
    0.5  # least share of a map's extent that the core must have; with far outliers positions stay as they are
)
RAMP = (1.0, 99.0)  # percentiles between which values are coloured
RAMP_SHARE = 1 / 16  # least share of the values' range: an error is then a thirtieth of one of 256 colours


class Grid(NamedTuple):
    """The numbers that can be stored, for each of C columns."""

    low: tuple[float, ...]
    step: tuple[float, ...]


def grid_of(xy: ArrayLike) -> Grid | None:
    """The grid of map positions (N, 2); None if there are few points, or outliers that would make it coarse."""
    positions = np.asarray(xy)
    if len(positions) < FROM:
        return None
    low, high = positions.min(0).astype(np.float64), positions.max(0).astype(np.float64)
    core = np.ptp(np.percentile(positions, CORE, axis=0), axis=0)
    if (core < CORE_SHARE * (high - low)).any():
        return None
    return Grid(tuple(low.tolist()), tuple(((high - low) / LAST).tolist()))


def grid_of_values(values: ArrayLike) -> Grid | None:
    """The grid of a column of values (N,), NaN where missing; None if there are few, or the range is too wide."""
    column = np.asarray(values)
    known = column[np.isfinite(column)]
    if len(column) < FROM or not len(known):
        return None
    low, high = float(known.min()), float(known.max())
    if np.ptp(np.percentile(known, RAMP)) < RAMP_SHARE * (high - low):
        return None
    return Grid((low,), ((high - low) / (LAST - 1),))


def places(values: ArrayLike, grid: Grid) -> NDArray[np.uint16]:
    """The q of values (N, C) on a grid with C columns; `MISSING` for NaN."""
    columns = np.asarray(values)
    step = np.array(grid.step)
    shares = (columns - np.array(grid.low)) / np.where(step > 0, step, 1)
    known = np.isfinite(shares)
    return np.where(known, np.rint(np.where(known, shares, 0)), MISSING).astype(np.uint16)


def on_grid(xy: ArrayLike, grid: Grid) -> NDArray[np.float32]:
    """Positions (N, 2) rounded to a grid, exactly as the browser computes them."""
    found: NDArray[np.float32] = (np.array(grid.low) + np.array(grid.step) * places(xy, grid)).astype(
        np.float32
    )
    return found
