r"""Paths through several waypoints: piecewise, or as one smooth curve.

smooth:  the natural cubic spline with z(t_i) = p_i, twice continuously differentiable
knots:   t_{i+1} - t_i proportional to |p_{i+1} - p_i|^a; a = 1 is the chord length, a = 1/2 centripetal

With centripetal knots a short segment between two long ones forms no loop.

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
    """Curve parameter of each waypoint in 0..1, by the distances between waypoints.

    Arguments:
        points: Waypoints, shape (K, D), K at least 2, finite.
        power: Exponent of the distances.

    Returns:
        Ascending, from exactly 0 to exactly 1, shape (K,); evenly spaced if all waypoints coincide.

    Raises:
        ValueError: If a shape is wrong or a value not finite.
    """
    latents = np.asarray(points, np.float64)
    if latents.ndim != 2 or len(latents) < 2:
        raise ValueError(f"`points` must have the shape (K, D) with K of at least 2. Got {latents.shape}.")
    if not np.isfinite(latents).all():
        raise ValueError("`points` must be finite. Got NaN or infinity.")
    steps = np.linalg.norm(np.diff(latents, axis=0), axis=1) ** power
    if not steps.any():
        return np.linspace(0.0, 1.0, len(latents))
    t = np.concatenate([[0.0], np.cumsum(steps)])
    along: NDArray[np.float64] = t / t[-1]
    return along


def piecewise(points: ArrayLike, t: ArrayLike, part: Part) -> Floats:
    """Joins consecutive waypoints by separate paths, each with a share of `t` proportional to its length.

    Arguments:
        points: Waypoints, shape (K, D).
        t: Fractions of the whole path in [0, 1], shape (T,).
        part: The path between two waypoints, such as `explorer.latent.geometry.paths.straight`.

    Returns:
        float32, shape (T, D); exactly a waypoint at its knot.

    Raises:
        ValueError: As `knots`, or as `part`.
    """
    latents, at = np.asarray(points, np.float64), np.asarray(t, np.float64)
    joints = knots(latents)
    piece = np.clip(np.searchsorted(joints, at, "right") - 1, 0, len(latents) - 2)
    path = np.empty((len(at), latents.shape[1]), np.float32)
    for number in range(len(latents) - 1):
        on_piece = piece == number
        start, end = joints[number], joints[number + 1]
        share = (at[on_piece] - start) / (end - start) if end > start else np.zeros(on_piece.sum())
        path[on_piece] = part(latents[number], latents[number + 1], np.clip(share, 0.0, 1.0))
    path[at == 1.0] = latents[-1]
    return path


def smooth(points: ArrayLike, t: ArrayLike) -> Floats:
    """One smooth curve through all waypoints: the natural cubic spline with centripetal knots.

    Arguments:
        points: Waypoints, shape (K, D). Consecutive duplicates count once.
        t: Fractions of the path in [0, 1], shape (T,).

    Returns:
        float32, shape (T, D); a straight line for two waypoints.

    Raises:
        ValueError: As `knots`.
    """
    joints = knots(points, CENTRIPETAL)
    latents, at = np.asarray(points, np.float64), np.asarray(t, np.float64)
    distinct = np.concatenate([[True], np.diff(joints) > 0])
    if distinct.sum() < 2:
        return np.repeat(latents[:1], len(at), axis=0).astype(np.float32)
    path: Floats = (natural_weights(joints[distinct], at) @ latents[distinct]).astype(np.float32)
    for joint, latent in zip(joints, latents, strict=True):
        path[at == joint] = latent
    return path


def natural_weights(joints: ArrayLike, t: ArrayLike) -> NDArray[np.float64]:
    """Weights of the natural cubic spline: its value at `t` is weights @ waypoints (K, D).

    Arguments:
        joints: Curve parameters of the waypoints, strictly ascending, shape (K,), K at least 2.
        t: Curve parameters to evaluate at, shape (T,).

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
