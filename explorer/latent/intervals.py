r"""Confidence intervals, p-values and the false discovery rate, shared by all statistics of the pages.

share:   Wilson's score interval of k of n
AUC:     theta = P(x_1 > x_0) + 1/2 P(equal);  var = var(V_1) / n_1 + var(V_0) / n_0  (DeLong), where V_1 of an image
         is the share of the other side that it exceeds; the interval is symmetric on the logit scale
ratio:   r = mean(a) / mean(b) of the same images;  var = var(a - r b) / (n mean(b)^2)
FDR:     Benjamini and Hochberg: the largest k with p_(k) <= q k / m; the k smallest are discoveries

References:
    | Probable Inference, the Law of Succession, and Statistical Inference (Wilson, 1927)
    | https://doi.org/10.1080/01621459.1927.10502953
    | Comparing the Areas under Two or More Correlated Receiver Operating Characteristic Curves (DeLong et al., 1988)
    | https://doi.org/10.2307/2531595
    | Controlling the False Discovery Rate (Benjamini & Hochberg, 1995)
    | https://doi.org/10.1111/j.2517-6161.1995.tb02031.x
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from scipy.stats import norm

__all__ = [
    "Interval",
    "Z",
    "auc_interval",
    "auc_variance",
    "discoveries",
    "placements",
    "ratio_interval",
    "share_interval",
]

Floats = NDArray[np.float64]

Z = float(norm.ppf(0.975))


class Interval(NamedTuple):
    """An estimate with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    @property
    def finite(self) -> bool:
        """Whether all three are numbers."""
        return bool(np.isfinite([self.value, self.low, self.high]).all())


def share_interval(count: int, total: int) -> Interval:
    """Wilson's interval of the share `count` / `total`, 0 to 1.

    Raises:
        ValueError: If `total` is not positive or `count` lies outside 0..`total`.
    """
    if not 0 <= count <= total or total < 1:
        raise ValueError(f"`count` must lie in 0..`total`, and `total` be positive. Got {count} of {total}.")
    share = count / total
    middle = (share + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * np.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2))
    return Interval(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def auc_variance(without: ArrayLike, with_: ArrayLike) -> tuple[float, float]:
    """AUC and DeLong's variance of it.

    Arguments:
        without: Scores of the side that should score low, shape (N,), N of at least 2.
        with_: Scores of the side that should score high, shape (M,), M of at least 2.

    Raises:
        ValueError: If a side has fewer than 2 scores.
    """
    below, above = placements(without, with_)
    if min(len(below), len(above)) < 2:
        raise ValueError(f"Each side must have at least 2 scores. Got {len(below)} and {len(above)}.")
    variance = above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)
    return float(above.mean()), float(variance)


def placements(without: ArrayLike, with_: ArrayLike) -> tuple[Floats, Floats]:
    """DeLong's V_0 and V_1: for each score the share of the other side on its right side, ties counting half.

    Arguments:
        without: Scores of the side that should score low, shape (N,), N of at least 1.
        with_: Scores of the side that should score high, shape (M,), M of at least 1.

    Returns:
        For each score without, the share of those with above it, (N,); for each with, that of those without below, (M,).
    """
    low, high = np.asarray(without, np.float64), np.asarray(with_, np.float64)

    def under(scores: Floats, others: Floats) -> Floats:
        known = np.sort(others)
        ranks = np.searchsorted(known, scores, "left") + np.searchsorted(known, scores, "right")
        return np.asarray(ranks / (2 * len(known)))

    return 1 - under(low, high), under(high, low)


def auc_interval(area: float, variance: float, smaller: int) -> Interval:
    """The interval of an AUC, symmetric on the logit scale.

    If the sides are separated completely, the variance is 0; the interval then ends where so complete a separation of
    `smaller` images has a probability of 2.5 %.

    Arguments:
        area: AUC, 0 to 1.
        variance: Of the estimate.
        smaller: Images on the smaller side.
    """
    if not 0 < area < 1 or variance <= 0:
        edge = 0.025 ** (1 / smaller)
        return Interval(area, edge, 1.0) if area > 0.5 else Interval(area, 0.0, 1 - edge)
    half = Z * np.sqrt(variance) / (area * (1 - area))
    return Interval(area, float(expit(logit(area) - half)), float(expit(logit(area) + half)))


def ratio_interval(a: ArrayLike, b: ArrayLike) -> Interval:
    """The interval of mean(a) / mean(b) by the delta method; NaN if mean(b) is 0.

    Arguments:
        a: Of the images, shape (N,), N of at least 2.
        b: Of the same images, shape (N,).

    Raises:
        ValueError: If the shapes differ or there are fewer than 2 images.
    """
    one, other = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if one.shape != other.shape or one.ndim != 1 or len(one) < 2:
        raise ValueError(
            f"`a` and `b` must have one shape (N,), N of at least 2. Got {one.shape}, {other.shape}."
        )
    base = float(other.mean())
    if base == 0:
        return Interval(np.nan, np.nan, np.nan)
    ratio = float(one.mean()) / base
    half = Z * float((one - ratio * other).std(ddof=1)) / np.sqrt(len(one)) / abs(base)
    return Interval(ratio, ratio - half, ratio + half)


def discoveries(p: ArrayLike, rate: float = 0.05) -> NDArray[np.bool_]:
    """Which hypotheses are rejected at a false discovery rate.

    Arguments:
        p: p-values, shape (K,); NaN is never rejected.
        rate: Expected share of false ones among those rejected.

    Returns:
        bool, shape (K,).
    """
    values = np.nan_to_num(np.asarray(p, np.float64), nan=1.0)
    order = np.argsort(values, kind="stable")
    count = int(np.isfinite(np.asarray(p, np.float64)).sum())
    passed = np.flatnonzero(values[order] <= rate * np.arange(1, len(values) + 1) / max(1, count))
    rejected = np.zeros(len(values), np.bool_)
    if len(passed):
        rejected[order[: passed[-1] + 1]] = True
    return rejected
