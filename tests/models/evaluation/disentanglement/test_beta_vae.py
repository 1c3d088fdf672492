"""Tests of the beta-VAE score against scikit-learn in loops, and on latents with a known score."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.evaluation.disentanglement.beta_vae import beta_vae_score, linear_accuracy, mean_differences
from models.evaluation.disentanglement.sources import labelled
from tests.models.evaluation.disentanglement.fixtures import grid, noise, rotated


def score(latents: np.ndarray, factors: np.ndarray) -> float:
    """The score with a few hundred batches a factor."""
    source = labelled(latents, factors, np.ones(factors.shape[1], bool))
    return beta_vae_score(source, np.random.default_rng(0), train=1500, test=1000)


def by_the_book(latents: np.ndarray, factors: np.ndarray, rng: np.random.Generator) -> float:
    """The score in loops, as in disentanglement_lib; latents of about unit scale."""
    rows = [{v: np.flatnonzero(factor == v) for v in set(factor)} for factor in factors.T]

    def features(count: int) -> tuple[np.ndarray, np.ndarray]:
        points, labels = np.empty((count, latents.shape[1])), rng.integers(factors.shape[1], size=count)
        for n, k in enumerate(labels):
            first = rng.integers(len(latents), size=64)
            second = [rng.choice(rows[k][factors[i, k]]) for i in first]
            points[n] = np.abs(latents[first] - latents[second]).mean(0)
        return points, labels

    known, labels = features(500)
    machine = LogisticRegression(C=100, max_iter=1000).fit(known, labels)
    return float(machine.score(*features(300)))


def test_differences_are_those_of_the_pairs() -> None:
    source = labelled(grid(), grid(), np.ones(5, bool))
    found = mean_differences(source, 3, 200, np.random.default_rng(0))
    first, second = source.pairs(3, 200, np.random.default_rng(0))
    np.testing.assert_allclose(found, np.abs(first - second).mean(1))
    assert (found[:, 3] == 0).all()
    np.testing.assert_allclose(found[:, :3].mean(), 99 / 30, rtol=0.05)  # of two digits: (n^2 - 1) / 3n


def test_a_linear_boundary_is_found_and_chance_is_not_beaten() -> None:
    rng = np.random.default_rng(0)
    near, far = rng.normal(0, 1, (200, 3)), rng.normal([9, 0, 0], 1, (200, 3))
    assert linear_accuracy([near[:100], far[:100]], [near[100:], far[100:]]) == 1
    same = rng.normal(0, 1, (4, 200, 3))
    assert linear_accuracy(list(same[:2]), list(same[2:])) == pytest.approx(0.5, abs=0.08)


def test_it_agrees_with_loops() -> None:
    factors = grid(1500, factors=4, values=4)
    latents = rotated(factors) + noise(1500, 4)
    wanted = by_the_book(latents / latents.std(0), factors, np.random.default_rng(3))
    assert 0.4 < wanted < 0.95
    assert score(latents, factors) == pytest.approx(wanted, abs=0.07)


def test_true_factors_score_1_and_random_codes_chance() -> None:
    factors = grid()
    assert score(factors, factors) == 1
    assert score(noise(), factors) == pytest.approx(0.2, abs=0.05)


def test_a_rotation_does_not_hide_the_factors_from_it() -> None:
    """Its known weakness: it also sees factors in mixtures of dimensions, where MIG is a tenth."""
    factors = grid()
    assert score(rotated(factors), factors) > 0.8


def test_neither_order_nor_scale_of_the_codes_matters() -> None:
    factors = grid(factors=3, values=4)
    latents = factors @ np.array([[1, 0.9, 0.1], [0.9, 1, 0.3], [0.2, 0, 1]]) + 3 * noise(size=3)
    found = score(latents, factors)
    assert 0.4 < found < 0.99
    assert score(latents[:, [2, 0, 1]], factors) == pytest.approx(found, abs=0.01)
    assert score(latents * [1e-4, 7, 1e4] + [0, 4, 9], factors) == pytest.approx(found, abs=0.01)


def test_a_still_code_does_no_harm() -> None:
    factors = grid()
    assert score(np.hstack([factors, np.zeros((len(factors), 1))]), factors) == 1
