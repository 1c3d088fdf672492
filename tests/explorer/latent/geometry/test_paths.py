"""Tests of the paths between two codes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from explorer.latent.geometry.paths import PATHS, fractions, great_circle, straight


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """The angle of two vectors, by the arc tangent, in float64."""
    u, v = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v)))


def test_straight_is_the_line() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7))
    t = fractions(6)
    np.testing.assert_allclose(straight(a, b, t), [a + s * (b - a) for s in t], atol=1e-6)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_ends_are_the_ends_bit_for_bit(path: object) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 33)).astype(np.float32)
    found = path(a, b, fractions(9))  # type: ignore[operator]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], a)
    np.testing.assert_array_equal(found[-1], b)


def test_great_circle_turns_evenly_and_changes_its_norm_linearly() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 16))
    t = fractions(12)
    found = great_circle(a, b, t).astype(np.float64)
    norms = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), norms, rtol=1e-6)
    turned = [angle(a, z) for z in found]
    np.testing.assert_allclose(turned, t * angle(a, b), atol=1e-6)


def test_great_circle_is_scipys_rotation_in_three_dimensions() -> None:
    a, b = np.array([1.0, 0.0, 0.0]), np.array([0.3, 0.8, -0.4])
    b /= np.linalg.norm(b)
    axis = np.cross(a, b)
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle(a, b))
    slerp = Slerp([0, 1], Rotation.concatenate([Rotation.identity(), turn]))
    t = fractions(7)
    np.testing.assert_allclose(great_circle(a, b, t), slerp(t).apply(a), atol=1e-6)


def test_parallel_codes_give_the_straight_line() -> None:
    a = np.array([1.0, 2.0, -1.0])
    t = fractions(5)
    np.testing.assert_allclose(great_circle(a, 3 * a, t), straight(a, 3 * a, t), atol=1e-6)
    np.testing.assert_allclose(great_circle(a, a, t), np.tile(a, (5, 1)), atol=1e-6)


def test_opposite_codes_go_round_the_origin() -> None:
    a = np.array([0.0, 2.0, 0.0, 1.0])
    found = great_circle(a, -a, fractions(9)).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(a), rtol=1e-6)
    assert abs(found[4] @ a) < 1e-6
    steps = [angle(x, y) for x, y in pairwise(found)]
    np.testing.assert_allclose(steps, np.pi / 8, atol=1e-6)


@pytest.mark.parametrize("b", [[1.0, 2.0], [0.0, 0.0]])
def test_a_zero_code_gives_the_straight_line(b: list[float]) -> None:
    t = fractions(5)
    np.testing.assert_allclose(great_circle([0.0, 0.0], b, t), straight([0.0, 0.0], b, t))


def test_one_dimension_goes_straight_through_zero() -> None:
    np.testing.assert_allclose(great_circle([1.0], [-1.0], [0.25])[:, 0], [0.5])


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_errors_name_the_argument(path: object) -> None:
    with pytest.raises(ValueError, match=r"`b` must have the shape of `a` \(2,\).*Got \(3,\)"):
        path([0, 1], [0, 1, 2], [0])  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"`t` must have the shape \(T,\)"):
        path([0, 1], [0, 1], 0.5)  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"`a` must be finite"):
        path([0, np.nan], [0, 1], [0])  # type: ignore[operator]
