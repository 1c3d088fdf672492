"""The gallery's residuals: diverging colours around zero, as on the Anatomy page."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.pages.outliers.gallery import DARK, LIGHT, residual_picture


def rgb(colour: str) -> list[int]:
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


@pytest.mark.parametrize(("dark", "stops"), [(False, LIGHT), (True, DARK)])
def test_a_residual_is_coloured_from_blue_to_red(dark: bool, stops: tuple[str, ...]) -> None:
    gap = np.array([[-1.0, -0.25, 0.0, 0.25, 7.0]])
    shown = residual_picture(gap, 0.5, dark)
    assert shown.shape == (1, 5, 3) and shown.dtype == np.uint8
    for place, stop in enumerate(stops):
        np.testing.assert_array_equal(shown[0, place], rgb(stop))


def test_colours_are_interpolated_between_stops() -> None:
    (colour,) = residual_picture(np.array([[0.25]]), 1.0, False)[0]
    np.testing.assert_allclose(colour, (np.array(rgb(LIGHT[2])) + rgb(LIGHT[3])) / 2, atol=1)
