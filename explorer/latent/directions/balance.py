r"""Entropy balancing: weights under which two groups of images have equal means of all other attributes.

min_w sum_i w_i log(w_i / c_i)   so that   sum_i w_i x_i = t,   sum_i w_i = 1

on each side, where x_i are the other attributes of image i and t is the mean of both sides' means. The solution is
w_i ~ c_i exp(lambda . x_i), where lambda minimises a smooth convex function with one variable per column of x.

Only the means of columns are balanced, not their interactions. A binary attribute gives one column, a categorical one
a column per label, a continuous one its value and its squared deviation, so that mean and variance agree. Where values
are missing, they count as the mean of the others, and one more column says which are missing.

References:
    | Entropy Balancing for Causal Effects (Hainmueller, 2012)
    | https://doi.org/10.1093/pan/mpr025
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.attribute_values import Attribute, known_values

__all__ = ["balancing_weights", "covariates", "remaining_difference"]

Floats = NDArray[np.float64]

RIDGE = 1e-4  # on lambda; keeps it bounded where the constraints cannot be met
MAX_STEPS = 60  # of Newton's method
TOLERANCE = 1e-9  # largest entry of the gradient at convergence
MAX_HALVINGS = 30  # of one step in the line search


def covariates(attributes: Mapping[str, Attribute], leave_out: Collection[str] = ()) -> Floats:
    """The attributes to balance, as columns.

    Arguments:
        attributes: Attributes of the N images, by name.
        leave_out: Names of the attributes that define the sides.

    Returns:
        Shape (N, K), each column with mean 0 and standard deviation 1. Constant columns are left out, so K may be 0.

    """
    columns = []
    count = 0
    for name, attribute in attributes.items():
        values, known = np.asarray(attribute.values), attribute.known
        count = len(values)
        if name in leave_out or not known.any():
            continue
        if not known.all():
            columns.append((~known).astype(np.float64))
        if attribute.kind == "categorical":
            columns += [(values == index).astype(np.float64) for index in range(len(attribute.labels))]
            continue
        value = np.full(count, known_values(attribute).mean())
        value[known] = known_values(attribute)
        columns.append(value)
        if attribute.kind == "continuous":
            columns.append((value - value.mean()) ** 2)
    spread = [column for column in columns if column.std() > 0]
    if not spread:
        return np.zeros((count, 0))
    table = np.stack(spread, axis=1)
    scaled: Floats = (table - table.mean(0)) / table.std(0)
    return scaled


def balancing_weights(x: ArrayLike, positive: ArrayLike, counts: ArrayLike | None = None) -> Floats:
    """Weights under which both sides have the same means of `x`.

    Columns that are constant on one of the sides cannot be balanced and are ignored.

    Arguments:
        x: Columns to balance, shape (M, K), of the images of both sides.
        positive: True for images of the side with, bool, shape (M,); all others are on the side without.
        counts: Base weights, such as bootstrap counts, shape (M,), not all 0 on a side.

    Returns:
        Shape (M,); the weights of each side sum to 1.

    Raises:
        ValueError: If the shapes do not match or a side is empty.
    """
    table, side = np.asarray(x, np.float64), np.asarray(positive)
    if table.ndim != 2 or side.shape != table.shape[:1] or side.dtype != np.bool_:
        raise ValueError(
            f"`x` must have the shape (M, K) and `positive` be bool of shape (M,). Got {table.shape} and {side.shape}."
        )
    base = np.ones(len(table)) if counts is None else np.asarray(counts, np.float64)
    for name, those in (("with", side), ("without", ~side)):
        if not base[those].sum() > 0:
            raise ValueError(
                f"The side {name} must have at least one image. It has none. Choose more images."
            )
    usable = _varies(table, side, base)
    target = sum(_mean(table[those][:, usable], base[those]) for those in (side, ~side)) / 2
    weights = np.empty(len(table))
    for those in (side, ~side):
        weights[those] = _exponential_weights(table[those][:, usable] - target, base[those])
    return weights


def remaining_difference(x: ArrayLike, positive: ArrayLike, weights: ArrayLike) -> float:
    """The largest remaining difference between the sides' weighted means over all columns of `x`.

    Arguments:
        x: Shape (M, K).
        positive: bool, shape (M,).
        weights: From `balancing_weights`, shape (M,).
    """
    table, side, w = np.asarray(x, np.float64), np.asarray(positive), np.asarray(weights, np.float64)
    if not table.shape[1]:
        return 0.0
    return float(np.abs(_mean(table[side], w[side]) - _mean(table[~side], w[~side])).max())


def _exponential_weights(x: Floats, base: Floats) -> Floats:
    """Weights base * exp(lambda . x) that sum to 1 and bring the mean of `x` as close to 0 as possible."""
    size = x.shape[1]
    log_base = np.log(np.where(base > 0, base, 1.0))
    present = base > 0

    def dual(tilt: Floats) -> tuple[float, Floats]:
        scores = np.where(present, log_base + x @ tilt, -np.inf)
        top = scores.max()
        raw = np.exp(scores - top)
        return float(top + np.log(raw.sum()) + RIDGE / 2 * tilt @ tilt), raw / raw.sum()

    tilt = np.zeros(size)
    value, weights = dual(tilt)
    for _ in range(MAX_STEPS):
        mean = weights @ x
        gradient = mean + RIDGE * tilt
        if np.abs(gradient).max(initial=0.0) < TOLERANCE:
            break
        hessian = (x * weights[:, None]).T @ x - np.outer(mean, mean) + RIDGE * np.eye(size)
        step = -np.linalg.solve(hessian, gradient)
        length = 1.0
        for _ in range(MAX_HALVINGS):
            next_value, next_weights = dual(tilt + length * step)
            if next_value <= value + 1e-4 * length * float(gradient @ step):
                break
            length /= 2
        else:
            break
        tilt, value, weights = tilt + length * step, next_value, next_weights
    return weights


def _varies(x: Floats, side: NDArray[np.bool_], base: Floats) -> NDArray[np.bool_]:
    """A mask of the columns that vary on both sides."""
    varies: NDArray[np.bool_] = np.ones(x.shape[1], bool)
    for those in (side, ~side):
        varies &= np.ptp(x[those & (base > 0)], axis=0) > 0
    return varies


def _mean(x: Floats, weights: Floats) -> Floats:
    mean: Floats = weights @ x / weights.sum()
    return mean
