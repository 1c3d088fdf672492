"""Tests of DCI: its entropies by hand and by scipy, its trees against scikit-learn's, and known codes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from models.evaluation.disentanglement.dci import DCI, TREES, completeness, dci, disentanglement, ranks
from tests.models.evaluation.disentanglement.fixtures import grid, noise


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A quarter of the rounds."""
    monkeypatch.setitem(TREES, "n_estimators", 25)
    yield


def measure(latents: np.ndarray, factors: np.ndarray, discrete: np.ndarray | None = None) -> DCI:
    """DCI fitted on the first two thirds."""
    cut = 2 * len(latents) // 3
    kinds = np.ones(factors.shape[1], bool) if discrete is None else discrete
    return dci(latents[:cut], factors[:cut], latents[cut:], factors[cut:], kinds)


def test_the_scores_of_importances_are_disentanglement_lib_s() -> None:
    table = np.random.default_rng(0).random((6, 3)) ** 3
    per_code = 1 - entropy(table.T + 1e-11, base=3)
    per_factor = 1 - entropy(table + 1e-11, base=6)
    assert disentanglement(table) == pytest.approx((per_code * table.sum(1)).sum() / table.sum(), abs=1e-12)
    assert completeness(table) == pytest.approx((per_factor * table.sum(0)).sum() / table.sum(), abs=1e-12)


def test_scores_of_importances_by_hand() -> None:
    alone = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert disentanglement(alone) == pytest.approx(1) and completeness(alone) == pytest.approx(1)
    even = np.full((4, 3), 0.25)
    assert disentanglement(even) == pytest.approx(0) and completeness(even) == pytest.approx(0)
    one_tells_both = np.array([[1.0, 1.0], [0.0, 0.0]])
    assert disentanglement(one_tells_both) == pytest.approx(0)
    assert completeness(one_tells_both) == pytest.approx(1)
    shared_by_two = np.array([[0.5, 0.0], [0.5, 0.0], [0.0, 0.5], [0.0, 0.5]])
    assert disentanglement(shared_by_two) == pytest.approx(1)
    assert completeness(shared_by_two) == pytest.approx(0.5)


def test_one_code_is_complete_and_one_factor_disentangled() -> None:
    assert completeness(np.ones((1, 3))) == 1 and disentanglement(np.full((4, 1), 0.25)) == 1
    assert disentanglement(np.zeros((3, 2))) == pytest.approx(0)


def test_the_trees_are_scikit_learn_s_on_ranks() -> None:
    """With fewer images than ranks every threshold of the plain values is among those of the ranks."""
    latents = noise(60, 3)
    factors = np.stack(
        [(latents[:, 0] > 0) + (latents[:, 1] > 0.5), latents[:, 2] + 0.1 * latents[:, 0]], axis=1
    )
    factors = factors.astype(np.float64)
    found = dci(latents[:50], factors[:50], latents[50:], factors[50:], np.array([True, False]))
    for k, kind in enumerate((GradientBoostingClassifier, GradientBoostingRegressor)):
        trees = kind(n_estimators=25, random_state=0).fit(latents[:50], factors[:50, k])
        np.testing.assert_allclose(found.importance[:, k], trees.feature_importances_, atol=0.02)
        assert found.per_factor[k] == pytest.approx(trees.score(latents[50:], factors[50:, k]), abs=0.11)


def test_ranks_are_levels_of_equal_count() -> None:
    latents = noise(640, 2)
    found = ranks(latents, latents, 64)
    assert found.dtype == np.float32 and np.bincount(found[:, 0].astype(int)).tolist() == [10] * 64
    order = np.argsort(latents[:, 1])
    assert (np.diff(found[order, 1]) >= 0).all()
    assert ranks(np.array([[-99.0, 99.0]]), latents, 64).tolist() == [[0, 63]]
    assert len(set(ranks(np.full((5, 1), 2.0), np.full((9, 1), 2.0))[:, 0].tolist())) == 1


def test_true_factors_are_near_1() -> None:
    factors = grid(900, factors=3, values=4)
    found = measure(factors, factors)
    assert found.disentanglement > 0.99 and found.completeness > 0.99 and found.informativeness > 0.99
    np.testing.assert_allclose(found.importance, np.eye(3), atol=0.01)


def test_random_codes_tell_nothing() -> None:
    factors = grid(900, factors=3, values=4)
    found = measure(noise(900, 4), factors)
    assert found.disentanglement < 0.05 and found.completeness < 0.05
    assert found.informativeness == pytest.approx(0.25, abs=0.06)
    continuous = measure(noise(900, 4), noise(900, 2, seed=9), np.zeros(2, bool))
    assert continuous.informativeness < 0.05


def test_no_single_dimension_predicts_rotated_factors() -> None:
    factors = noise(900, 3, seed=4)
    turned = measure(factors @ (np.eye(3) - 2 / 3), factors, np.zeros(3, bool))  # loadings of 1/3 and 2/3
    plain = measure(factors, factors, np.zeros(3, bool))
    assert plain.disentanglement > 0.95 and plain.completeness > 0.95 and plain.informativeness > 0.95
    assert turned.disentanglement < 0.5 and turned.completeness < 0.5 and turned.informativeness > 0.6


def test_a_code_that_stands_twice_is_less_complete_and_as_disentangled() -> None:
    factors = grid(900, factors=3, values=4)
    twice = measure(np.hstack([factors, factors]), factors)
    assert twice.disentanglement > 0.99
    assert twice.completeness == pytest.approx(1 - np.log(2) / np.log(6), abs=0.1)


def test_neither_order_nor_scale_of_the_codes_matters() -> None:
    factors = grid(600, factors=2, values=3)
    latents = np.hstack([factors + 0.5 * noise(600, 2), factors.sum(1, keepdims=True) + noise(600, 1)])
    first = measure(latents, factors)
    turned = measure(latents[:, [2, 0, 1]], factors)
    scaled = measure(latents * [256, 0.5, 4] - 3, factors)
    np.testing.assert_allclose(turned.importance[[1, 2, 0]], first.importance, atol=0.01)
    np.testing.assert_allclose(scaled.importance, first.importance, atol=0.01)
