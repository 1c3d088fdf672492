"""Tests of the neighbour search of an atlas: when it is exact, and that its cells are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.atlas import neighbour_index
from explorer.atlas.neighbour_index import neighbour_search
from explorer.latent.neighbours.approximate import ApproximateNeighbours, find_cells
from explorer.latent.neighbours.exact import Neighbours

MEAN = np.random.default_rng(0).standard_normal((600, 5)).astype(np.float32)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))
    return tmp_path / "neighbours"


def test_few_images_are_searched_exactly(cache: Path) -> None:
    search = neighbour_search(MEAN, mark="atlas")
    assert isinstance(search, Neighbours)
    assert search.described == "Exact search of all 600 images."
    assert not cache.exists()


def test_the_cells_of_many_images_are_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []

    def counted(*arguments: object) -> object:
        searched.append(arguments)
        return find_cells(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(neighbour_index, "find_cells", counted)
    metric = np.ones(5, np.float32)
    first = neighbour_search(MEAN, metric, "atlas", exact_at_most=100)
    again = neighbour_search(MEAN, metric, "atlas", exact_at_most=100)
    assert isinstance(again, ApproximateNeighbours)
    assert len(searched) == 1
    for found, expected in zip(again.nearest(MEAN[:9], 4), first.nearest(MEAN[:9], 4), strict=True):
        np.testing.assert_array_equal(found, expected)
    neighbour_search(MEAN, metric, "another atlas", exact_at_most=100)
    neighbour_search(MEAN, 2 * metric, "atlas", exact_at_most=100)
    assert len(searched) == 3


@pytest.mark.parametrize("damage", [b"", b"\xff" * 100, b"\0" * 200_000])
def test_damaged_cells_are_found_again(cache: Path, damage: bytes) -> None:
    neighbour_search(MEAN, mark="atlas", exact_at_most=100)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage)
    neighbour_search(MEAN, mark="atlas", exact_at_most=100)
    assert path.read_bytes() == whole
