r"""A grid of latents between four corners.

z(u, v) = p(p(a, c, v), p(b, d, v), u),   p a path between two latents: a straight line (bilinear) or a great circle

    a ---- u ---- b
    |             |
    v             v
    |             |
    c ---- u ---- d

References:
    | Sampling Generative Networks (White, 2016), for grids of great circles (J-diagrams)
    | https://arxiv.org/abs/1609.04468
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.geometry.paths import PATHS, fractions

__all__ = ["corner_grid"]


def corner_grid(corners: ArrayLike, rows: int, columns: int, path: str = "straight") -> NDArray[np.float32]:
    """Latents between four corners.

    Arguments:
        corners: Top left, top right, bottom left, bottom right; shape (4, D), in prior standard deviations.
        rows: From top to bottom, at least 2.
        columns: From left to right, at least 2.
        path: One of `PATHS`; "straight" gives the bilinear grid.

    Returns:
        float32, shape (rows, columns, D); exactly the corners in its corners.

    Raises:
        ValueError: If a shape, a count or the path is invalid.
    """
    latents = np.asarray(corners, np.float64)
    if latents.ndim != 2 or len(latents) != 4:
        raise ValueError(f"`corners` must have the shape (4, D). Got {latents.shape}.")
    if min(rows, columns) < 2:
        raise ValueError(f"`rows` and `columns` must be at least 2. Got {rows} and {columns}.")
    if path not in PATHS:
        raise ValueError(f"`path` must be one of: {', '.join(PATHS)}. Got {path[:40]!r}.")
    between = PATHS[path]
    a, b, c, d = latents
    left, right = (between(top, bottom, fractions(rows)) for top, bottom in ((a, c), (b, d)))
    return np.stack([between(*ends, fractions(columns)) for ends in zip(left, right, strict=True)])
