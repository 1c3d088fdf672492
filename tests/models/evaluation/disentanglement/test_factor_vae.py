"""Tests of the FactorVAE score by hand, against loops, and on latents with a known score."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.disentanglement.factor_vae import (
    batch_variances,
    factor_vae_score,
    majority_accuracy,
)
from models.evaluation.disentanglement.sources import labelled
from tests.models.evaluation.disentanglement.fixtures import grid, noise, rotated


def score(latents: np.ndarray, factors: np.ndarray, seed: int = 0) -> float:
    """The score with a few hundred batches a factor."""
    source = labelled(latents, factors, np.ones(factors.shape[1], bool))
    return factor_vae_score(source, np.random.default_rng(seed), train=1500, test=1000)


def by_the_book(latents: np.ndarray, factors: np.ndarray, rng: np.random.Generator) -> float:
    """The score in loops, as disentanglement_lib words it."""
    scale = latents.var(0, ddof=1)

    def votes(count: int) -> np.ndarray:
        table = np.zeros((factors.shape[1], latents.shape[1]))
        for _ in range(count):
            k = rng.integers(factors.shape[1])
            rows = np.flatnonzero(factors[:, k] == factors[rng.integers(len(factors)), k])
            batch = latents[rng.choice(rows, 64)]
            table[k, np.argmin(batch.var(0, ddof=1) / scale)] += 1
        return table

    known, asked = votes(1500), votes(1000)
    return float(asked[known.argmax(0), np.arange(latents.shape[1])].sum() / asked.sum())


def test_a_majority_vote_by_hand() -> None:
    """Dimension 0 varies least when factor 0 is held fixed, dimension 1 when factor 1 is; one test batch of four misleads."""
    first, second = [[0.1, 9.0], [0.2, 9.0], [0.1, 9.0]], [[1.0, 3.0], [1.0, 1.0], [1.0, 2.0]]
    train = [np.array(first), np.array(second)]
    test = [np.array([[0.1, 9.0], [3.0, 9.0]]), np.array([[1.0, 2.0], [1.0, 2.0]])]
    assert majority_accuracy(train, test, np.array([1.0, 10.0])) == 0.75


def test_it_agrees_with_loops() -> None:
    factors = grid(2000, factors=4, values=4)
    latents = np.hstack([rotated(factors)[:, :2], factors[:, 2:] + noise(2000, 2)])
    wanted = np.mean([by_the_book(latents, factors, np.random.default_rng(s)) for s in range(2)])
    assert 0.5 < wanted < 0.99
    assert score(latents, factors) == pytest.approx(wanted, abs=0.04)


def test_variances_are_those_of_the_batches() -> None:
    source = labelled(grid(), grid(), np.ones(5, bool))
    found = batch_variances(source, 2, 300, np.random.default_rng(0))
    assert found.shape == (300, 5) and (found[:, 2] == 0).all()
    np.testing.assert_allclose(found[:, [0, 1, 3, 4]].mean(), source.latents.var(), rtol=0.05)
    batch = source.batches(2, 256, np.random.default_rng(0))
    np.testing.assert_allclose(found[:256], batch.var(1, ddof=1))


def test_true_factors_score_1_and_random_codes_chance() -> None:
    factors = grid()
    assert score(factors, factors) == 1
    assert score(noise(), factors) == pytest.approx(0.2, abs=0.06)
    assert score(np.hstack([factors, noise(size=20)]), factors) == 1


def test_neither_order_nor_scale_of_the_codes_matters() -> None:
    factors = grid(factors=3, values=4)
    latents = factors @ np.array([[1, 0.9, 0.1], [0.9, 1, 0.3], [0.2, 0, 1]]) + noise(size=3)
    found = score(latents, factors)
    assert 0.4 < found < 1
    assert score(latents[:, [2, 0, 1]], factors) == found
    assert score(latents * [1e-4, 7, 1e4] + [0, 4, 9], factors) == pytest.approx(found, abs=1e-12)


def test_a_still_code_has_no_vote() -> None:
    factors = grid()
    still = np.hstack([np.full((len(factors), 2), [0.0, 5.0]), factors])
    assert score(still, factors) == 1
    assert score(np.ones((len(factors), 2)), factors) == 0
