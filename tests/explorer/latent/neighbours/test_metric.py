"""The metric of the gauge and its reference, against scikit-learn and on worlds whose posteriors are known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from explorer.latent.neighbours.exact import Neighbours, percentile
from explorer.latent.neighbours.metric import DRAWS, draw_distances, metric_of

SIZES = np.array(
    [1.0, 0.7, 0.3, 0.0, 0.0], np.float32
)  # standard deviation of the means; two inactive dimensions


def world(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of a VAE's posteriors: the prior is that of all draws."""
    mean = np.random.default_rng(seed).normal(size=(count, 5)).astype(np.float32) * SIZES
    return mean, np.broadcast_to(np.sqrt(1 - SIZES**2), mean.shape).astype(np.float32)


def test_a_dimension_counts_by_the_share_of_its_variance_that_the_images_have() -> None:
    mean, std = world(20_000, 0)
    np.testing.assert_allclose(metric_of(mean, std), SIZES, atol=0.02)
    np.testing.assert_array_equal(metric_of(mean, None), SIZES > 0)
    np.testing.assert_array_equal(metric_of(np.zeros((9, 2)), None), [1, 1])


def test_the_reference_is_the_distance_to_the_tenth_other_image() -> None:
    mean, std = world(400, 1)
    metric = metric_of(mean, std)
    found = draw_distances(mean, None, np.ones(400, bool), metric)
    search = NearestNeighbors(n_neighbors=11, algorithm="brute").fit(mean * metric)
    np.testing.assert_allclose(found, np.sort(search.kneighbors(mean * metric)[0][:, 10]), rtol=1e-4)
    assert len(draw_distances(mean, std, np.arange(400) < 150, metric)) == 150
    assert len(draw_distances(mean, std, np.arange(400) < 99, metric)) == 400
    many = world(DRAWS + 50, 2)
    assert len(draw_distances(*many, np.ones(DRAWS + 50, bool), metric)) == DRAWS


def test_posterior_draws_of_new_images_are_as_far_as_those_of_the_reference() -> None:
    mean, std = world(2000, 3)
    metric = metric_of(mean, std)
    near = Neighbours(mean, draw_distances(mean, std, np.ones(2000, bool), metric), metric)
    fresh, spread = world(2000, 4)
    drawn = fresh + spread * np.random.default_rng(5).standard_normal(fresh.shape).astype(np.float32)
    found = near.query(drawn).percentile
    assert (found > 95).mean() == pytest.approx(0.05, abs=0.02)
    assert found.mean() == pytest.approx(50, abs=3)
    away = drawn + np.float32(5) * np.eye(5, dtype=np.float32)[0]
    assert (near.query(away).percentile > 99).mean() > 0.9
    inactive = drawn + 9 * np.eye(5, dtype=np.float32)[4]
    np.testing.assert_array_equal(near.query(inactive).percentile, found)
    plain = Neighbours(mean, np.sort(NearestNeighbors(n_neighbors=11).fit(mean).kneighbors(mean)[0][:, 10]))
    assert (plain.query(drawn).percentile > 95).mean() > 0.9, "which is what it was before"
    assert percentile(near.reference, np.array([0.0]))[0] == 0
