"""Simulated worlds with known truth, one function per statistic: interval coverage, false alarms and bias.

Each function simulates once and returns a `Trial`. A world is described by its keyword arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from explorer.latent.directions.estimators import Sides, fit
from explorer.latent.directions.leakage import Leak, Target, sign_test
from explorer.latent.directions.leakage import Trial as Edits
from explorer.latent.directions.reliability import (
    AUC_FROM,
    Jackknife,
    Scale,
    cross_validated_auc,
    cross_validated_rank,
    divisions,
    jackknife,
    noise,
    sides_p_value,
)
from explorer.latent.intervals import Interval, discoveries
from explorer.latent.neighbours.exact import Neighbours
from explorer.latent.neighbours.metric import draw_distances, metric_of
from explorer.latent.statistics.outliers import auroc_interval, false_alarms, fpr95, percentile_interval
from explorer.latent.statistics.selection import p_value
from explorer.latent.statistics.similarity import cka, effective_dimensions, linear_reach, ridge

__all__ = ["ALARM", "Trial", "angle_noise", "gauge_share"]

Floats = NDArray[np.float64]
Generator = np.random.Generator

ALARM = 0.05  # level of every test
NONE = float("nan")


class Trial(NamedTuple):
    """The outcome of one simulation; NaN if not applicable."""

    covered: float = NONE  # 1 if the 95 % interval contains the truth, 0 otherwise
    alarm: float = NONE  # 1 if a test at 5 % rejects a null that is true, 0 otherwise
    bias: float = NONE  # estimate minus truth


def _sides(rng: Generator, size: int, images: int, effect: float) -> Sides:
    """Two sides of equally many images, a covariate that differs between them, and `effect` along the first axis."""
    side = np.arange(2 * images) < images
    z = rng.normal(size=(2 * images, size))
    z[side, 0] += effect
    other = rng.normal(size=(2 * images, 1)) + 0.5 * side[:, None]
    return Sides.of(z, side, ~side, other)


def _held(interval: Interval, truth: float) -> Trial:
    """Whether an interval contains the truth, and the error of its estimate."""
    slack = 1e-9
    return Trial(float(interval.low - slack <= truth <= interval.high + slack), bias=interval.value - truth)


def _fitted(method: str, sides: Sides) -> Iterator[Floats]:
    """The directions of all folds of the repeated cross-validation, (D,) each."""
    for fold in divisions(method, sides):
        for number in np.unique(fold):
            yield fit(method, sides.take(np.flatnonzero(fold != number)))


def angle(rng: Generator, *, method: str, size: int, images: int, effect: float) -> Trial:
    """The angle error of one estimator."""
    sides = _sides(rng, size, images, effect)
    return _held(noise(method, sides).angle, _true_angle(method, sides))


def angle_noise(
    rng: Generator, *, method: str, size: int, images: int, effect: float
) -> tuple[float, Jackknife]:
    """The true angle of one estimator in degrees, and the jackknife that its interval is made from."""
    sides = _sides(rng, size, images, effect)
    return _true_angle(method, sides), jackknife(method, sides)


def _true_angle(method: str, sides: Sides) -> float:
    """The angle between a fitted direction and the first axis, degrees, 0 to 90."""
    direction = fit(method, sides)
    cosine = min(1.0, abs(float(direction[0])) / float(np.linalg.norm(direction)))
    return float(np.degrees(np.arccos(cosine)))


def direction_auc(rng: Generator, *, method: str, size: int, images: int, effect: float) -> Trial:
    """The cross-validated AUC of one estimator; the truth is the mean AUC of the folds' directions."""
    sides = _sides(rng, size, max(images, AUC_FROM), effect)
    found = cross_validated_auc(method, sides, noise(method, sides).in_scores)
    truths = []
    for direction in _fitted(method, sides):
        truths.append(norm.cdf(effect * direction[0] / np.linalg.norm(direction) / np.sqrt(2)))
    alarm = float(not found.low <= 0.5 <= found.high) if effect == 0 else NONE
    return _held(found, float(np.mean(truths)))._replace(alarm=alarm)


def direction_rank(rng: Generator, *, method: str, size: int, images: int, effect: float) -> Trial:
    """The rank correlation of one estimator with values; the truth is the mean over the folds' directions."""
    z = rng.normal(size=(images, size))
    values = effect * z[:, 0] + rng.normal(size=images)
    low, high = np.quantile(values, [1 / 3, 2 / 3])
    with_, without = values >= high, values <= low
    sides = Sides.of(z, with_, without, np.zeros((images, 1)))
    found = cross_validated_rank(
        method, sides, Scale.of(z, with_, without, values), noise(method, sides).in_scores
    )
    truths = []
    for direction in _fitted(method, sides):
        linear = effect / np.hypot(1, effect) * direction[0] / np.linalg.norm(direction)
        truths.append(6 / np.pi * np.arcsin(linear / 2))  # of two normal variables
    alarm = float(not found.low <= 0 <= found.high) if effect == 0 else NONE
    return _held(found, float(np.mean(truths)))._replace(alarm=alarm)


def sides_differ(rng: Generator, *, size: int, images: int) -> Trial:
    """The permutation test of sides that do not differ."""
    return Trial(
        alarm=float(sides_p_value(_sides(rng, size, images, 0.0), int(rng.integers(2**31))) <= ALARM)
    )


def outlier_auroc(rng: Generator, *, images: int, effect: float, spread: float = 1.0) -> Trial:
    """AUROC of normal scores."""
    found = auroc_interval(rng.normal(size=images), rng.normal(effect, spread, size=images))
    truth = float(norm.cdf(effect / np.hypot(1, spread)))
    alarm = float(not found.low <= 0.5 <= found.high) if effect == 0 else NONE
    return _held(found, truth)._replace(alarm=alarm)


def outlier_fpr95(rng: Generator, *, images: int, effect: float) -> Trial:
    """FPR@95 of normal scores; without an effect it is 0.95."""
    found = fpr95(rng.normal(size=images), rng.normal(effect, 1, size=images), int(rng.integers(2**31)))
    trial = _held(found, float(norm.sf(effect + norm.ppf(0.05))))
    return trial._replace(alarm=1 - trial.covered) if effect == 0 else trial


def expected_alarms(rng: Generator, *, images: int, share: float) -> Trial:
    """The share of new images beyond a threshold."""
    return _held(false_alarms(rng.random(images), 1 - share), share)


def upload_percentile(rng: Generator, *, images: int) -> Trial:
    """The percentile of a new picture that is like the collection's; an alarm is one above the 95th."""
    score = float(rng.random())
    found = percentile_interval(score, rng.random(images))
    return _held(found, score)._replace(alarm=float(found.value > 1 - ALARM))


def group_difference(rng: Generator, *, images: int) -> Trial:
    """A random selection and the attributes found to differ from the rest, after FDR."""
    count = 3000
    chosen = np.zeros(count, bool)
    chosen[rng.choice(count, images, replace=False)] = True
    rates = np.linspace(0.1, 0.7, 10)
    columns = [(rng.random(count) < rate).astype(float) for rate in rates]
    hair = rng.integers(0, 5, count)
    columns += [(hair == label).astype(float) for label in range(5)]
    columns += [rng.normal(size=count), rng.exponential(size=count)]
    p = np.array([p_value(values, chosen) for values in columns])
    return Trial(alarm=float(discoveries(p).any()))


def reach(rng: Generator, *, images: int, size: int, signal: float) -> Trial:
    """R^2 of a linear map; the truth is that of the fitted map on new images."""
    weights = rng.normal(size=(size, 4)) / np.sqrt(size)

    def draw(count: int) -> tuple[Floats, Floats]:
        a = rng.normal(size=(count, size))
        return a, signal * a @ weights + rng.normal(size=(count, 4))

    a, b = draw(images)
    found = linear_reach(a, b, int(rng.integers(2**31)))
    if signal == 0:
        return Trial(alarm=float(found.p_value <= ALARM))
    fitted = ridge(a[::2] - a[::2].mean(0), b[::2] - b[::2].mean(0))
    new_a, new_b = draw(20_000)
    left = new_b - b[::2].mean(0) - (new_a - a[::2].mean(0)) @ fitted
    return _held(found.r2, 1 - float(np.square(left).sum()) / float(np.square(new_b - new_b.mean(0)).sum()))


class _Attribute(NamedTuple):
    """A continuous attribute of the worlds of edits."""

    values: Floats
    kind: str = "continuous"
    labels: tuple[str, ...] = ()
    title: str = ""


def _read(z: Any) -> dict[str, Floats]:
    """Readings of latents (M, 3): the second attribute follows the first in some images more than in others."""
    rows = np.asarray(z, np.float64)
    bend = rows[:, 1] + 0.3 * rows[:, 0] * np.abs(rows[:, 2])
    return {"target": 2 * rows[:, :1], "second": bend[:, None], "third": rows[:, 2:]}


EDIT = np.array([1.0, 0.1, 0.05], np.float32)


@cache
def _true_dependency(length: float) -> float:
    """The dependency of the edit over 400,000 images."""
    z = np.random.default_rng(0).normal(size=(400_000, 3))
    way = np.where(z[:, :1] > 0, -1.0, 1.0)
    before, after = _read(z), _read(z + length * way * EDIT)
    moved = {name: float(np.abs(after[name] - before[name]).mean()) for name in before}
    return (moved["second"] + moved["third"]) / 2 / moved["target"]


def _leak(rng: Generator, images: int, length: float) -> Leak:
    """The leakage of an edit whose pictures are latents and whose readings are known."""
    z = rng.normal(size=(images, 3)).astype(np.float32)
    known: dict[str, Any] = {name: _Attribute(values[:, 0]) for name, values in _read(z).items()}
    decode: Any = lambda latents: latents  # noqa: E731
    edits = Edits(decode, _read, z, known, Target("target"), {name: np.ones(1) for name in known})
    return edits.leak(EDIT, length)


def success(rng: Generator, *, images: int, length: float) -> Trial:
    """The success of an edit."""
    return _held(_leak(rng, images, length).success, float(2 * norm.cdf(length) - 1))


def dependency(rng: Generator, *, images: int, length: float) -> Trial:
    """The dependency of an edit."""
    return _held(_leak(rng, images, length).dependency, _true_dependency(length))


def drift(rng: Generator, *, images: int) -> Trial:
    """Attributes that move at random, tested with random signs at a false discovery rate of 5 %."""
    p = [
        sign_test(rng.normal(size=(images, 1 + n % 2)) * rng.exponential(size=(images, 1))) for n in range(12)
    ]
    return Trial(alarm=float(discoveries(p).any()))


def dimensions(rng: Generator, *, images: int, size: int) -> Trial:
    """Effective dimensions of normal latents of equal variance, relative to the truth."""
    return Trial(bias=effective_dimensions(rng.normal(size=(images, size))) / size - 1)


def unrelated_cka(rng: Generator, *, images: int, size: int) -> Trial:
    """CKA of unrelated spaces, which is 0."""
    return Trial(bias=cka(rng.normal(size=(images, size)), rng.normal(size=(images, size))))


def gauge(rng: Generator, *, images: int, size: int) -> Trial:
    """A posterior draw of a new image of a VAE with active and inactive dimensions; an alarm is above the 95th."""
    sizes = np.linspace(1, 0, size).astype(np.float32)
    std = np.broadcast_to(np.sqrt(1 - sizes**2), (images, size)).astype(np.float32)
    mean = rng.normal(size=(images, size)).astype(np.float32) * sizes
    share = gauge_share(rng, mean, std, np.arange(images) < images // 2)
    return Trial(alarm=share)


def gauge_share(
    rng: Generator, mean: NDArray[np.float32], std: NDArray[np.float32], held: NDArray[np.bool_]
) -> float:
    """Share of posterior draws of held-out images above the gauge's 95th percentile.

    Arguments:
        rng: Splits the held-out images: one half is encoded and gives the reference, the other is drawn from.
        mean: Posterior means, shape (N, D).
        std: Posterior standard deviations, same shape.
        held: Which images the model was not fitted on, bool, shape (N,).
    """
    rows = rng.permutation(np.flatnonzero(held))
    fresh, known = rows[: len(rows) // 2], np.ones(len(mean), bool)
    known[fresh] = False
    metric = metric_of(mean[known], std[known])
    reference = draw_distances(mean[known], std[known], held[known], metric, int(rng.integers(2**31)))
    near = Neighbours(mean[known], reference, metric)
    drawn = mean[fresh] + std[fresh] * rng.standard_normal(mean[fresh].shape).astype(np.float32)
    found = near.query(drawn).percentile
    return NONE if found is None else float((found > 100 * (1 - ALARM)).mean())
