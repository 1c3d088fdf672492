"""Tests of what the metrics share."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.disentanglement.arrays import check, gap, standardise, varying
from tests.models.evaluation.disentanglement.fixtures import grid, noise


def test_an_array_with_one_image_a_column_is_refused() -> None:
    latents, factors = noise(30, 4), grid(30, 3)
    check(latents, factors)
    with pytest.raises(ValueError, match=r"Got \(4, 30\) and \(30, 3\): transpose with `.T`"):
        check(latents.T, factors)
    with pytest.raises(ValueError, match=r"Got \(4, 30\) and \(3, 30\)"):
        check(latents.T, factors.T)


def test_damaged_arrays_are_refused() -> None:
    latents, factors = noise(30, 4), grid(30, 3)
    with pytest.raises(ValueError, match="`latents` must be finite"):
        check(np.where(latents > 2, np.nan, latents) + np.full_like(latents, np.inf), factors)
    with pytest.raises(
        ValueError, match=r"`factors` must be 2-D with one row per image. Got the shape \(30,\)"
    ):
        check(latents, factors[:, 0])
    factors[:, 1] = 7
    with pytest.raises(ValueError, match="constant column 1: leave it out"):
        check(latents, factors)


def test_standardised_columns_have_mean_0_and_deviation_1_and_a_still_one_is_0() -> None:
    values = noise(50, 3) * [1.0, 40.0, 0.0] + [5.0, -3.0, 8.0]
    found = standardise(values)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(0), [1, 1, 0], atol=1e-12)
    np.testing.assert_allclose(standardise(values[:7], values), found[:7])
    assert not standardise(np.full((4, 2), 3.0)).any()


def test_rounding_in_a_still_column_is_not_blown_up() -> None:
    values = np.float64(np.float32(noise(50, 3) * [1, 1e-8, 1e-8] + [0, 3, 0]))
    assert varying(values).tolist() == [True, False, True]
    assert not standardise(values)[:, 1].any()
    np.testing.assert_allclose(standardise(values)[:, 2].std(), 1)


def test_the_gap_by_hand() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.3], [0.5, 0.3]])
    np.testing.assert_allclose(gap(scores), [0.4, 0.0])
    np.testing.assert_allclose(gap(scores[:1]), [0.9, 0.1])
