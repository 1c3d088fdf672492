r"""How far a curve goes and how unevenly: length and energy of its points.

length:  L = sum_i |x_{i+1} - x_i|
energy:  E = T sum_i |x_{i+1} - x_i|^2   for T steps, the integral of the squared speed over a time of 1

E >= L^2, with equality where every step is as long as the others.

References:
    | The Riemannian Geometry of Deep Generative Models (Shao et al., 2018)
    | https://arxiv.org/abs/1711.08014
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["energy", "length", "speeds"]


def speeds(points: ArrayLike) -> NDArray[np.float64]:
    """The length of each step, shape (T,), of points (T + 1, *), in their unit.

    Raises:
        ValueError: If there are fewer than two points.
    """
    x = np.asarray(points, np.float64)
    if x.ndim < 2 or len(x) < 2:
        raise ValueError(f"`points` must have the shape (T + 1, *) with T of at least 1. Got {x.shape}.")
    steps = np.diff(x.reshape(len(x), -1), axis=0)
    found: NDArray[np.float64] = np.sqrt(np.einsum("td,td->t", steps, steps))
    return found


def length(points: ArrayLike) -> float:
    """The length of the way through points (T + 1, *), in their unit."""
    return float(speeds(points).sum())


def energy(points: ArrayLike) -> float:
    """The energy of the way through points (T + 1, *), in their unit squared."""
    steps = speeds(points)
    return float(len(steps) * (steps @ steps))
