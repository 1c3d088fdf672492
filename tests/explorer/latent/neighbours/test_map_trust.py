"""Tests of the preservation of neighbours by a map, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from explorer.latent.neighbours import map_trust
from explorer.latent.neighbours.map_trust import (
    compared_rows,
    nearest_others,
    neighbour_preservation,
    spread_over_map,
)

RNG = np.random.default_rng(0)


def test_neighbours_are_those_of_scikit_learn() -> None:
    z = RNG.standard_normal((1500, 7)).astype(np.float32)  # more than one block
    expected = NearestNeighbors(n_neighbors=10).fit(z).kneighbors(return_distance=False)
    assert (np.sort(nearest_others(z, 10)) == np.sort(expected)).all()


def test_codes_far_from_the_origin_have_the_same_neighbours() -> None:
    """Squares of large numbers would leave nothing of the distances in float32."""
    z = np.round(RNG.standard_normal((200, 3)) * 64) / 64  # exact in float32 beside the shift
    near, far = (np.sort(nearest_others(each, 1)) for each in (z, z + 4096))
    square = np.square(z[:, None] - z).sum(2) + np.where(np.eye(200), np.inf, 0)
    for found in (near, far):
        np.testing.assert_allclose(np.take_along_axis(square, found, 1)[:, 0], square.min(1), atol=1e-4)


def test_an_exact_map_preserves_all_neighbours() -> None:
    z = RNG.standard_normal((300, 2)).astype(np.float32)
    assert (neighbour_preservation(nearest_others(z, 15), 3 * z + 7) == 1).all()


def test_a_random_map_preserves_about_k_of_n() -> None:
    z, xy = RNG.standard_normal((1000, 8)), RNG.standard_normal((1000, 2))
    assert neighbour_preservation(nearest_others(z, 15), xy).mean() == pytest.approx(0.015, abs=0.005)


def test_where_two_sheets_are_pressed_together_trust_is_lost_there_only() -> None:
    z = np.concatenate([RNG.uniform(size=(400, 2)), RNG.uniform(size=(200, 2)) + np.array([3, 0])])
    height = np.zeros(600)
    height[:200] = 5.0  # half of the first square lies on another sheet
    kept = neighbour_preservation(nearest_others(np.c_[z, height], 15), z)
    assert kept[400:].min() == 1 and kept[:400].mean() < 0.8


@pytest.mark.parametrize("k", [0, 5, 9])
def test_invalid_counts_are_reported(k: int) -> None:
    with pytest.raises(ValueError, match=r"`k` must lie in 1\.\.4"):
        nearest_others(np.zeros((5, 2)), k)


def test_a_sample_shows_where_trust_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two halves of a map: one is a projection from four dimensions, the other is a plane."""
    z = RNG.uniform(size=(4000, 4))
    z[2000:, 2:] = 0
    xy = z[:, :2] + np.array([3, 0]) * (np.arange(4000) >= 2000)[:, None]
    z[2000:, 0] += 3
    assert len(compared_rows(4000)) == 4000
    whole = spread_over_map(neighbour_preservation(nearest_others(z, 15), xy), np.arange(4000), xy)
    monkeypatch.setattr(map_trust, "ALL_AT_MOST", 2000)
    monkeypatch.setattr(map_trust, "SAMPLE", 1000)
    rows = compared_rows(4000)
    assert len(np.unique(rows)) == 1000 and (rows == compared_rows(4000)).all()
    found = spread_over_map(neighbour_preservation(nearest_others(z[rows], 15), xy[rows]), rows, xy)
    assert found.shape == whole.shape == (4000,)
    for shares in (whole, found):
        assert shares[2000:].mean() > 0.95
        assert shares[:2000].mean() < 0.3
