r"""Paths through several waypoints: piece by piece, or one smooth curve.

smooth:  the natural cubic spline with z(t_i) = p_i, twice continuously differentiable
knots:   t_{i+1} - t_i proportional to |p_{i+1} - p_i|^a; a = 1 is the chord length, a = 1/2 centripetal

With centripetal knots a short step between two long ones makes no loop.

References:
    | Choosing nodes in parametric curve interpolation (Lee, 1989)
    | https://doi.org/10.1016/0010-4485(89)90003-1
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["knots", "natural_weights", "piecewise", "smooth"]

Floats = NDArray[np.float32]
Part = Callable[[ArrayLike, ArrayLike, ArrayLike], Floats]

CHORD, CENTRIPETAL = 1.0, 0.5


def knots(points: ArrayLike, power: float = CHORD) -> NDArray[np.float64]:
    """Where on the way from 0 to 1 each waypoint lies, by the distances between them.

    Arguments:
        points: Waypoints, shape (K, D), K at least 2, finite.
        power: Of the distances.

    Returns:
        Ascending, from exactly 0 to exactly 1, shape (K,); evenly where all waypoints are one point.

    Raises:
        ValueError: If a shape is wrong or a value not finite.
    """
    codes = np.asarray(points, np.float64)
    if codes.ndim != 2 or len(codes) < 2:
        raise ValueError(f"`points` must have the shape (K, D) with K of at least 2. Got {codes.shape}.")
    if not np.isfinite(codes).all():
        raise ValueError("`points` must be finite. Got NaN or infinity.")
    steps = np.linalg.norm(np.diff(codes, axis=0), axis=1) ** power
    if not steps.any():
        return np.linspace(0.0, 1.0, len(codes))
    t = np.concatenate([[0.0], np.cumsum(steps)])
    along: NDArray[np.float64] = t / t[-1]
    return along


def piecewise(points: ArrayLike, t: ArrayLike, part: Part) -> Floats:
    """Goes from waypoint to waypoint, each piece on its own, at a pace that suits its length.

    Arguments:
        points: Waypoints, shape (K, D).
        t: Fractions of the whole way in [0, 1], shape (T,).
        part: The path between two, such as `explorer.latent.geometry.paths.straight`.

    Returns:
        float32, shape (T, D); exactly a waypoint at its knot.

    Raises:
        ValueError: As `knots`, or as `part`.
    """
    codes, at = np.asarray(points, np.float64), np.asarray(t, np.float64)
    joints = knots(codes)
    piece = np.clip(np.searchsorted(joints, at, "right") - 1, 0, len(codes) - 2)
    path = np.empty((len(at), codes.shape[1]), np.float32)
    for number in range(len(codes) - 1):
        own = piece == number
        start, end = joints[number], joints[number + 1]
        share = (at[own] - start) / (end - start) if end > start else np.zeros(own.sum())
        path[own] = part(codes[number], codes[number + 1], np.clip(share, 0.0, 1.0))
    path[at == 1.0] = codes[-1]
    return path


def smooth(points: ArrayLike, t: ArrayLike) -> Floats:
    """One smooth curve exactly through all waypoints: the natural cubic spline with centripetal knots.

    Arguments:
        points: Waypoints, shape (K, D). Waypoints that repeat the one before count once.
        t: Fractions of the way in [0, 1], shape (T,).

    Returns:
        float32, shape (T, D); the straight line for two waypoints.

    Raises:
        ValueError: As `knots`.
    """
    joints = knots(points, CENTRIPETAL)
    codes, at = np.asarray(points, np.float64), np.asarray(t, np.float64)
    apart = np.concatenate([[True], np.diff(joints) > 0])
    if apart.sum() < 2:
        return np.repeat(codes[:1], len(at), axis=0).astype(np.float32)
    path: Floats = (natural_weights(joints[apart], at) @ codes[apart]).astype(np.float32)
    for joint, code in zip(joints, codes, strict=True):
        path[at == joint] = code
    return path


def natural_weights(joints: ArrayLike, t: ArrayLike) -> NDArray[np.float64]:
    """How much each waypoint counts at each place: the natural cubic spline through points (K, D) is weights @ points.

    Arguments:
        joints: Where the waypoints lie, strictly ascending, shape (K,), K at least 2.
        t: Places, shape (T,).

    Returns:
        Shape (T, K); each row sums to 1.

    Raises:
        ValueError: If the joints do not ascend.
    """
    from scipy.interpolate import CubicSpline

    at = np.asarray(joints, np.float64)
    if at.ndim != 1 or len(at) < 2 or (np.diff(at) <= 0).any():
        raise ValueError(f"`joints` must ascend, at least two of them. Got {at.tolist()!r:.60}.")
    weights: NDArray[np.float64] = CubicSpline(at, np.eye(len(at)), bc_type="natural")(
        np.asarray(t, np.float64)
    )
    return weights
