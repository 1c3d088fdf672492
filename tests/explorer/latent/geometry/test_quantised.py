"""Tests of numbers in 16 bits: how far off they are, and when they are left as they are."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.latent.geometry import quantised
from explorer.latent.geometry.quantised import MISSING, grid_of, grid_of_values, on_grid, places

RNG = np.random.default_rng(0)
XY = (RNG.normal(size=(3000, 2)) * [3, 40] + [5, -1000]).astype(np.float32)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "FROM", 1000)


def test_positions_are_off_by_less_than_a_quarter_of_a_pixel() -> None:
    xy = np.clip(XY, XY.mean(0) - 2.2 * XY.std(0), XY.mean(0) + 2.2 * XY.std(0))
    grid = grid_of(xy)
    assert grid is not None
    rounded = on_grid(xy, grid)
    pixels = 700 * np.abs(rounded - xy.astype(np.float64)) / np.ptp(xy.astype(np.float64), axis=0)
    assert pixels.max() * 40 < 0.25
    np.testing.assert_array_equal(on_grid(rounded, grid), rounded)
    np.testing.assert_array_equal(places(rounded, grid), places(xy, grid))


def test_few_points_and_maps_with_far_outliers_stay_as_they_are() -> None:
    assert grid_of(XY[:900]) is None
    assert grid_of(XY) is not None
    far = XY.copy()
    far[0] = 1e4
    assert grid_of(far) is None


def test_points_on_one_line_are_kept() -> None:
    xy = XY * [1, 0]
    grid = grid_of(xy)
    assert grid is not None
    np.testing.assert_array_equal(on_grid(xy, grid)[:, 1], 0)


def test_values_are_off_by_less_than_a_shade_and_missing_ones_are_missing() -> None:
    values = RNG.gamma(2, 1, 3000).astype(np.float32)
    values[7] = np.nan
    grid = grid_of_values(values)
    assert grid is not None
    found = places(values[:, None], grid)[:, 0]
    assert np.flatnonzero(found == MISSING).tolist() == [7]
    known = np.isfinite(values)
    restored = grid.low[0] + grid.step[0] * found[known]
    shade = np.ptp(np.percentile(values[known], (1, 99))) / 256
    assert np.abs(restored - values[known]).max() < shade / 30
    wide = np.append(values, np.float32(1e6))
    assert grid_of_values(wide) is None
    assert grid_of_values(np.full(3000, np.nan, np.float32)) is None
