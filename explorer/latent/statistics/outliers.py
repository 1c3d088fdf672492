r"""Outlier scores as arrays: AUROC, FPR@95, thresholds, percentiles, histograms.

AUROC  = P(outlier's score > inlier's) + 1/2 P(equal), the area under the receiver operating characteristic
FPR@95 = P(inlier's score >= the 5th percentile of the outliers' scores): what finding 95 % of the outliers costs

The sign of a score that is low for outliers, such as a likelihood, is flipped first (`outlyingness`), so that everywhere
below a higher score means more of an outlier.

References:
    | Comparing the Areas under Two or More Correlated Receiver Operating Characteristic Curves (DeLong et al., 1988)
    | https://doi.org/10.2307/2531595
    | A Baseline for Detecting Misclassified and Out-of-Distribution Examples (Hendrycks & Gimpel, 2016): FPR@95
    | https://arxiv.org/abs/1610.02136
    | Improved confidence intervals for the sensitivity at a fixed level of specificity (Zhou & Qin, 2005)
    | https://doi.org/10.1002/sim.1563
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.intervals import Interval, Z, auc_interval, auc_variance, share_interval

__all__ = [
    "LARGEST",
    "Tail",
    "auroc",
    "auroc_interval",
    "bins",
    "bounded",
    "extent",
    "false_alarms",
    "fpr95",
    "outlyingness",
    "percentile_interval",
    "percentiles",
    "ranks_alike",
    "residual",
    "threshold",
]

Floats = NDArray[np.float64]
Tail = Literal["high", "low"]  # tail of a score in which the outliers lie

LARGEST = 1e30  # absolute value to which scores are clipped
REACH = 1.0  # how far an axis extends beyond a collection, relative to its range
BINS = (12, 60)  # of a histogram, at least and at most
FOUND = 0.95  # share of the outliers beyond the threshold of FPR@95
RESAMPLES = 2_000  # of the bootstrap of FPR@95


def outlyingness(values: ArrayLike, tail: Tail) -> Floats:
    """A score with its sign set so that higher means more of an outlier, shape of `values`."""
    array = np.asarray(values, np.float64)
    return array if tail == "high" else -array


def auroc(inliers: ArrayLike, outliers: ArrayLike) -> float:
    """The probability that an outlier scores above an inlier, 0 to 1; 0.5 is chance.

    Arguments:
        inliers: Outlier scores of images like the training data, shape (N,).
        outliers: Outlier scores of other images, shape (M,).

    Raises:
        ValueError: If one of them is empty or not finite.
    """
    one, other = _finite(inliers, "inliers"), np.sort(_finite(outliers, "outliers"))
    above = len(other) - np.searchsorted(other, one, "right")
    equal = np.searchsorted(other, one, "right") - np.searchsorted(other, one, "left")
    return float((above + 0.5 * equal).mean() / len(other))


def auroc_interval(inliers: ArrayLike, outliers: ArrayLike) -> Interval:
    """AUROC with its 95 % interval, by DeLong's variance on the logit scale.

    Arguments:
        inliers: Outlier scores of images like the training data, shape (N,), N of at least 2.
        outliers: Outlier scores of other images, shape (M,), M of at least 2.

    Raises:
        ValueError: If there are too few, or one is not finite.
    """
    one, other = _finite(inliers, "inliers"), _finite(outliers, "outliers")
    return auc_interval(*auc_variance(one, other), min(len(one), len(other)))


def fpr95(inliers: ArrayLike, outliers: ArrayLike, seed: int = 0) -> Interval:
    """The share of inliers beyond the threshold that finds 95 % of the outliers, with its 95 % interval.

    The interval is that of Agresti and Coull with the variance of a bootstrap over both kinds of images.

    Arguments:
        inliers: Outlier scores of images like the training data, shape (N,).
        outliers: Outlier scores of other images, shape (M,).
        seed: Of the bootstrap.

    Raises:
        ValueError: If one of them is empty or not finite.
    """
    one, other = np.sort(_finite(inliers, "inliers")), np.sort(_finite(outliers, "outliers"))
    place = (len(other) - 1) - int(np.ceil(FOUND * len(other)) - 1)  # of the least score that still counts
    beyond = len(one) - np.searchsorted(one, other, "left")  # inliers at or above each outlier's score
    rng = np.random.default_rng(seed)
    drawn = np.ceil(len(other) * rng.beta(place + 1, len(other) - place, RESAMPLES)).astype(np.int64) - 1
    counts = rng.binomial(len(one), beyond[np.clip(drawn, 0, len(other) - 1)] / len(one))
    smooth = (np.append(counts, beyond[place]) + Z**2 / 2) / (len(one) + Z**2)
    half = Z * float(np.sqrt(smooth[:-1].var() + 0.25 / (len(one) + Z**2) ** 2))
    middle, value = float(smooth[-1]), float(beyond[place] / len(one))
    return Interval(value, max(0.0, min(value, middle - half)), min(1.0, max(value, middle + half)))


def false_alarms(held_out: ArrayLike, cut: float) -> Interval:
    """The share of new images like the collection's that reach a threshold, with its 95 % interval.

    Arguments:
        held_out: Outlier scores of images that the model was not fitted on, shape (N,).
        cut: The threshold, an outlier score.
    """
    values = _finite(held_out, "held_out")
    return share_interval(int((values >= cut).sum()), len(values))


def percentile_interval(score: float, held_out: ArrayLike) -> Interval:
    """The share of held-out images below a picture's score, 0 to 1, ties counting half, with its 95 % interval.

    Arguments:
        score: The picture's outlier score.
        held_out: Outlier scores of images that the model was not fitted on, shape (N,).
    """
    values = _finite(held_out, "held_out")
    below = int((values < score).sum()) + int((values == score).sum()) / 2
    low, high = (
        share_interval(int(np.floor(below)), len(values)),
        share_interval(int(np.ceil(below)), len(values)),
    )
    return Interval(below / len(values), low.low, high.high)


def threshold(scores: ArrayLike, share: float) -> float:
    """The outlier score that this share of the images reaches.

    Arguments:
        scores: Outlier scores, shape (N,).
        share: 0 to 1; at least one image reaches the threshold.

    Raises:
        ValueError: If `share` is out of range, or there is no image.
    """
    values = np.sort(_finite(scores, "scores"))[::-1]
    if not 0 <= share <= 1:
        raise ValueError(f"`share` must lie in 0..1. Got {share}.")
    return float(values[min(len(values), max(1, round(share * len(values)))) - 1])


def percentiles(scores: ArrayLike, reference: ArrayLike) -> Floats:
    """The share of the reference below each score, in percent; ties count half.

    Arguments:
        scores: Outlier scores, shape (M,).
        reference: Outlier scores of a collection, shape (N,).
    """
    known, asked = np.sort(_finite(reference, "reference")), _finite(scores, "scores")
    both = np.searchsorted(known, asked, "left") + np.searchsorted(known, asked, "right")
    return 50.0 * both / len(known)


def bins(values: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    """A histogram by Freedman and Diaconis' rule, within bounds: counts (B,) and edges (B + 1,).

    References:
        | On the histogram as a density estimator: L2 theory (Freedman & Diaconis, 1981)
        | https://doi.org/10.1007/BF01025868
    """
    array = _finite(values, "values")
    low, high = float(array.min()), float(array.max())
    if low == high:
        return np.array([len(array)]), np.array([low - 0.5, high + 0.5])
    width = 2 * float(np.subtract(*np.percentile(array, [75, 25]))) / len(array) ** (1 / 3)
    count = int(np.clip(np.ceil((high - low) / width), *BINS)) if width > 0 else BINS[1]
    counts, edges = np.histogram(array, count, (low, high))
    return counts, edges


def bounded(values: ArrayLike, tail: Tail) -> Floats:
    """Clips scores to ±`LARGEST`, shape (M,); NaN counts as an outlier.

    A network can output any number for a picture unlike its training data.
    """
    end = LARGEST if tail == "high" else -LARGEST
    finite: Floats = np.nan_to_num(np.asarray(values, np.float64), nan=end, posinf=LARGEST, neginf=-LARGEST)
    return np.clip(finite, -LARGEST, LARGEST)


def extent(values: ArrayLike, others: ArrayLike) -> tuple[float, float]:
    """Axis limits for a collection's values (N,), extended for others (M,) by at most its own range.

    Values farther out would squeeze the collection to a line; they are drawn at the end of the axis instead.
    """
    known = _finite(values, "values")
    low, high = float(known.min()), float(known.max())
    room = REACH * (high - low) if high > low else max(1.0, abs(high))
    beside = np.clip(np.asarray(others, np.float64), low - room, high + room)
    return min([low, *beside.tolist()]), max([high, *beside.tolist()])


def ranks_alike(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's rank correlation of two scores of the same images, -1 to 1; 0 if one is constant."""
    one, other = (_ranks(_finite(values, "a")) for values in (a, b))
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else 0.0


def residual(picture: NDArray[np.uint8], reconstruction: NDArray[np.uint8]) -> Floats:
    """The difference of picture and reconstruction at each pixel, mean over channels, shape (*, H, W), -1 to 1.

    Arguments:
        picture: uint8, shape (*, H, W, C).
        reconstruction: Same shape.
    """
    gap: Floats = (picture.astype(np.float64) - reconstruction).mean(-1) / 255
    return gap


def _ranks(values: Floats) -> Floats:
    """Ranks; ties get their mean rank."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]


def _finite(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be a list of finite numbers, at least one. Got shape {array.shape}.")
    return array
