"""The grid between four corners against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.latent.geometry.corners import corner_grid

CORNERS = np.random.default_rng(0).standard_normal((4, 5))


@pytest.mark.parametrize("path", ["straight", "great-circle"])
def test_its_corners_are_the_corners(path: str) -> None:
    grid = corner_grid(CORNERS, 4, 6, path)
    assert grid.shape == (4, 6, 5)
    ends = grid[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert np.array_equal(ends, CORNERS.astype(np.float32))


def test_straight_lines_give_the_bilinear_grid() -> None:
    grid = corner_grid(CORNERS, 3, 5)
    a, b, c, d = CORNERS
    for i, v in enumerate(np.linspace(0, 1, 3)):
        for j, u in enumerate(np.linspace(0, 1, 5)):
            expected = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d)
            assert grid[i, j] == pytest.approx(expected, abs=1e-6)


def test_great_circles_between_unit_vectors_stay_on_the_sphere() -> None:
    corners = CORNERS / np.linalg.norm(CORNERS, axis=1, keepdims=True)
    norms = np.linalg.norm(corner_grid(corners, 7, 7, "great-circle"), axis=2)
    assert norms == pytest.approx(np.ones((7, 7)), abs=1e-5)
    assert np.linalg.norm(corner_grid(corners, 7, 7), axis=2)[3, 3] < 0.9


def test_invalid_arguments_are_reported() -> None:
    with pytest.raises(ValueError, match=r"`corners` must have the shape \(4, D\)"):
        corner_grid(CORNERS[:3], 3, 3)
    with pytest.raises(ValueError, match=r"at least 2\. Got 1 and 3"):
        corner_grid(CORNERS, 1, 3)
    with pytest.raises(ValueError, match=r"at least 2\. Got 3 and 1"):
        corner_grid(CORNERS, 3, 1)
    with pytest.raises(ValueError, match="`path` must be one of: straight, great-circle"):
        corner_grid(CORNERS, 3, 3, "sideways")
