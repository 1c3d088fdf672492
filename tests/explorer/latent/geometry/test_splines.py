"""Paths through waypoints: they meet them, and the smooth one is smooth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from explorer.latent.geometry.paths import fractions, great_circle, straight
from explorer.latent.geometry.splines import CENTRIPETAL, knots, natural_weights, piecewise, smooth

STOPS = np.random.default_rng(3).standard_normal((5, 7))


def test_knots_lie_as_far_apart_as_the_waypoints() -> None:
    line = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 5.0]])
    assert knots(line) == pytest.approx([0, 5 / 6, 1])
    assert knots(line, CENTRIPETAL) == pytest.approx([0, 5**0.5 / (5**0.5 + 1), 1])
    assert knots(np.ones((3, 2))).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_both_go_exactly_through_every_waypoint(power: float) -> None:
    at = knots(STOPS, power)
    path = smooth(STOPS, at) if power == 0.5 else piecewise(STOPS, at, great_circle)
    assert np.array_equal(path, STOPS.astype(np.float32))


def test_the_smooth_curve_is_the_natural_cubic_spline_of_scipy() -> None:
    t = fractions(200)
    at = knots(STOPS, CENTRIPETAL)
    expected = CubicSpline(at, STOPS, bc_type="natural")
    assert smooth(STOPS, t) == pytest.approx(expected(t), abs=1e-5)
    assert natural_weights(at, t).sum(1) == pytest.approx(np.ones(200))


def test_the_smooth_curve_turns_without_a_corner_where_the_pieces_have_one() -> None:
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    t = fractions(401)

    def sharpest(path: np.ndarray) -> float:
        steps = np.diff(path.astype(np.float64), axis=0)
        steps /= np.linalg.norm(steps, axis=1, keepdims=True)
        return float(np.arccos(np.clip((steps[1:] * steps[:-1]).sum(1), -1, 1)).max())

    assert sharpest(piecewise(corner, t, straight)) > 0.7
    assert sharpest(smooth(corner, t)) < 0.05


def test_pieces_go_at_a_pace_that_suits_their_length() -> None:
    path = piecewise([[0.0], [1.0], [4.0]], fractions(9), straight)
    assert path[:, 0] == pytest.approx(np.linspace(0, 4, 9))


def test_two_waypoints_give_the_line_and_repeated_ones_count_once() -> None:
    t = fractions(11)
    assert smooth(STOPS[:2], t) == pytest.approx(straight(STOPS[0], STOPS[1], t), abs=1e-6)
    twice = STOPS[[0, 1, 1, 2]]
    assert smooth(twice, t) == pytest.approx(smooth(STOPS[:3], t), abs=1e-6)
    still = np.repeat(STOPS[:1], 3, axis=0)
    assert np.array_equal(smooth(still, t), np.repeat(STOPS[:1], 11, axis=0).astype(np.float32))
    assert np.isfinite(piecewise(still, t, great_circle)).all()
    for ends in ([0, 0, 1], [0, 1, 1]):
        assert piecewise(STOPS[ends], t, straight) == pytest.approx(straight(STOPS[0], STOPS[1], t), abs=1e-6)


def test_invalid_arguments_are_reported() -> None:
    with pytest.raises(ValueError, match=r"`points` must have the shape \(K, D\)"):
        smooth(STOPS[:1], [0.0])
    for odd in (np.nan, np.inf):
        with pytest.raises(ValueError, match="`points` must be finite"):
            knots([[0.0], [odd]])
    with pytest.raises(ValueError, match="`joints` must ascend"):
        natural_weights([0, 0.5, 0.5], [0.1])
