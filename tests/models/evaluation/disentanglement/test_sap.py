"""Tests of SAP against loops over scikit-learn and numpy, and on latents with a known score."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from models.evaluation.disentanglement.arrays import standardise
from models.evaluation.disentanglement.sap import (
    separated_attribute_predictability,
    squared_correlations,
)
from tests.models.evaluation.disentanglement.fixtures import grid, noise, rotated

CONTINUOUS = np.zeros(5, bool)


def sap(latents: np.ndarray, factors: np.ndarray, discrete: np.ndarray | None = None) -> float:
    """SAP fitted on the first two thirds."""
    cut = 2 * len(latents) // 3
    kinds = np.zeros(factors.shape[1], bool) if discrete is None else discrete
    return separated_attribute_predictability(
        latents[:cut], factors[:cut], latents[cut:], factors[cut:], kinds
    )


def test_squared_correlations_are_numpy_s() -> None:
    latents, factors = rotated(grid(200)) * 7 + 1, grid(200)
    wanted = np.corrcoef(latents.T, factors.T)[:5, 5:] ** 2
    np.testing.assert_allclose(squared_correlations(latents, factors), wanted, atol=1e-12)
    assert not squared_correlations(np.ones((200, 2)), factors).any()


def test_discrete_factors_are_scored_by_a_linear_machine_on_other_images() -> None:
    factors = grid(600, factors=2, values=3)
    latents = standardise(factors @ np.array([[1.0, 0.3, 0.0], [0.0, 0.6, 1.0]]) + 0.4 * noise(600, 3))
    cut, gaps = 400, []
    fit = standardise(latents[:cut])
    other = (latents[cut:] - latents[:cut].mean(0)) / latents[:cut].std(0)
    for factor in factors.T:
        scores = []
        for a, b in zip(fit.T, other.T, strict=True):
            machine = LinearSVC(C=0.01, class_weight="balanced").fit(a[:, None], factor[:cut])
            scores.append(machine.score(b[:, None], factor[cut:]))
        gaps.append(sorted(scores)[-1] - sorted(scores)[-2])
    assert sap(latents, factors, np.ones(2, bool)) == pytest.approx(np.mean(gaps)) and np.mean(gaps) > 0.05


def test_true_factors_are_near_1_and_random_codes_near_0() -> None:
    factors = grid()
    assert sap(factors, factors) == pytest.approx(1, abs=0.01)
    assert sap(noise(), factors) < 0.01
    assert 0.02 < sap(rotated(factors), factors) < 0.5


def test_a_perfect_code_of_a_yes_or_no_beats_guessing_by_a_half() -> None:
    factors = grid(600, factors=2, values=2)
    both = np.ones(2, bool)
    assert sap(factors, factors, both) == pytest.approx(0.5, abs=0.06)
    assert sap(noise(600, 2), factors, both) < 0.08


def test_each_factor_is_scored_by_its_kind() -> None:
    factors = np.stack([grid(600, 1, 2)[:, 0], np.random.default_rng(5).random(600)], axis=1)
    mixed = sap(factors, factors, np.array([True, False]))
    assert mixed == pytest.approx((0.5 + 1) / 2, abs=0.05)


def test_neither_order_nor_scale_of_the_codes_matters() -> None:
    factors = grid(600, factors=3, values=2)
    latents = factors @ np.array([[1, 0.5, 0], [0, 1, 0.5], [0.5, 0, 1]]) + 0.3 * noise(600, 3)
    kinds = np.array([True, True, False])
    score = sap(latents, factors, kinds)
    assert sap(latents[:, [2, 0, 1]], factors, kinds) == pytest.approx(score, abs=1e-12)
    assert sap(latents * [1e-3, 50, 1] + 9, factors, kinds) == pytest.approx(score, abs=1e-6)


def test_a_code_that_stands_twice_leaves_no_gap() -> None:
    factors = grid(600)
    assert sap(np.hstack([factors, factors]), factors) == pytest.approx(0, abs=1e-12)
