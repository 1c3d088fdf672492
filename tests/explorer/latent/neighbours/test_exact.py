"""Tests of the nearest neighbours and the gauge, against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import percentileofscore
from sklearn.neighbors import NearestNeighbors

from explorer.latent.neighbours.exact import Neighbours


def codes(count: int, size: int, seed: int = 0, offset: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(count, size)) + offset).astype(np.float32)


def leave_one_out(z: np.ndarray) -> np.ndarray:
    """Each item's distance to its 10th nearest other item, by scikit-learn."""
    search = NearestNeighbors(n_neighbors=11, algorithm="brute").fit(z.astype(np.float64))
    return search.kneighbors(z.astype(np.float64))[0][:, 10]


@pytest.mark.parametrize(("count", "size"), [(12, 3), (300, 2), (2000, 64), (5000, 8)])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_nearest_is_exact(count: int, size: int, offset: float) -> None:
    z, asked = codes(count, size, offset=offset), codes(20, size, 1, offset)
    search = NearestNeighbors(n_neighbors=11, algorithm="brute").fit(z.astype(np.float64))
    index, distance = Neighbours(z).nearest(asked, 11)
    # Differences, not the expanded square: scikit-learn's brute force would lose digits at 1000.
    gaps = np.linalg.norm(asked[:, None].astype(np.float64) - z, axis=2)
    np.testing.assert_allclose(distance, np.sort(gaps, axis=1)[:, :11], rtol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(gaps, index, 1), distance, rtol=1e-12)
    if offset == 0:
        np.testing.assert_array_equal(index, search.kneighbors(asked)[1])


def test_near_ties_are_distinguished() -> None:
    # Squared distances that float32 can not tell from each other.
    z = np.zeros((1000, 4), np.float32)
    z[:, 0] = 100 + np.random.default_rng(3).permutation(1000) * 1e-5
    index, _ = Neighbours(z).nearest(np.zeros((1, 4)), 20)
    exact = np.argsort(z[:, 0].astype(np.float64), kind="stable")[:20]
    np.testing.assert_array_equal(index[0], exact)


def test_all_items_can_be_asked_for() -> None:
    z = codes(7, 3)
    index, _ = Neighbours(z).nearest(z[:2], 7)
    np.testing.assert_array_equal(np.sort(index), [range(7)] * 2)
    assert index[0, 0] == 0


def test_the_distance_changes_no_more_than_the_latent_does() -> None:
    """An item that stops being its own neighbour 1e-5 away would make it jump."""
    z = codes(400, 6)
    near = Neighbours(z, leave_one_out(z))
    moved = z[:50] + 1e-3 * codes(50, 6, 7)
    step = np.linalg.norm(moved - z[:50], axis=1)
    for share in (0.0, 0.01, 1.0):
        between = z[:50] + np.float32(share) * (moved - z[:50])
        gap = np.abs(near.query(between).distance - near.query(z[:50]).distance)
        assert (gap <= share * step + 1e-6).all()


def test_a_metric_scales_each_dimension() -> None:
    z, asked = codes(400, 6), codes(9, 6, 4)
    metric = np.array([1, 0.5, 0, 1, 0.1, 0.9], np.float32)
    near, plain = Neighbours(z, metric=metric), Neighbours(z * metric)
    for one, other in zip(near.nearest(asked, 11), plain.nearest(asked * metric, 11), strict=True):
        np.testing.assert_array_equal(one, other)
    moved = asked + np.array([0, 0, 50, 0, 0, 0], np.float32)
    np.testing.assert_array_equal(near.query(moved).distance, near.query(asked).distance)
    with pytest.raises(ValueError, match=r"`metric` must be 6 numbers of at least 0. Got shape \(5,\)"):
        Neighbours(z, metric=metric[1:])


def test_the_tenth_nearest_counts_for_a_code_that_is_no_item() -> None:
    z, asked = codes(400, 6), codes(9, 6, 4)
    search = NearestNeighbors(n_neighbors=10).fit(z.astype(np.float64))
    found = Neighbours(z, leave_one_out(z)).query(asked)
    expected, index = search.kneighbors(asked.astype(np.float64))
    np.testing.assert_allclose(found.distance, expected[:, 9], rtol=1e-9)
    np.testing.assert_array_equal(found.nearest, index[:, 0])


def test_a_duplicate_is_a_neighbour_as_any_other() -> None:
    z = np.repeat(codes(3, 4), 20, axis=0)
    found = Neighbours(z, np.zeros(60)).query(z[:1])
    assert found.distance[0] == 0.0
    assert found.percentile[0] == 50.0


def test_percentile_is_scipys_mean_rank() -> None:
    z = codes(300, 5)
    reference = np.round(leave_one_out(z), 1)  # with ties
    near = Neighbours(z, reference)
    found = near.query(codes(15, 5, 9) * 1.5)
    expected = [percentileofscore(reference, d, "mean") for d in found.distance]
    np.testing.assert_allclose(found.percentile, expected)
    assert near.query(np.full((1, 5), 50.0)).percentile[0] == 100.0


def test_few_items_use_the_farthest_there_is() -> None:
    z = codes(4, 3)
    found = Neighbours(z, np.ones(4)).query(z[:1])
    assert found.distance[0] == pytest.approx(np.linalg.norm(z[1:] - z[0], axis=1).max(), rel=1e-6)
    with pytest.raises(ValueError, match=r"`distance` must hold 10 neighbours. Got 3"):
        near = Neighbours(codes(20, 3))
        near.gauge(*near.nearest(codes(1, 3), 3))


def test_joined_codes_give_what_single_ones_give() -> None:
    z, asked = codes(3000, 32), codes(11, 32, 5)
    near = Neighbours(z, leave_one_out(z))
    together = near.query(asked)
    for row in range(11):
        alone = near.query(asked[row : row + 1])
        assert alone.nearest[0] == together.nearest[row]
        assert alone.distance[0] == together.distance[row]


def test_without_a_reference_there_is_no_percentile() -> None:
    z = codes(40, 3)
    found = Neighbours(z).query(z[:2])
    assert found.percentile is None and found.at(0) is None
    np.testing.assert_array_equal(found.distance, Neighbours(z, np.ones(40)).query(z[:2]).distance)


def test_errors_name_the_argument() -> None:
    near = Neighbours(codes(20, 3))
    with pytest.raises(ValueError, match=r"`z` must have the shape \(M, 3\). Got \(2, 4\)"):
        near.nearest(np.zeros((2, 4)), 1)
    with pytest.raises(ValueError, match=r"`k` must lie in 1\.\.20.*Got 21"):
        near.nearest(np.zeros((1, 3)), 21)
    with pytest.raises(ValueError, match=r"`z` must be finite"):
        near.nearest(np.full((1, 3), np.inf), 1)
    with pytest.raises(ValueError, match=r"`reference` must be a list of finite numbers. Got shape \(0,\)"):
        Neighbours(codes(20, 3), np.zeros(0))
    with pytest.raises(ValueError, match=r"`z` must have the shape \(N, D\) with N > 0"):
        Neighbours(np.zeros((0, 3)))
