"""How far a direction can be trusted: AUC against scikit-learn, angles that follow theory, and the warnings."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from explorer.latent.directions.balance import balancing_weights
from explorer.latent.directions.estimators import METHODS, Sides, fit
from explorer.latent.directions.reliability import (
    angle,
    auc,
    bootstrap_angles,
    held_out_auc,
    resamples,
    warnings_of,
)

RNG = np.random.default_rng(0)


def sides_of(count: int, size: int, shift: float, with_: float = 0.5) -> Sides:
    side = np.arange(count) < with_ * count
    z = np.random.default_rng(count).normal(size=(count, size))
    z[side, 0] += shift
    return Sides.of(z, side, ~side, z[:, 1:2])


def test_the_auc_is_that_of_scikit_learn_with_ties_too() -> None:
    scores, side = RNG.integers(0, 6, 90).astype(float), RNG.random(90) < 0.3
    assert auc(scores, side) == pytest.approx(roc_auc_score(side, scores))
    with pytest.raises(ValueError, match="Both sides"):
        auc(scores, side | True)


@pytest.mark.parametrize("method", METHODS)
def test_sides_that_differ_by_chance_alone_are_not_told_apart_on_held_out_images(method: str) -> None:
    assert held_out_auc(method, sides_of(2000, 40, 0.0)) == pytest.approx(0.5, abs=0.08)
    far = sides_of(400, 5, 3.0)
    assert held_out_auc(method, far) > 0.95
    assert held_out_auc(method, far, seed=1) == held_out_auc(method, far, seed=1)


def test_the_held_out_images_are_drawn_and_not_the_first() -> None:
    near = sides_of(60, 5, 0.5)
    assert len({held_out_auc("mean", near, seed) for seed in range(4)}) > 1


def test_too_few_images_have_no_auc() -> None:
    with pytest.raises(ValueError, match=r"at least 5 images\. Got 4 and 36"):
        held_out_auc("mean", sides_of(40, 3, 1.0, 0.1))
    with pytest.raises(ValueError, match=r"at least 5 images\. Got 36 and 4"):
        held_out_auc("mean", sides_of(40, 3, 1.0, 0.9))
    assert held_out_auc("mean", sides_of(10, 3, 9.0)) == 1


def test_the_angle_of_the_mean_difference_is_the_one_that_theory_gives() -> None:
    # Each coordinate of the difference errs by sqrt(1/n + 1/n); D - 1 of them are across it.
    count, size, shift = 2000, 21, 2.0
    sides = sides_of(count, size, shift)
    angles = bootstrap_angles("mean", sides, fit("mean", sides), 100)
    expected = np.degrees(np.arctan(np.sqrt((size - 1) * 4 / count) / shift))
    assert np.median(angles) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_more_images_turn_a_direction_less(method: str) -> None:
    shares: list[float] = []
    middle = []
    for count in (100, 1600):
        sides = sides_of(count, 6, 1.5)
        angles = bootstrap_angles(method, sides, fit(method, sides), 12, progress=shares.append)
        np.testing.assert_array_equal(angles, bootstrap_angles(method, sides, fit(method, sides), 12))
        middle.append(float(np.median(angles)))
    assert middle[1] < 0.5 * middle[0]
    assert shares[:12] == pytest.approx(np.arange(1, 13) / 12)


def test_resamples_that_give_no_direction_count_as_a_right_angle() -> None:
    z = np.concatenate([np.zeros((9, 2)), [[1.0, 0.0]]])
    sides = Sides.of(z, np.arange(10) >= 8, np.arange(10) < 8)
    angles = bootstrap_angles("mean", sides, np.array([1.0, 0.0]), 40)
    assert set(angles.round(6)) == {0.0, 90.0}


def test_angles() -> None:
    assert angle([1.0, 0], [1.0, 1.0]) == pytest.approx(45)
    assert angle([1.0, 0], [-2.0, 0]) == pytest.approx(180)


def test_slow_estimators_are_repeated_less_often() -> None:
    assert resamples("mean", 64) > resamples("lda", 64) > resamples("lda", 5120) >= 10


def test_what_to_be_wary_of() -> None:
    assert warnings_of("mean", sides_of(400, 5, 2.0), 0.95, [3.0]) == []
    assert warnings_of("balanced", sides_of(400, 5, 2.0, 0.25), 0.7, [29.0, 2.0, 30.0]) == []
    assert warnings_of("mean", sides_of(160, 200, 2.0)) == [], "a mean is in closed form"
    assert "Few images: 5 without" in " ".join(warnings_of("mean", sides_of(100, 5, 2.0, 0.95)))
    few = " ".join(warnings_of("lda", sides_of(100, 200, 2.0, 0.05), 0.6, [50.0, 60.0]))
    for said in ("Few images: 5 with", "Skewed: 19 times", "More dimensions (200) than images (100)", "AUC 0.60",
                 "turn it by 55°"):  # fmt: skip
        assert said in few
    side = np.arange(200) < 100
    other = np.where(side, 3.0, 0.0) + np.random.default_rng(0).random(200)
    torn = Sides.of(np.random.default_rng(1).normal(size=(200, 3)), side, ~side, other[:, None])
    told = " ".join(warnings_of("balanced", torn))
    assert "cannot be equalised fully" in told and "counts like" in told
    weights = balancing_weights(torn.others, side)[side]
    assert f"the side with counts like {1 / np.square(weights).sum():.0f} of its 100 images" in told
    assert warnings_of("mean", torn) == []
