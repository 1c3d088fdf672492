"""How reliable a direction is: AUC, angles that follow theory, the permutation test, and the warnings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from explorer.latent.directions.balance import balancing_weights
from explorer.latent.directions.estimators import METHODS, Sides, fit
from explorer.latent.directions.reliability import (
    FREEDOM,
    OVERESTIMATE,
    Scale,
    angle,
    cross_validated_auc,
    cross_validated_rank,
    divisions,
    groups_of,
    jackknife,
    noise,
    sides_p_value,
    warnings_of,
)
from explorer.latent.intervals import Interval


def sides_of(count: int, size: int, shift: float, with_: float = 0.5) -> Sides:
    side = np.arange(count) < with_ * count
    z = np.random.default_rng(count).normal(size=(count, size))
    z[side, 0] += shift
    return Sides.of(z, side, ~side, z[:, 1:2])


@pytest.mark.parametrize("method", METHODS)
def test_the_auc_and_its_interval(method: str) -> None:
    chance = cross_validated_auc(method, sides_of(600, 10, 0.0), 1.0)
    assert chance.low < 0.5 < chance.high and chance.value == pytest.approx(0.5, abs=0.1)
    far = sides_of(400, 5, 3.0)
    assert cross_validated_auc(method, far, 0.0).low > 0.95
    assert cross_validated_auc(method, far, 0.0, seed=1) == cross_validated_auc(method, far, 0.0, seed=1)


def test_the_auc_is_the_mean_over_the_folds_and_wider_where_the_direction_is_noise() -> None:
    sides = sides_of(200, 5, 1.0)
    known, noisy = (cross_validated_auc("mean", sides, share) for share in (0.0, 1.0))
    assert known.value == noisy.value and noisy.low < known.low < known.high < noisy.high
    width = [np.ptp(np.log(np.array(each) / (1 - np.array(each)))) for each in (known, noisy)]
    assert width[1] == pytest.approx(np.sqrt(2) * width[0])


def test_auc_and_angle_respect_held_directions() -> None:
    sides = sides_of(400, 5, 3.0)
    held = np.eye(5)[:1]  # all that tells the sides apart
    assert cross_validated_auc("mean", sides, 1.0, held).low < 0.6
    assert noise("mean", sides, held).angle.value > 45 > noise("mean", sides).angle.high


def test_too_few_images_have_no_auc_and_no_angle() -> None:
    with pytest.raises(ValueError, match=r"AUC takes 50 images a side\. There are 49"):
        cross_validated_auc("mean", sides_of(98, 3, 1.0), 0.0)
    with pytest.raises(ValueError, match=r"takes 10 images a side\. There are 9"):
        noise("mean", sides_of(18, 3, 1.0))


def test_the_angle_of_the_mean_difference_is_the_one_that_theory_gives() -> None:
    # Each coordinate of the difference errs by sqrt(1/n + 1/n); D - 1 of them are across it.
    count, size, shift = 2000, 21, 2.0
    found = noise("mean", sides_of(count, size, shift))
    expected = np.degrees(np.arctan(np.sqrt((size - 1) * 4 / count) / shift))
    assert found.angle.value == pytest.approx(expected, rel=0.15)
    assert found.angle.low < expected < found.angle.high
    assert found.in_scores == pytest.approx(np.sin(np.radians(expected)) ** 2, rel=0.3)


def test_pure_noise_is_at_a_right_angle() -> None:
    """A bootstrap shows 45 degrees."""
    sides = sides_of(400, 64, 0.0)
    found = noise("mean", sides)
    assert found.angle.value > 60 and found.angle.high > 85 and found.in_scores > 0.7
    truth = np.degrees(np.arccos(abs(fit("mean", sides)[1]) / np.linalg.norm(fit("mean", sides))))
    assert found.angle.low < truth < found.angle.high + 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_more_images_turn_a_direction_less(method: str) -> None:
    shares: list[float] = []
    middle = []
    for count in (100, 1600):
        sides = sides_of(count, 6, 1.5)
        found = noise(method, sides, progress=shares.append)
        assert found == noise(method, sides)
        middle.append(found.angle.value)
    assert middle[1] < 0.5 * middle[0]
    assert shares[:20] == pytest.approx(np.arange(1, 21) / 20)


def test_random_sides_do_not_differ_and_others_do() -> None:
    p = [sides_p_value(sides_of(60, 8, 0.0), seed) for seed in range(3)]
    assert min(p) > 0.02
    assert sides_p_value(sides_of(60, 8, 2.0)) == 1 / 200
    z = np.random.default_rng(5).normal(size=(40, 2))
    side = np.arange(40) < 20
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(side) for _ in range(2000)]
    apart = [np.linalg.norm(z[one].mean(0) - z[~one].mean(0)) for one in (side, *drawn)]
    assert sides_p_value(Sides.of(z, side, ~side)) == pytest.approx(np.mean(apart[1:] >= apart[0]), abs=0.05)


def test_angles() -> None:
    assert angle([1.0, 0], [1.0, 1.0]) == pytest.approx(45)
    assert angle([1.0, 0], [-2.0, 0]) == pytest.approx(180)


def test_slow_estimators_are_fitted_less_often() -> None:
    assert groups_of("mean", sides_of(100, 700, 0)) == groups_of("lda", sides_of(100, 64, 0)) == 20
    assert groups_of("lda", sides_of(100, 700, 0)) == 10 == groups_of("svm", sides_of(20, 3, 0))


def spread(value: float) -> Interval:
    return Interval(value, value - 1, value + 1)


def test_warnings() -> None:
    assert warnings_of("mean", sides_of(400, 5, 2.0), spread(0.95), spread(3.0), 0.005) == []
    assert warnings_of("balanced", sides_of(400, 5, 2.0, 0.25), spread(0.7), spread(29.0)) == []
    assert warnings_of("mean", sides_of(160, 200, 2.0)) == [], "a mean is in closed form"
    assert "Few images: 5 without" in " ".join(warnings_of("mean", sides_of(100, 5, 2.0, 0.95)))
    few = " ".join(warnings_of("lda", sides_of(100, 200, 2.0, 0.05), spread(0.6), spread(55.0), 0.3))
    for said in (
        "Few images: 5 with",
        "Skewed: 19 times",
        "More dimensions (200) than images (100)",
        "AUC 0.60",
        "off by 55°, and may be off by 56°",
        "random ones do (p = 0.30)",
    ):
        assert said in few
    side = np.arange(200) < 100
    other = np.where(side, 3.0, 0.0) + np.random.default_rng(0).random(200)
    torn = Sides.of(np.random.default_rng(1).normal(size=(200, 3)), side, ~side, other[:, None])
    told = " ".join(warnings_of("balanced", torn))
    assert "cannot be equalised fully" in told and "counts like" in told
    weights = balancing_weights(torn.others, side)[side]
    assert f"the side with counts like {1 / np.square(weights).sum():.0f} of its 100 images" in told
    assert warnings_of("mean", torn) == []


def test_a_direction_reversed_by_balancing_has_a_warning() -> None:
    """Simpson's paradox: within either group of the other attribute the side with lies lower, overall higher."""
    rng = np.random.default_rng(0)
    other = np.repeat([0, 1, 1, 1, 0, 0, 0, 1], 25)
    side = np.arange(200) < 100
    z = (3.0 * other - 1.0 * side)[:, None] + 0.1 * rng.normal(size=(200, 2))
    sides = Sides.of(z, side, ~side, (other - other.mean())[:, None] * 2.0)
    assert fit("mean", sides) @ [1, 1] > 0
    np.testing.assert_allclose(fit("balanced", sides), [-1, -1], atol=0.1)
    assert "points the other way" in " ".join(warnings_of("balanced", sides))


def test_the_rank_correlation_counts_the_images_between_the_thirds() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(900, 5))
    values = z[:, 0] + rng.normal(size=900)
    values[::10] = np.nan
    low, high = np.nanquantile(values, [1 / 3, 2 / 3])
    with_, without = values >= high, values <= low
    sides, scale = Sides.of(z, with_, without), Scale.of(z, with_, without, values)
    assert len(scale.rest) == np.isfinite(values).sum() - len(sides.z)
    found = cross_validated_rank("mean", sides, scale, noise("mean", sides).in_scores)
    assert found.low < 6 / np.pi * np.arcsin(np.sqrt(0.5) / 2) < found.high
    known = np.isfinite(values)
    true = spearmanr(z[known, 0], values[known]).statistic
    assert found.value == pytest.approx(true, abs=0.03)
    extreme = cross_validated_auc("mean", sides, 0.0)
    assert extreme.value > 0.9, "an AUC of the extreme thirds alone looks almost perfect"
    none = cross_validated_rank("mean", sides, replace(scale, values=rng.normal(size=len(sides.z))), 0.0)
    assert abs(none.value) < 0.35
    with pytest.raises(ValueError, match=r"The rank correlation takes 50 images a side\. There are 20\."):
        cross_validated_rank(
            "mean",
            sides.take(
                np.concatenate([np.flatnonzero(side)[:20] for side in (sides.positive, ~sides.positive)])
            ),
            scale,
            0.0,
        )


def test_the_folds_are_repeated_fewer_times_where_a_fit_is_slow() -> None:
    sides = sides_of(120, 5, 1.0)
    folds = list(divisions("svm", sides))
    assert len(folds) == 5 and len({tuple(each) for each in folds}) == 5
    for fold in folds:
        assert (np.bincount(fold[sides.positive]) == 12).all() and (np.bincount(fold) == 24).all()
    assert len(list(divisions("svm", sides_of(120, 700, 1.0)))) == 2
    assert len(list(divisions("mean", sides_of(120, 700, 1.0)))) == 5


def test_an_auc_of_repeated_folds_varies_less_with_the_folds() -> None:
    sides = sides_of(120, 20, 1.0)
    found = np.array([cross_validated_auc("mean", sides, 0.5, seed=seed).value for seed in range(12)])
    once = np.array([one_division("mean", sides, seed) for seed in range(12)])
    assert found.mean() == pytest.approx(once.mean(), abs=0.02)
    assert found.std() < 0.7 * once.std()


def one_division(method: str, sides: Sides, seed: int) -> float:
    """The mean AUC over the folds of one division, by counting pairs."""
    fold = next(divisions(method, sides, seed))
    areas = []
    for number in range(5):
        held = fold == number
        scores = sides.z[held] @ fit(method, sides.take(np.flatnonzero(~held)))
        with_, without = scores[sides.positive[held]], scores[~sides.positive[held]]
        areas.append((with_[:, None] > without).mean())
    return float(np.mean(areas))


def test_corrections_widen_the_angle_s_interval() -> None:
    found = jackknife("svm", sides_of(200, 6, 1.5))
    plain, wide = found.angle(), found.angle(1.0, 0.5)
    assert wide.low < plain.low < plain.value < plain.high < wide.high
    assert found.angle(0.5).value < plain.value
    assert noise("svm", sides_of(200, 6, 1.5)).angle == found.angle(OVERESTIMATE["svm"], FREEDOM["svm"])
