"""Tests of the approximate neighbours, against the exact ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.latent.neighbours.approximate import ApproximateNeighbours, Cells, find_cells
from explorer.latent.neighbours.exact import Neighbours
from explorer.latent.neighbours.metric import draw_distances, metric_of
from explorer.latent.neighbours.moving import Nearby

COUNT, SIZE = 20_000, 16


@pytest.fixture(scope="module")
def items() -> NDArray[np.float32]:
    """Latents around curved sheets, as encoded images lie."""
    random = np.random.default_rng(0)
    sheet = np.sin(random.uniform(-2, 2, (COUNT, 3)) @ random.standard_normal((3, SIZE)))
    return (sheet + 0.05 * random.standard_normal((COUNT, SIZE))).astype(np.float32)


@pytest.fixture(scope="module")
def metric() -> NDArray[np.float32]:
    return np.linspace(0, 1, SIZE, dtype=np.float32)


@pytest.fixture(scope="module")
def search(items: NDArray[np.float32], metric: NDArray[np.float32]) -> ApproximateNeighbours:
    return ApproximateNeighbours(items, find_cells(items, metric), metric)


def test_recall_and_distances(
    items: NDArray[np.float32], metric: NDArray[np.float32], search: ApproximateNeighbours
) -> None:
    asked = items[::100] + 0.05 * np.random.default_rng(1).standard_normal((200, SIZE))
    exact = Neighbours(items, None, metric)
    index, distance = search.nearest(asked, 10)
    expected, expected_distance = exact.nearest(asked, 10)
    same = [len(set(a) & set(b)) / 10 for a, b in zip(index, expected, strict=True)]
    assert np.mean(same) > 0.97
    assert abs(search.recall.value - np.mean(same)) < 0.03
    np.testing.assert_allclose(distance, expected_distance, rtol=0.05)
    assert (np.diff(distance) >= 0).all()
    own = np.linalg.norm((items[index] - asked.astype(np.float32)[:, None]) * metric, axis=2)
    np.testing.assert_allclose(distance, own, rtol=1e-5)
    assert (exact.exact, search.exact) == (True, False)
    assert (
        "20,000 images" in search.described
        and "95 % interval" in search.described
        and "32 nearest of 141 cells" in search.described
    )


def test_reading_all_cells_is_exact(items: NDArray[np.float32], metric: NDArray[np.float32]) -> None:
    whole = ApproximateNeighbours(items, find_cells(items, metric), metric, probes=10_000)
    asked = np.concatenate([items[:20], np.full((1, SIZE), 1e4, np.float32)])  # on items, and far from all
    for found, expected in zip(
        whole.nearest(asked[:20], 12), Neighbours(items, None, metric).nearest(asked[:20], 12), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert np.isfinite(whole.nearest(asked, 12)[1]).all()
    assert whole.recall.value == 1 and 0.9 < whole.recall.low < 1


def test_more_neighbours_than_the_cells_hold(search: ApproximateNeighbours) -> None:
    index, _ = search.nearest(search.latents[:1], COUNT)
    np.testing.assert_array_equal(np.sort(index[0]), np.arange(COUNT))


def test_the_gauge_has_the_same_reference(items: NDArray[np.float32]) -> None:
    std = np.full_like(items, 0.05)
    held_out = np.arange(COUNT) % 7 == 0
    metric = metric_of(items, std)
    whole = ApproximateNeighbours(items, find_cells(items, metric), metric, probes=10_000)
    found = draw_distances(items, std, held_out, metric, search=whole)
    np.testing.assert_allclose(found, draw_distances(items, std, held_out, metric), rtol=1e-5)


def test_a_drag_asks_the_index_every_time(search: ApproximateNeighbours) -> None:
    near = Nearby(search, worth=1)
    for found, expected in zip(
        near.nearest(search.latents[:3], 5), search.nearest(search.latents[:3], 5), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert near.nbytes == 0


def test_cells_that_do_not_fit(items: NDArray[np.float32]) -> None:
    centres, assigned = find_cells(items[:100])
    for cells in (
        Cells(centres[:, :4], assigned),
        Cells(centres, assigned[:50]),
        Cells(centres, assigned + len(centres)),
        Cells(centres * np.nan, assigned),
    ):
        with pytest.raises(ValueError, match="`cells` must"):
            ApproximateNeighbours(items[:100], cells)
    with pytest.raises(ValueError, match="finite"):
        ApproximateNeighbours(items[:100] * np.inf, Cells(centres, assigned))
