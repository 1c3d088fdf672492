"""Positions and colours of a map's points in one binary answer.

64 bytes of header, then the positions, then the values that the points are coloured by; all little-endian:

    4 s   "LXM1"
    u32   number of points N
    u8    positions: 0 none, 1 float32 x y, 2 uint16 x y on a grid
    u8    values: 0 none, 1 float32, NaN where missing, 2 uint8, 255 where missing, 3 uint16 on a grid, 65535 where missing
    6 x   nothing
    6 f64 low and step of x, of y, and of the values (`explorer.latent.geometry.quantised`)

At a million points that is 6 instead of 12 megabytes. `src/core/map-points.ts` reads it.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from explorer.latent.geometry.quantised import Grid, grid_of_values, places

__all__ = ["pack_points"]

Floats = NDArray[np.float32]

HEADER = struct.Struct("<4sIBB6x6d")
MAGIC = b"LXM1"
NONE, FLOATS, BYTES, SHORTS, ON_GRID = 0, 1, 2, 3, 2
NO_BYTE = 255  # a missing value
NO_GRID = Grid((0.0,), (0.0,))


def pack_points(
    count: int, xy: Floats | None = None, grid: Grid | None = None, values: Floats | None = None
) -> bytes:
    """Packs the points of a map.

    Arguments:
        count: Number of points N.
        xy: Positions, shape (N, 2); None to leave them out.
        grid: The grid that the positions lie on; None to pack them unchanged.
        values: What the points are coloured by, shape (N,), NaN where missing; None to leave them out.
    """
    places_of, positions = (NONE, b"") if xy is None else _positions(xy, grid)
    kind, scale, column = (NONE, NO_GRID, b"") if values is None else _values(values)
    low, step = grid or Grid((0.0, 0.0), (0.0, 0.0))
    scales = (low[0], step[0], low[1], step[1], scale.low[0], scale.step[0])
    return HEADER.pack(MAGIC, count, places_of, kind, *scales) + positions + column


def _positions(xy: Floats, grid: Grid | None) -> tuple[int, bytes]:
    if grid is None:
        return FLOATS, xy.astype("<f4").tobytes()
    return ON_GRID, places(xy, grid).astype("<u2").tobytes()


def _values(values: Floats) -> tuple[int, Grid, bytes]:
    """Kind, grid and bytes: whole numbers below 255 in one byte, many others in two, the rest as they are."""
    known = values[np.isfinite(values)]
    if len(known) and ((known >= 0) & (known < NO_BYTE) & (known == np.rint(known))).all():
        return BYTES, NO_GRID, np.where(np.isfinite(values), values, NO_BYTE).astype(np.uint8).tobytes()
    grid = grid_of_values(values)
    if grid is None:
        return FLOATS, NO_GRID, values.astype("<f4").tobytes()
    return SHORTS, grid, places(values[:, None], grid)[:, 0].astype("<u2").tobytes()
