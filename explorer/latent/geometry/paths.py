r"""Paths between two latent vectors.

straight:      z(t) = (1 - t) a + t b
great circle:  z(t) = ((1 - t)|a| + t|b|) (cos(t w) u + sin(t w) v),   w the angle of a and b,
               u the direction of a, v the direction at a right angle to it in the plane of a and b
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["PATHS", "fractions", "great_circle", "straight"]

Floats = NDArray[np.float32]

ALMOST = 1e-7  # sine of an angle under which two directions count as parallel or opposite


def fractions(count: int) -> NDArray[np.float64]:
    """`count` evenly spaced fractions of a path, from exactly 0 to exactly 1."""
    return np.linspace(0.0, 1.0, count)


def straight(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Floats:
    """Interpolates from `a` to `b` along a straight line.

    Arguments:
        a: Start latent, shape (D,).
        b: End latent, shape (D,), same unit.
        t: Fractions of the path in [0, 1], shape (T,).

    Returns:
        Latents along the path, float32, shape (T, D); exactly `a` at 0 and `b` at 1.

    Raises:
        ValueError: If `a` and `b` differ in shape, or a value is not finite.
    """
    start, end, t = _checked(a, b, t)
    return ((1 - t[:, None]) * start + t[:, None] * end).astype(np.float32)


def great_circle(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Floats:
    r"""Interpolates from `a` to `b` along a great circle around the origin.

    The direction turns at constant speed (slerp) and the norm changes linearly, so the path keeps norms typical of
    the prior where a straight line passes closer to the origin. Parallel latents give the straight line. For opposite
    latents the plane of rotation is arbitrary: it is spanned with the axis along which `a` is smallest. If a latent is
    zero, the path is the straight line.

    Arguments:
        a: Start latent, shape (D,), in prior standard deviations.
        b: End latent, shape (D,), same unit.
        t: Fractions of the path in [0, 1], shape (T,).

    Returns:
        Latents along the path, float32, shape (T, D); exactly `a` at 0 and `b` at 1.

    Raises:
        ValueError: If `a` and `b` differ in shape, or a value is not finite.

    References:
        | Sampling Generative Networks (White, 2016)
        | https://arxiv.org/abs/1609.04468
    """
    start, end, t = _checked(a, b, t)
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if min(norms) == 0.0 or len(start) == 1:
        return straight(start, end, t)
    u, v = start / norms[0], end / norms[1]
    cosine = float(np.clip(u @ v, -1.0, 1.0))
    rest = v - cosine * u
    sine = float(np.linalg.norm(rest))
    if sine < ALMOST and cosine > 0:
        return straight(start, end, t)
    side = rest / sine if sine >= ALMOST else _perpendicular(u)
    angle = t[:, None] * np.arctan2(sine, cosine)
    norm = (1 - t[:, None]) * norms[0] + t[:, None] * norms[1]
    path: Floats = (norm * (np.cos(angle) * u + np.sin(angle) * side)).astype(np.float32)
    path[t == 0] = start
    path[t == 1] = end
    return path


PATHS = {"straight": straight, "great-circle": great_circle}


def _perpendicular(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """A unit vector at a right angle to the unit vector `u`, shape (D,) with D > 1."""
    axis = np.zeros_like(u)
    axis[np.argmin(np.abs(u))] = 1.0
    side = axis - (axis @ u) * u
    return side / np.linalg.norm(side)


def _checked(
    a: ArrayLike, b: ArrayLike, t: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    start, end, t = (np.asarray(x, np.float64) for x in (a, b, t))
    if start.ndim != 1 or start.shape != end.shape:
        raise ValueError(f"`b` must have the shape of `a` {start.shape}, (D,). Got {end.shape}.")
    if t.ndim != 1:
        raise ValueError(f"`t` must have the shape (T,). Got {t.shape}.")
    for name, value in (("a", start), ("b", end), ("t", t)):
        if not np.isfinite(value).all():
            raise ValueError(f"`{name}` must be finite. Got NaN or infinity.")
    return start, end, t
