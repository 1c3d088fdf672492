r"""Length and energy of a discrete curve.

length:  L = sum_i sqrt(m_i) |x_{i+1} - x_i|
energy:  E = T sum_i m_i |x_{i+1} - x_i|^2   for T steps, the integral of the squared speed over a time of 1

m_i, 1 by default, is the mean of the factors at the two ends of step i. E >= L^2, with equality if all steps have the
same length. So the curve of least E has the least L, and L does not depend on the spacing of the points.

References:
    | The Riemannian Geometry of Deep Generative Models (Shao et al., 2018)
    | https://arxiv.org/abs/1711.08014
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["energy", "length", "speeds"]


def speeds(points: ArrayLike) -> NDArray[np.float64]:
    """The length of each step, shape (T,), between points (T + 1, *), in their unit.

    Raises:
        ValueError: If there are fewer than two points.
    """
    x = np.asarray(points, np.float64)
    if x.ndim < 2 or len(x) < 2:
        raise ValueError(f"`points` must have the shape (T + 1, *) with T of at least 1. Got {x.shape}.")
    steps = np.diff(x.reshape(len(x), -1), axis=0)
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("td,td->t", steps, steps))
    return lengths


def length(points: ArrayLike, factor: ArrayLike | None = None) -> float:
    """The length of a curve.

    Arguments:
        points: Shape (T + 1, *).
        factor: m at each point, shape (T + 1,), not negative; None for 1 everywhere.

    Returns:
        L, in the unit of the points.

    Raises:
        ValueError: If there are fewer than two points, or the shape of the factors does not match.
    """
    steps = speeds(points)
    if factor is None:
        return float(steps.sum())
    m = np.asarray(factor, np.float64)
    if m.shape != (len(steps) + 1,) or not (m >= 0).all():
        raise ValueError(
            f"`factor` must be a number of at least 0 for each of the {len(steps) + 1} points. Got shape {m.shape}."
        )
    return float(np.sqrt((m[1:] + m[:-1]) / 2) @ steps)


def energy(points: ArrayLike) -> float:
    """The energy of the curve through points (T + 1, *), in their unit squared, with m = 1."""
    steps = speeds(points)
    return float(len(steps) * (steps @ steps))
