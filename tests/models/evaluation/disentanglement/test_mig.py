"""Tests of MIG against scikit-learn's mutual information, by hand, and on latents with a known score."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from models.evaluation.disentanglement.mig import cut, mutual_information, mutual_information_gap
from tests.models.evaluation.disentanglement.fixtures import grid, noise, rotated


def by_the_book(latents: np.ndarray, factors: np.ndarray) -> float:
    """MIG in loops, as disentanglement_lib words it."""
    cells = [np.digitize(code, np.histogram(code, 20)[1][:-1]) for code in latents.T]
    gaps = []
    for factor in factors.T:
        known = sorted(mutual_info_score(factor, cell) for cell in cells)
        gaps.append((known[-1] - known[-2]) / mutual_info_score(factor, factor))
    return float(np.mean(gaps))


@pytest.mark.parametrize("latents", [grid(), noise(size=7), rotated(grid()), 1e4 * noise(size=2)])
def test_it_is_disentanglement_lib_s(latents: np.ndarray) -> None:
    assert mutual_information_gap(latents, grid()) == pytest.approx(by_the_book(latents, grid()), abs=1e-12)


def test_mutual_information_is_scikit_learn_s() -> None:
    rng = np.random.default_rng(3)
    factor = rng.integers(0, 4, 500)
    latents = np.stack([factor, 3 - factor, factor // 2, rng.integers(0, 6, 500), np.zeros(500, np.int64)], 1)
    wanted = [mutual_info_score(factor, code) for code in latents.T]
    np.testing.assert_allclose(mutual_information(latents, factor), wanted, atol=1e-12)


def test_four_images_by_hand() -> None:
    """One dimension is the factor; the other has half of its information: whether 0 1 2 3 is odd."""
    factors = np.array([[0.0], [1.0], [2.0], [3.0]])
    latents = np.array([[0.0, 5.0], [10.0, 6.0], [20.0, 5.0], [30.0, 6.0]])
    assert mutual_information_gap(latents, factors) == pytest.approx((np.log(4) - np.log(2)) / np.log(4))


def test_bins_are_of_equal_width_and_hold_both_ends() -> None:
    values = np.array([[0.0, 3.0], [0.49, 3.0], [0.5, 3.0], [1.0, 3.0]])
    assert cut(values, 2)[:, 0].tolist() == [0, 0, 1, 1]
    assert len(set(cut(values, 2)[:, 1].tolist())) == 1
    assert cut(np.linspace(0, 1, 1000)[:, None]).max() == 19


def test_true_factors_are_near_1_and_random_codes_near_0() -> None:
    factors = grid()
    assert mutual_information_gap(factors, factors) == pytest.approx(1, abs=0.01)
    assert mutual_information_gap(noise(), factors) < 0.01


def test_rotated_factors_score_a_tenth() -> None:
    factors = grid()
    scores = [mutual_information_gap(rotated(factors, seed), factors) for seed in range(12)]
    assert 0.10 < np.mean(scores) < 0.15


def test_a_reshape_for_a_transpose_loses_what_the_codes_know() -> None:
    """The trap: (D, N) read as (N, D) is a mixture of images, and its score nearly 0."""
    factors = grid()
    scrambled = np.ascontiguousarray(factors.T).reshape(factors.shape)
    assert mutual_information_gap(scrambled, factors) < 0.01 < 0.99 < mutual_information_gap(factors, factors)


@pytest.mark.parametrize("values", [32, 40])
def test_perfect_codes_reach_1_where_factors_have_more_values_than_bins(values: int) -> None:
    factors = grid(values=values)
    assert mutual_information_gap(factors, factors) > 0.97
    ceiling = np.log(20) / np.log(values)
    left = mutual_information_gap(factors, factors, factor_bins=None)
    assert ceiling - 0.05 < left < ceiling


def test_a_continuous_factor_is_cut_like_the_codes() -> None:
    factors = np.random.default_rng(0).random((3000, 3))
    assert mutual_information_gap(5 - 3 * factors, factors) > 0.95
    assert mutual_information_gap(noise(), factors) < 0.01


def test_neither_order_nor_scale_of_the_codes_matters() -> None:
    factors = grid()
    latents = np.concatenate([factors + 0.8 * noise(), noise(seed=5)], axis=1)
    score = mutual_information_gap(latents, factors)
    order = np.random.default_rng(0).permutation(10)
    assert mutual_information_gap(latents[:, order], factors) == pytest.approx(score, abs=1e-12)
    assert mutual_information_gap(latents * 1024 + 3, factors) == pytest.approx(score, abs=1e-3)
    assert 0.1 < score < 0.9


def test_a_code_that_stands_twice_leaves_no_gap() -> None:
    factors = grid()
    assert mutual_information_gap(np.hstack([factors, factors[:, :1]]), factors) == pytest.approx(
        0.8, abs=0.01
    )
    assert mutual_information_gap(np.hstack([factors, factors]), factors) == 0


def test_a_still_code_knows_nothing_and_a_single_code_has_no_rival() -> None:
    factors = grid()
    still = np.hstack([factors, np.full((len(factors), 1), 4.0)])
    assert mutual_information_gap(still, factors) == mutual_information_gap(factors, factors)
    assert mutual_information_gap(factors[:, :1], factors[:, :1]) == pytest.approx(1)
