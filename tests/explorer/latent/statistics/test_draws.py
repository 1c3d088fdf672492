"""Draws of codes: seeds, temperature, truncation, radius, and the manifold's even spread."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, norm, truncnorm

from explorer.latent.statistics.draws import manifold, near, prior


def test_the_prior_is_standard_normal_and_a_seed_gives_the_same_again() -> None:
    drawn = prior(500, 20, 7)
    assert drawn.dtype == np.float32 and kstest(drawn.ravel(), norm.cdf).pvalue > 0.01
    assert np.array_equal(drawn, prior(500, 20, 7)) and not np.array_equal(drawn, prior(500, 20, 8))
    assert np.array_equal(prior(500, 20, 7, temperature=0.5), 0.5 * drawn)
    assert not prior(3, 4, 0, temperature=0).any()


@pytest.mark.parametrize("t", [0.05, 0.5, 2.0])
def test_truncation_keeps_within_its_bounds_and_has_the_truncated_normals_distribution(t: float) -> None:
    drawn = prior(500, 20, 7, truncation=t)
    assert np.abs(drawn).max() <= t
    assert kstest(drawn.ravel(), truncnorm(-t, t).cdf).pvalue > 0.01
    inside = np.abs(prior(500, 20, 7)) <= t
    assert np.array_equal(drawn[inside], prior(500, 20, 7)[inside]), "only what is beyond is drawn again"
    assert np.abs(prior(9, 9, 7, temperature=0.5, truncation=t)).max() <= 0.5 * t


def test_near_a_code_they_spread_by_the_radius() -> None:
    centre = np.array([3.0, -1.0, 0.0])
    drawn = near(centre, 0.2, 20_000, 1)
    assert drawn.mean(0) == pytest.approx(centre, abs=0.01) and drawn.std(0) == pytest.approx(0.2, abs=0.005)
    assert np.array_equal(near(centre, 0.0, 2, 1), np.stack([centre, centre]).astype(np.float32))
    assert np.array_equal(near(centre, 0.2, 5, 1), near(centre, 0.2, 5, 1))
    assert not np.array_equal(near(centre, 0.2, 5, 1), near(centre, 0.2, 5, 2))


def test_the_manifold_lies_evenly_under_the_prior() -> None:
    grid = manifold(9)
    assert grid.shape == (9, 9, 2)
    shares = norm.cdf(grid[0, :, 0])
    assert np.diff(shares) == pytest.approx(np.full(8, 0.9 / 8), abs=1e-6)
    assert grid[0, 4] == pytest.approx([0, norm.ppf(0.95)], abs=1e-6), "the top is where the second is large"
    assert np.array_equal(grid[2, :, 0], grid[7, :, 0])


def test_invalid_arguments_are_reported() -> None:
    for odd in (-1, float("inf"), float("nan")):
        with pytest.raises(
            ValueError, match=rf"`temperature` must be a finite number of at least 0\. Got {odd}"
        ):
            prior(2, 2, 0, temperature=odd)
        with pytest.raises(ValueError, match=rf"`radius` must be a finite number of at least 0\. Got {odd}"):
            near(np.zeros(2), odd, 1, 0)
    with pytest.raises(ValueError, match=r"`latent` must have the shape \(D,\)\. Got \(2, 2\)"):
        near(np.zeros((2, 2)), 1.0, 1, 0)
    with pytest.raises(ValueError, match=r"`truncation` must be at least 0\.05\. Got 0\.01"):
        prior(2, 2, 0, truncation=0.01)
    with pytest.raises(ValueError, match="`truncation` must be at least"):
        prior(2, 2, 0, truncation=float("nan"))
    with pytest.raises(ValueError, match="`side`"):
        manifold(1)
