"""Tests of sums over blocks, against sums over the whole."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.latent import blocks


@pytest.fixture
def latents() -> np.ndarray:
    return np.random.default_rng(0).normal(3, 2, (2 * blocks.BLOCK + 77, 3)).astype(np.float32)


def test_the_blocks_cover_all_rows() -> None:
    assert [list(range(*rows.indices(7))) for rows in blocks.blocks(7, 3)] == [[0, 1, 2], [3, 4, 5], [6]]


def test_moments_and_covariance(latents: np.ndarray) -> None:
    whole = latents.astype(np.float64)
    mean, variance = blocks.moments(latents)
    np.testing.assert_allclose(mean, whole.mean(0), rtol=1e-13)
    np.testing.assert_allclose(variance, whole.var(0), rtol=1e-12)
    centre, covariance = blocks.covariance(latents)
    np.testing.assert_array_equal(centre, mean)
    np.testing.assert_allclose(covariance, np.cov(whole, rowvar=False, bias=True), rtol=1e-10, atol=1e-14)


def test_sums_of_groups(latents: np.ndarray) -> None:
    groups = np.random.default_rng(1).random((4, len(latents))) < 0.3
    expected = [latents[group].sum(0, np.float64) for group in groups]
    np.testing.assert_allclose(blocks.group_sums(latents, groups), expected, rtol=1e-12)


def test_a_mean_and_a_sample_of_rows(latents: np.ndarray) -> None:
    found = blocks.mean_of_blocks(len(latents), lambda rows: np.square(latents[rows].astype(np.float64)))
    np.testing.assert_allclose(found, np.square(latents, dtype=np.float64).mean(0), rtol=1e-12)
    assert blocks.sample_rows(5, 5).tolist() == [0, 1, 2, 3, 4]
    some = blocks.sample_rows(1000, 100)
    assert len(np.unique(some)) == 100 and (np.diff(some) > 0).all() and some.max() < 1000
    assert (some == blocks.sample_rows(1000, 100)).all()
