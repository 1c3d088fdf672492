r"""How reliable a direction is: held-out AUC, bootstrap angle, and warnings.

AUC = P(w . z_with > w . z_without), ties counting half, for a direction fitted on two thirds of each side and measured
on the last third.

Angle: the direction is refitted on images resampled with replacement from each side. Reported are the median and the
central 95 % of the angles to the direction fitted on all images.

References:
    | An introduction to ROC analysis (Fawcett, 2006)
    | https://doi.org/10.1016/j.patrec.2005.10.010
    | Bootstrap Methods: Another Look at the Jackknife (Efron, 1979)
    | https://doi.org/10.1214/aos/1176344552
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.directions.balance import balancing_weights, remaining_difference
from explorer.latent.directions.estimators import Sides, cosine, fit
from explorer.latent.directions.mean_difference import FEWEST

__all__ = ["angle", "auc", "bootstrap_angles", "held_out_auc", "resamples", "warnings_of"]

Floats = NDArray[np.float64]

FEW = 50  # images per side under which a direction is noisy
SKEWED = 10  # ratio of the sides' sizes
WEAK = 0.7  # AUC
UNSTABLE = 30.0  # degrees, median bootstrap angle
UNEVEN = 0.1  # standard deviations left between balanced sides
THIN = 0.2  # effective share of the images after balancing
CLOSED_FORM = ("mean", "balanced")


def auc(scores: ArrayLike, positive: ArrayLike) -> float:
    """The probability that a score with exceeds one without, ties counting half.

    Arguments:
        scores: Shape (M,).
        positive: bool, shape (M,).

    Raises:
        ValueError: If a side is empty.
    """
    values, side = np.asarray(scores, np.float64), np.asarray(positive, bool)
    with_, without = int(side.sum()), int((~side).sum())
    if not with_ or not without:
        raise ValueError("Both sides must have a score. One has none.")
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # ties get their mean rank
    return float((ranks[place][side].sum() - with_ * (with_ + 1) / 2) / (with_ * without))


def held_out_auc(method: str, sides: Sides, seed: int = 0) -> float:
    """AUC on a third of each side, for the direction fitted on the rest.

    Arguments:
        method: A key of `explorer.latent.directions.estimators.METHODS`.
        sides: The images; at least 5 a side.
        seed: Of the split.

    Raises:
        ValueError: If a side is too small, or the rest gives no direction.
    """
    if min(sides.counts) < FEWEST:
        raise ValueError(
            f"Each side must have at least {FEWEST} images. Got {sides.counts[0]} and {sides.counts[1]}."
        )
    rng = np.random.default_rng(seed)
    held = np.zeros(len(sides.z), bool)
    for those in (sides.positive, ~sides.positive):
        rows = rng.permutation(np.flatnonzero(those))
        held[rows[: max(1, len(rows) // 3)]] = True
    direction = fit(method, sides.take(np.flatnonzero(~held)))
    rest = sides.take(np.flatnonzero(held))
    return auc(rest.z @ direction.astype(rest.z.dtype), rest.positive)


def angle(a: ArrayLike, b: ArrayLike) -> float:
    """The angle between two directions (D,), degrees, 0 to 180."""
    return float(np.degrees(np.arccos(cosine(a, b))))


def resamples(method: str, dimensions: int) -> int:
    """Number of bootstrap resamples; fewer where a fit is slow."""
    if method in CLOSED_FORM:
        return 200 if dimensions <= 640 else 100
    return 100 if dimensions <= 100 else 40 if dimensions <= 640 else 10


def bootstrap_angles(
    method: str,
    sides: Sides,
    direction: ArrayLike,
    count: int,
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Floats:
    """Angles between directions fitted on resamples and the one fitted on all images.

    Arguments:
        method: A key of `explorer.latent.directions.estimators.METHODS`.
        sides: The images.
        direction: The direction that `fit` gives for them, shape (D,).
        count: Resamples.
        seed: Of the draws.
        progress: Called with the fraction done.

    Returns:
        Degrees, shape (count,); 90 if a resample gives no direction.
    """
    full_fit = np.asarray(direction, np.float64)
    rng = np.random.default_rng(seed)
    found = np.empty(count)
    for number in range(count):
        counts = np.zeros(len(sides.z))
        for those in (sides.positive, ~sides.positive):
            rows = np.flatnonzero(those)
            np.add.at(counts, rng.choice(rows, len(rows)), 1.0)
        try:
            found[number] = angle(fit(method, sides, counts, start=full_fit), full_fit)
        except ValueError:
            found[number] = 90.0
        progress((number + 1) / count)
    return found


def warnings_of(
    method: str, sides: Sides, score: float | None = None, angles: ArrayLike | None = None
) -> list[str]:
    """Warnings about a direction, one sentence each; empty if there are none.

    Arguments:
        method: A key of `explorer.latent.directions.estimators.METHODS`.
        sides: The images.
        score: Held-out AUC, if known.
        angles: Bootstrap angles in degrees, if known.
    """
    messages = []
    with_, without = sides.counts
    fewer, more = min(with_, without), max(with_, without)
    if fewer < FEW:
        side = "with" if with_ <= without else "without"
        messages.append(f"Few images: {fewer} {side}. Under {FEW} a side a direction is noisy.")
    if more > SKEWED * fewer:
        messages.append(f"Skewed: {more / fewer:.0f} times as many images on one side.")
    if method not in CLOSED_FORM and sides.z.shape[1] > with_ + without:
        messages.append(
            f"More dimensions ({sides.z.shape[1]:,}) than images ({with_ + without:,}): it fits noise too."
        )
    if method == "balanced" and sides.others.shape[1]:
        messages += _balance_warnings(sides)
    if score is not None and score < WEAK:
        messages.append(f"The sides are hardly told apart: AUC {score:.2f}.")
    if angles is not None and float(np.median(np.asarray(angles))) > UNSTABLE:
        messages.append(
            f"Unstable: other images of the same kind turn it by {np.median(np.asarray(angles)):.0f}°."
        )
    return messages


def _balance_warnings(sides: Sides) -> list[str]:
    """Warnings if balancing is incomplete or leaves few effective images."""
    weights = balancing_weights(sides.others, sides.positive)
    left = remaining_difference(sides.others, sides.positive, weights)
    messages = []
    if left > UNEVEN:
        messages.append(
            f"The other attributes cannot be equalised fully: {left:.1f} standard deviations are left."
        )
    for name, those in (("with", sides.positive), ("without", ~sides.positive)):
        effective = 1.0 / float(np.square(weights[those]).sum())
        if effective < THIN * those.sum():
            messages.append(
                f"Equalised, the side {name} counts like {effective:.0f} of its {int(those.sum()):,} images."
            )
    return messages
