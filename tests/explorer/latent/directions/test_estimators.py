"""Estimators against scikit-learn, in a few and in many dimensions, their common unit, and directions held fixed."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from explorer.latent.directions import estimators
from explorer.latent.directions.balance import balancing_weights
from explorer.latent.directions.estimators import (
    METHODS,
    Sides,
    cosine,
    cosines,
    fit,
    gap,
    hold_fixed,
    shrinkage,
    to_unit,
)
from explorer.latent.directions.mean_difference import mean_difference

MANY = estimators.MAX_DENSE_DIMENSIONS + 60


def two_sides(size: int, count: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Codes of correlated dimensions and which have the attribute, a third of them."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(size, size)) / size**0.5 + np.eye(size)
    side = rng.random(count) < 1 / 3
    shift = np.zeros(size)
    shift[:3] = (1.5, -1.0, 0.5)
    return rng.normal(size=(count, size)) @ mix + np.outer(side, shift) + 20, side


def scaled(z: np.ndarray) -> np.ndarray:
    """The codes as the classifiers take them: their root mean square length is 1."""
    centred = z - z.mean(0)
    return centred / np.sqrt(np.square(centred).sum(1).mean())


@pytest.mark.parametrize("size", [5, MANY])
@pytest.mark.parametrize("counted", [False, True])
def test_logistic_regression_is_that_of_scikit_learn(size: int, counted: bool) -> None:
    z, side = two_sides(size)
    counts = np.random.default_rng(1).integers(0, 4, len(z)) if counted else None
    rows = np.arange(len(z)) if counts is None else np.repeat(np.arange(len(z)), counts)
    known = LogisticRegression(class_weight="balanced", tol=1e-8, max_iter=2000).fit(
        scaled(z[rows]), side[rows]
    )
    found = fit("logistic", Sides.of(z, side, ~side), counts)
    assert cosine(found, known.coef_[0]) > 1 - 1e-6


@pytest.mark.parametrize("size", [5, MANY])
def test_the_svm_is_that_of_scikit_learn(size: int) -> None:
    z, side = two_sides(size)
    known = LinearSVC(class_weight="balanced", tol=1e-9, max_iter=10_000, intercept_scaling=30, dual=False)
    known.fit(scaled(z), side)
    assert cosine(fit("svm", Sides.of(z, side, ~side)), known.coef_[0]) > 1 - 1e-4


@pytest.mark.parametrize("size, pairs", [(5, 4096), (MANY, 4096), (MANY, 0)])
def test_lda_is_that_of_scikit_learn(size: int, pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "MAX_GRAM_IMAGES", pairs)
    monkeypatch.setattr(estimators, "RESIDUAL_TOLERANCE", 1e-5)
    z, side = two_sides(size)
    sides = Sides.of(z, side, ~side)
    known = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=sides.shrinkage).fit(z, side)
    assert cosine(fit("lda", sides), known.coef_[0]) > 1 - 1e-6


@pytest.mark.parametrize("pairs", [4096, 0])
def test_lda_of_counts_is_lda_of_copies_in_many_dimensions(
    pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimators, "MAX_GRAM_IMAGES", pairs)
    monkeypatch.setattr(estimators, "RESIDUAL_TOLERANCE", 1e-5)
    monkeypatch.setattr(Sides, "shrinkage", 0.3)
    z, side = two_sides(MANY)
    counts = np.random.default_rng(1).integers(0, 3, len(z))
    rows = np.repeat(np.arange(len(z)), counts)
    once = fit("lda", Sides.of(z, side, ~side), counts)
    copies = fit("lda", Sides.of(z[rows], side[rows], ~side[rows]))
    np.testing.assert_allclose(once, copies, atol=1e-4 * np.abs(copies).max())


@pytest.mark.parametrize("method", METHODS)
def test_counts_equal_copies(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sides, "shrinkage", 0.3)
    z, side = two_sides(5)
    others = np.random.default_rng(2).normal(size=(len(z), 2)) + side[:, None]
    counts = np.random.default_rng(1).integers(0, 4, len(z))
    rows = np.repeat(np.arange(len(z)), counts)
    once = fit(method, Sides.of(z, side, ~side, others), counts)
    copies = fit(method, Sides.of(z[rows], side[rows], ~side[rows], others[rows]))
    np.testing.assert_allclose(once, copies, atol=1e-4 * np.abs(copies).max())


@pytest.mark.parametrize("shape, last", [((50, 7), 3), ((20, 60), 3), ((6, 40), 1)])
def test_shrinkage_is_that_of_scikit_learn(shape: tuple[int, int], last: float) -> None:
    x = np.random.default_rng(0).normal(size=shape) * np.linspace(1, last, shape[1])
    x -= x.mean(0)
    assert shrinkage(x) == pytest.approx(ledoit_wolf_shrinkage(x, assume_centered=True))


def test_shrinkage_lies_in_0_to_1_and_is_whole_for_codes_that_spread_alike_every_way() -> None:
    rng = np.random.default_rng(1)
    found = [shrinkage(rng.normal(size=(12, 2))) for _ in range(20)]
    assert max(found) == 1 and 0 <= min(found) < 1
    assert shrinkage(np.concatenate([np.eye(3), -np.eye(3)])) == 1


def test_the_sides_are_shrunk_by_their_spread_within_and_not_by_the_way_between_them() -> None:
    z, side = two_sides(6)
    far = z + np.outer(side, np.full(6, 50.0))
    within = z.copy()
    for those in (side, ~side):
        within[those] -= within[those].mean(0)
    expected = ledoit_wolf_shrinkage(within, assume_centered=True)
    assert Sides.of(far, side, ~side).shrinkage == pytest.approx(expected)


def test_lda_holds_where_a_dimension_never_varies_and_nothing_is_shrunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Sides, "shrinkage", 0.0)
    z, side = two_sides(4)
    found = fit("lda", Sides.of(np.c_[z, np.ones(len(z))], side, ~side))
    assert cosine(found[:4], fit("lda", Sides.of(z, side, ~side))) > 1 - 1e-4 and found[4] == 0


def test_a_subset_of_images_keeps_its_other_attributes() -> None:
    z, side = two_sides(3, 12)
    sides = Sides.of(z, side, ~side, np.arange(24.0).reshape(12, 2))
    rows = np.array([7, 0, 4])
    part = sides.take(rows)
    np.testing.assert_array_equal(part.others, [[14, 15], [0, 1], [8, 9]])
    np.testing.assert_array_equal(part.z, sides.z[rows])
    np.testing.assert_array_equal(part.positive, side[rows])


def test_thousands_of_dimensions_are_held_in_half_the_memory() -> None:
    side = np.arange(4) < 2
    for size, kind in ((estimators.MAX_DENSE_DIMENSIONS, np.float64), (MANY, np.float32)):
        assert Sides.of(np.random.default_rng(0).normal(size=(4, size)), side, ~side).z.dtype == kind


def test_the_mean_difference_is_the_one_that_the_sliders_have() -> None:
    z, side = two_sides(6)
    np.testing.assert_allclose(
        fit("mean", Sides.of(z, side, ~side)), mean_difference(z, side, ~side), rtol=1e-5
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [5, MANY])
def test_a_step_of_one_goes_from_the_mean_without_to_the_mean_with(method: str, size: int) -> None:
    z, side = two_sides(size)
    others = np.random.default_rng(2).normal(size=(len(z), 2)) + side[:, None]
    v = fit(method, Sides.of(z, side, ~side, others))
    normal = v / np.linalg.norm(v)
    weights = balancing_weights(others, side) if method == "balanced" else np.ones(len(z))
    without, with_ = (np.average(z[those], 0, weights[those]) for those in (~side, side))
    assert normal @ (without + v) == pytest.approx(normal @ with_, rel=1e-4)


def test_balancing_removes_the_part_of_a_correlated_attribute() -> None:
    rng = np.random.default_rng(0)
    side = rng.random(4000) < 0.5
    hat = rng.random(4000) < np.where(side, 0.9, 0.1)
    z = rng.normal(size=(4000, 3)) + np.outer(side, [2.0, 0, 0]) + np.outer(hat, [0, 2.0, 0])
    sides = Sides.of(z, side, ~side, (hat - hat.mean())[:, None])
    plain, even = (fit(method, sides) for method in ("mean", "balanced"))
    assert plain[1] / plain[0] > 0.7
    assert abs(even[1] / even[0]) < 0.1


def test_balancing_needs_something_to_equalise() -> None:
    z, side = two_sides(4)
    with pytest.raises(ValueError, match="no other attribute"):
        fit("balanced", Sides.of(z, side, ~side))


@pytest.mark.parametrize("method", ["mean", "logistic", "svm", "lda"])
@pytest.mark.parametrize("size", [4, MANY])
def test_a_start_changes_nothing_but_the_time(method: str, size: int) -> None:
    z, side = two_sides(size)
    sides = Sides.of(z, side, ~side)
    start = np.random.default_rng(5).normal(size=size)
    assert cosine(fit(method, sides), fit(method, sides, start=start)) > 1 - 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_sides_that_do_not_differ_give_no_direction(method: str) -> None:
    z, side = np.ones((8, 3)), np.arange(8) % 2 == 0
    with pytest.raises(ValueError, match="must differ"):
        fit(method, Sides.of(z, side, ~side, np.arange(8.0)[:, None]))


def test_arguments_that_do_not_match_are_refused() -> None:
    z, side = two_sides(3, 12)
    for arguments, message in (
        ((z, side[:5], ~side), "`positive` must be bool of shape"),
        ((z, side, side.astype(int)), "`negative` must be bool"),
        ((z, side, np.zeros(12, bool)), "`negative` must mark at least one"),
        ((z, side, np.ones(12, bool)), "must not share an image"),
        ((np.where(side[:, None], np.nan, z), side, ~side), "`z` must be finite"),
        ((z, side, ~side, np.zeros((3, 1))), r"`others` must have the shape \(12, K\)"),
        ((z[0], side, ~side), "`z` must have the shape"),
    ):
        with pytest.raises(ValueError, match=message):
            Sides.of(*arguments)
    with pytest.raises(ValueError, match="Unknown estimator 'magic'"):
        fit("magic", Sides.of(z, side, ~side))
    with pytest.raises(ValueError, match="must lead towards the side with"):
        to_unit([-1.0, 0.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="must differ"):
        to_unit([0.0, 0.0], [1.0, 0.0])


def test_single_images_are_sides_too() -> None:
    z = np.array([[1.0, 2.0], [4.0, 6.0]])
    sides = Sides.of(z, np.array([False, True]), np.array([True, False]))
    np.testing.assert_allclose(fit("mean", sides), [3, 4])
    np.testing.assert_allclose(gap(sides), [3, 4])
    np.testing.assert_allclose(fit("lda", sides), [3, 4])


@pytest.mark.parametrize("size", [8, 5120])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_held_directions_do_not_move(size: int, count: int) -> None:
    rng = np.random.default_rng(0)
    v, held = rng.normal(size=size), rng.normal(size=(count, size)) * 10.0 ** rng.integers(-3, 3, (count, 1))
    left = hold_fixed(v, held)
    lengths = np.linalg.norm(left) * np.linalg.norm(held, axis=1)
    assert (np.abs(held @ left) <= 1e-6 * lengths).all()
    inside = v - left  # it lies in the span of what is held
    rest = inside - held.T @ np.linalg.lstsq(held.T, inside, rcond=None)[0] if count else inside
    assert np.linalg.norm(rest) <= 1e-6 * np.linalg.norm(v)


def test_parallel_and_empty_directions_are_held_once_or_not() -> None:
    held = np.array([[1.0, 0, 0], [2.0, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(hold_fixed([3.0, 4.0, 5.0], held), [0, 4, 5], atol=1e-9)


def test_a_direction_within_the_held_ones_is_refused() -> None:
    with pytest.raises(ValueError, match="Nothing of the direction is left"):
        hold_fixed([1.0, 1.0, 0], [[1.0, 0, 0], [0, 1.0, 0]])
    rng = np.random.default_rng(0)
    many = rng.normal(size=(7, 50))  # whose mix leaves what rounding leaves
    with pytest.raises(ValueError, match="Nothing of the direction is left"):
        hold_fixed(rng.normal(size=7) @ many, many)
    with pytest.raises(ValueError, match=r"`held` \(K, D\)"):
        hold_fixed([1.0, 1.0], [[1.0, 0, 0]])


def test_cosines() -> None:
    np.testing.assert_allclose(cosines([[2.0, 0], [1.0, 1.0], [0, 0]])[0], [1, 2**-0.5, 0])
    assert cosine([1.0, 0], [0, 0]) == 0
    for v in np.random.default_rng(0).normal(size=(200, 9)):
        assert 1 - 1e-12 < cosine(v, 3 * v) <= 1 and -1 <= cosine(v, -0.1 * v) < -1 + 1e-12
