r"""How reliable a direction is: cross-validated AUC or rank correlation, angle error, a permutation test, and warnings.

AUC: P(w . z_with > w . z_without), ties counting half, on images that w was not fitted on: the mean over five folds,
repeated with other folds, so that it does not depend on one division of the images.
The folds' directions share their noise. With sin^2 t the share of a direction's length that is noise, the variance is

    var = var_DeLong (1 + sin^2 t),    var_DeLong as if the folds' directions were fixed, from each image's mean over the repeats:

every pair of images of different folds counts twice, once with either in the fold that is held out.

Rank correlation: of an attribute with values, whose sides are the extreme thirds, Spearman's rho between w . z and the
values on images that w was not fitted on, those of the middle third too: the mean over the folds, as for the AUC. In
Fisher's z,

    var = (1 + rho^2 / 2) / (N - 3 per fold) (1 + sin^2 t)

with sin^2 t as for the AUC. An AUC of the extreme thirds alone would be far higher than that of all images.

Angle error: the estimate is v = c v* + e with v* the direction that the estimator gives on average over collections of
this size. The angle between them has sin^2 t = |e'|^2 / |v|^2, e' the part of e orthogonal to v*. E|e'|^2 is estimated
by a jackknife that leaves out one of G groups at a time, and |e'|^2 is taken for a scaled chi^2 with the effective
dimensions nu of e' as degrees of freedom, so that

    sin^2 t  in  m F(2.5 %, nu, (G - 1) nu)  to  m F(97.5 %, ...),    m the jackknife's estimate of E|e'|^2 / |v|^2.

A bootstrap compares each resample with an estimate that is itself noisy: on pure noise it shows about 45 degrees,
where the truth is about 90.

References:
    | Comparing the Areas under Two or More Correlated Receiver Operating Characteristic Curves (DeLong et al., 1988)
    | https://doi.org/10.2307/2531595
    | Computationally efficient confidence intervals for cross-validated AUC estimates (LeDell et al., 2015)
    | https://doi.org/10.1214/15-EJS1035
    | Sample size requirements for estimating Pearson, Kendall and Spearman correlations (Bonett & Wright, 2000)
    | https://doi.org/10.1007/BF02294183
    | The Jackknife Estimate of Variance (Efron & Stein, 1981)
    | https://doi.org/10.1214/aos/1176345462
    | Permutation P-values Should Never Be Zero (Phipson & Smyth, 2010)
    | https://doi.org/10.2202/1544-6115.1585
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import f as f_distribution
from scipy.stats import rankdata

from explorer.latent.directions.balance import balancing_weights, remaining_difference
from explorer.latent.directions.estimators import Sides, cosine, fit_held, gap
from explorer.latent.intervals import Interval, Z, auc_interval, placements

__all__ = [
    "AUC_FROM",
    "FREEDOM",
    "OVERESTIMATE",
    "Jackknife",
    "Noise",
    "Scale",
    "angle",
    "cross_validated_auc",
    "cross_validated_rank",
    "divisions",
    "groups_of",
    "jackknife",
    "noise",
    "sides_p_value",
    "stratified",
    "warnings_of",
]

Floats = NDArray[np.float64]

FOLDS = 5  # of the AUC
REPEATS = 5  # of the folds; 2 where a fit is slow
AUC_FROM = 50  # images per side; with fewer an AUC is not given
ANGLE_FROM = 10  # images per side; with fewer an angle is not given
FEW = 50  # images per side under which a direction is noisy
SKEWED = 10  # ratio of the sides' sizes
WEAK = 0.7  # AUC
WEAK_RANK = 0.3  # rank correlation
UNSTABLE = 30.0  # degrees, angle error
UNEVEN = 0.1  # standard deviations left between balanced sides
THIN = 0.2  # effective share of the images after balancing
CHANCE = 0.05  # p-value above which the sides do not differ
PERMUTATIONS = 199
PERMUTED_AT_ONCE = 1 << 24  # latents in memory
CLOSED_FORM = ("mean", "balanced")
# The jackknife overestimates the variance of a squared-hinge fit, and the squared error varies more than a scaled chi^2
# does: fewer degrees of freedom widen the interval. Both are fitted by `python -m benchmarks.calibration --fit svm`, on
# simulations of other seeds than the calibration judges, apart for more than 640 dimensions ("wide").
OVERESTIMATE = {"svm": 0.86, "svm, wide": 0.96}
FREEDOM = {"svm": 0.7, "svm, wide": 0.3}


@dataclass(frozen=True)
class Noise:
    """How much of a direction is noise."""

    angle: Interval  # degrees, 0 to 90: the median and the 95 % interval
    in_scores: float  # share of the variance of the images' scores along it that is noise, 0 to 1


class Jackknife(NamedTuple):
    """What leaving out one group of images at a time says about a direction."""

    share: float  # estimate of sin^2 t: the share of the squared length that is noise
    in_scores: float  # share of the variance of the images' scores along it that is noise
    dimensions: float  # effective dimensions of the noise, nu
    groups: int

    def angle(self, overestimate: float = 1.0, freedom: float = 1.0) -> Interval:
        """The angle in degrees: the median and the 95 % interval.

        Arguments:
            overestimate: Correction of the variance, a factor.
            freedom: Correction of the degrees of freedom, a factor.
        """
        nu = max(freedom * self.dimensions, 1.0)
        quantiles = f_distribution.ppf([0.5, 0.025, 0.975], nu, (self.groups - 1) * nu)
        share = overestimate * self.share
        middle, low, high = np.degrees(np.arcsin(np.sqrt(np.clip(share * quantiles, 0.0, 1.0))))
        return Interval(float(middle), float(low), float(high))


@dataclass(frozen=True, eq=False)
class Scale:
    """The values of an attribute whose extreme thirds are the sides, and the images between them."""

    values: Floats  # (M,), of the sides' images
    rest: NDArray[
        np.floating
    ]  # (R, D), latents of the other images whose value is known, centred as the sides' are
    rest_values: Floats  # (R,)

    @classmethod
    def of(cls, z: ArrayLike, positive: ArrayLike, negative: ArrayLike, values: ArrayLike) -> Scale:
        """From a collection.

        Arguments:
            z: Latents, shape (N, D).
            positive: Images of the side with, bool, shape (N,).
            negative: Images of the side without, bool, shape (N,).
            values: Of all images, shape (N,); NaN where missing.
        """
        latents, known = np.asarray(z), np.asarray(values, np.float64)
        used = np.asarray(positive) | np.asarray(negative)
        rest = ~used & np.isfinite(known)
        centred = latents[rest] - latents[used].mean(0, np.float64)
        return cls(known[used], centred.astype(latents.dtype), known[rest])


def angle(a: ArrayLike, b: ArrayLike) -> float:
    """The angle between two directions (D,), degrees, 0 to 180."""
    return float(np.degrees(np.arccos(cosine(a, b))))


def groups_of(method: str, sides: Sides) -> int:
    """Number of groups that the jackknife leaves out in turn; fewer where a fit is slow."""
    return min(10 if _slow(method, sides) else 20, *sides.counts)


def _slow(method: str, sides: Sides) -> bool:
    """Whether a fit takes long."""
    return method not in CLOSED_FORM and sides.z.shape[1] > 640


def noise(
    method: str,
    sides: Sides,
    held: ArrayLike = (),
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Noise:
    """The angle error of a direction, by a delete-a-group jackknife; arguments and errors as of `jackknife`."""
    found = jackknife(method, sides, held, seed=seed, progress=progress)
    key = f"{method}, wide" if _slow(method, sides) else method
    shrink = OVERESTIMATE.get(key, 1.0)
    return Noise(found.angle(shrink, FREEDOM.get(key, 1.0)), min(1.0, shrink * found.in_scores))


def jackknife(
    method: str,
    sides: Sides,
    held: ArrayLike = (),
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Jackknife:
    """Fits a direction without one group of images at a time.

    Arguments:
        method: A key of `explorer.latent.directions.estimators.METHODS`.
        sides: The images; at least 10 a side.
        held: Directions held fixed, shape (K, D).
        seed: Of the groups.
        progress: Called with the fraction done.

    Raises:
        ValueError: If a side is too small, or the images or the rest without one of the groups give no direction.
    """
    if min(sides.counts) < ANGLE_FROM:
        raise ValueError(f"The angle error takes {ANGLE_FROM} images a side. There are {min(sides.counts)}.")
    whole = fit_held(method, sides, held)
    count = groups_of(method, sides)
    group = stratified(sides.positive, count, np.random.default_rng(seed))
    length = float(np.linalg.norm(whole))
    errors = np.empty((count, len(whole)))
    for number in range(count):
        # Not scaled to unit length: without a group the noise, and with it the length, is larger.
        errors[number] = fit_held(method, sides, held, (group != number).astype(np.float64), whole) / length
        progress((number + 1) / count)
    unit = whole / length
    errors -= errors.mean(0)
    errors -= np.outer(errors @ unit, unit)
    shrink = (count - 1) / count
    within = _within(sides)
    scores = shrink * float(np.square(within @ errors.T.astype(within.dtype)).sum())
    length = float(np.square(within @ unit.astype(within.dtype)).sum())
    dimensions = _effective_dimensions(errors, len(whole) - len(np.asarray(held)))
    return Jackknife(shrink * float(np.square(errors).sum()), scores / length, dimensions, count)


def _effective_dimensions(errors: Floats, dimensions: int) -> float:
    """Degrees of freedom of the squared length of errors, 1 to `dimensions` - 1, from G of them (G, D)."""
    count = len(errors)
    inner = errors @ errors.T
    trace = float(np.trace(inner)) / (count - 1)
    crossed = (float(np.square(inner).sum()) - float(np.square(np.diag(inner)).sum())) / (count * (count - 1))
    # The errors are centred, so two of them have the covariance -B / G, where B is that of one.
    square = (crossed - (trace / count) ** 2) / ((1 - 1 / count) ** 2 + 1 / count**2)
    if square <= 0:
        return max(dimensions - 1.0, 1.0)
    return float(np.clip(trace**2 / square, 1.0, max(1.0, dimensions - 1.0)))


def divisions(method: str, sides: Sides, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """The fold of each image, 0 to 4, anew for every repeat, shape (M,).

    Arguments:
        method: A key of `explorer.latent.directions.estimators.METHODS`; there are fewer repeats where its fit is slow.
        sides: The images.
        seed: Of the folds.
    """
    rng = np.random.default_rng(seed)
    for _ in range(2 if _slow(method, sides) else REPEATS):
        yield stratified(sides.positive, FOLDS, rng)


def cross_validated_auc(
    method: str,
    sides: Sides,
    noisy: float,
    held: ArrayLike = (),
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Interval:
    """AUC on images that the direction was not fitted on, by repeated cross-validation.

    Arguments:
        method: A key of `explorer.latent.directions.estimators.METHODS`.
        sides: The images; at least 50 a side.
        noisy: Share of the scores' variance that is noise, as `noise` finds it.
        held: Directions held fixed, shape (K, D).
        seed: Of the folds.
        progress: Called with the fraction done.

    Raises:
        ValueError: If a side is too small, or the rest without one of the folds gives no direction.
    """
    if min(sides.counts) < AUC_FROM:
        raise ValueError(f"AUC takes {AUC_FROM} images a side. There are {min(sides.counts)}.")
    folds = list(divisions(method, sides, seed))
    placed = np.zeros(len(sides.z))  # of each image, the share of its fold's other side on its right side
    for repeat, fold in enumerate(folds):
        for number in range(FOLDS):
            direction = fit_held(method, sides.take(np.flatnonzero(fold != number)), held)
            rows = np.flatnonzero(fold == number)
            scores, with_ = sides.z[rows] @ direction.astype(sides.z.dtype), sides.positive[rows]
            below, above = placements(scores[~with_], scores[with_])
            placed[rows[~with_]] += below / len(folds)
            placed[rows[with_]] += above / len(folds)
            progress((repeat * FOLDS + number + 1) / (FOLDS * len(folds)))
    above, below = placed[sides.positive], placed[~sides.positive]
    variance = above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)
    return auc_interval(float(above.mean()), float(variance) * (1 + noisy), min(sides.counts))


def cross_validated_rank(
    method: str, sides: Sides, scale: Scale, noisy: float, held: ArrayLike = (), *, seed: int = 0
) -> Interval:
    """Spearman's rank correlation with an attribute's values on images that the direction was not fitted on.

    Arguments:
        method: A key of `explorer.latent.directions.estimators.METHODS`.
        sides: The extreme thirds; at least 50 images a side.
        scale: The values, and the images between.
        noisy: Share of the scores' variance that is noise, as `noise` finds it.
        held: Directions held fixed, shape (K, D).
        seed: Of the folds.

    Raises:
        ValueError: If a side is too small, or the rest without one of the folds gives no direction.
    """
    if min(sides.counts) < AUC_FROM:
        raise ValueError(
            f"The rank correlation takes {AUC_FROM} images a side. There are {min(sides.counts)}."
        )
    rng = np.random.default_rng([seed, 1])
    found = []
    for fold in divisions(method, sides, seed):
        between = rng.permutation(np.arange(len(scale.rest)) % FOLDS)
        for number in range(FOLDS):
            direction = fit_held(method, sides.take(np.flatnonzero(fold != number)), held)
            here, there = fold == number, between == number
            scores = np.concatenate([sides.z[here] @ direction, scale.rest[there] @ direction])
            values = np.concatenate([scale.values[here], scale.rest_values[there]])
            found.append(float(np.corrcoef(rankdata(scores), rankdata(values))[0, 1]))
    count = len(sides.z) + len(scale.rest)
    return _rank_interval(float(np.mean(found)), count - 3 * FOLDS, noisy)


def _rank_interval(rho: float, freedom: int, noisy: float) -> Interval:
    """The interval of a rank correlation, symmetric in Fisher's z."""
    half = Z * np.sqrt((1 + rho**2 / 2) / freedom * (1 + noisy))
    middle = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    return Interval(rho, float(np.tanh(middle - half)), float(np.tanh(middle + half)))


def sides_p_value(sides: Sides, seed: int = 0) -> float:
    """How often random sides of the same images have means as far apart, 0.005 to 1."""
    rng = np.random.default_rng(seed)
    apart = float(np.linalg.norm(gap(sides)))
    with_, without = sides.counts
    at_once = max(1, PERMUTED_AT_ONCE // max(len(sides.z), sides.z.shape[1]))
    reached = 0
    for start in range(0, PERMUTATIONS, at_once):
        rows = min(at_once, PERMUTATIONS - start)
        drawn = rng.permuted(np.tile(sides.positive, (rows, 1)), axis=1)
        signed = np.where(drawn, 1 / with_, -1 / without).astype(sides.z.dtype)
        reached += int((np.linalg.norm(signed @ sides.z, axis=1) >= apart * (1 - 1e-9)).sum())
    return (1 + reached) / (1 + PERMUTATIONS)


def stratified(positive: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A group for each image at random, each side spread evenly over the groups."""
    group = np.empty(len(positive), np.int64)
    for those in (positive, ~positive):
        rows = rng.permutation(np.flatnonzero(those))
        group[rows] = np.arange(len(rows)) % count
    return group


def _within(sides: Sides) -> NDArray[np.floating]:
    """The latents (M, D), each less the mean of its side."""
    within = sides.z.copy()
    for those in (sides.positive, ~sides.positive):
        within[those] -= within[those].mean(0)
    return within


def warnings_of(
    method: str,
    sides: Sides,
    auc: Interval | None = None,
    error: Interval | None = None,
    p_value: float | None = None,
    rank: Interval | None = None,
) -> list[str]:
    """Warnings about a direction, one sentence each; empty if there are none.

    Arguments:
        method: A key of `explorer.latent.directions.estimators.METHODS`.
        sides: The images.
        auc: Cross-validated, if known.
        error: The angle error in degrees, if known.
        p_value: Of the sides' difference, if known.
        rank: The rank correlation, if known.
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
    if p_value is not None and p_value > CHANCE:
        messages.append(f"The sides differ no more than random ones do (p = {p_value:.2f}).")
    if auc is not None and auc.value < WEAK:
        messages.append(f"The sides are hardly told apart: AUC {auc.value:.2f}.")
    if rank is not None and rank.value < WEAK_RANK:
        messages.append(f"The direction hardly follows the values: rank correlation {rank.value:.2f}.")
    if error is not None and error.value > UNSTABLE:
        messages.append(f"Unstable: it is off by {error.value:.0f}°, and may be off by {error.high:.0f}°.")
    return messages


def _balance_warnings(sides: Sides) -> list[str]:
    """Warnings if balancing is incomplete or leaves few effective images."""
    weights = balancing_weights(sides.others, sides.positive)
    left = remaining_difference(sides.others, sides.positive, weights)
    messages = []
    if float(gap(sides) @ gap(sides, weights)) < 0:
        messages.append("Equalised, the difference points the other way than before.")
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
