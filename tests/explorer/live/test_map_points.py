"""Tests of the points of a map in one answer: what comes out is what went in, in as few bytes as stated."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.latent.geometry import quantised
from explorer.latent.geometry.quantised import grid_of, on_grid
from explorer.live.map_points import pack_points
from tests.explorer.live.map_points import read_points

RNG = np.random.default_rng(0)
COUNT = 2000
XY = RNG.normal(size=(COUNT, 2)).astype(np.float32)
VALUES = RNG.gamma(3, 1, COUNT).astype(np.float32)
VALUES[[3, 9]] = np.nan


def test_few_points_are_packed_unchanged() -> None:
    packed = pack_points(COUNT, XY, grid_of(XY), VALUES)
    xy, values = read_points(packed)
    np.testing.assert_array_equal(xy, XY)
    np.testing.assert_array_equal(values, VALUES)
    assert len(packed) == 64 + 12 * COUNT


def test_many_points_take_half_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "FROM", 1000)
    grid = grid_of(XY)
    assert grid is not None
    rounded = on_grid(XY, grid)
    packed = pack_points(COUNT, rounded, grid, VALUES)
    xy, values = read_points(packed)
    np.testing.assert_array_equal(xy, rounded)
    np.testing.assert_allclose(values, VALUES, atol=np.nanmax(VALUES) / 131_000)
    assert len(packed) == 64 + 6 * COUNT


def test_categories_take_a_byte() -> None:
    categories = RNG.integers(0, 12, COUNT).astype(np.float32)
    categories[5] = np.nan
    packed = pack_points(COUNT, values=categories)
    assert len(packed) == 64 + COUNT
    xy, values = read_points(packed)
    assert xy is None
    np.testing.assert_array_equal(values, categories)
    for value in (-1.0, 255.0, 0.5):
        np.testing.assert_array_equal(
            read_points(pack_points(3, values=np.float32([0, 1, value])))[1], [0, 1, value]
        )
    np.testing.assert_array_equal(
        read_points(pack_points(2, values=np.full(2, np.nan, np.float32)))[1], np.nan
    )
