"""Codes that leave the data, and codes at random in their range."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.latent.geometry.off_data import RANGE, away, in_range

CODES = np.random.default_rng(0).normal(size=(500, 6)) * [1, 1, 0.1, 3, 1, 0] + 2


def test_a_straight_line_that_starts_at_the_code_and_leaves_the_data() -> None:
    line = away(CODES[3], CODES, 9, seed=1)
    assert line.shape == (9, 6)
    np.testing.assert_allclose(line[0], CODES[3], rtol=1e-6)
    steps = np.diff(line, axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-5)
    gaps = np.linalg.norm(line[:, None] - CODES, axis=2).min(1)
    own = np.sort(np.linalg.norm(CODES[:, None] - CODES, axis=2), axis=1)[:, 1]
    assert gaps[-1] > own.max(), "farther from all codes than any code is from its nearest"
    assert (line[:, 5] == np.float32(2)).all(), "no step where no code differs"


def test_the_seed_is_the_direction() -> None:
    np.testing.assert_array_equal(away(CODES[0], CODES, 5, 4), away(CODES[0], CODES, 5, 4))
    assert not np.allclose(away(CODES[0], CODES, 5, 4)[1:], away(CODES[0], CODES, 5, 5)[1:])


def test_random_codes_fill_the_range() -> None:
    drawn = in_range(CODES, 4000, seed=0)
    low, high = np.percentile(CODES, RANGE, axis=0)
    assert (drawn >= low - 1e-5).all() and (drawn <= high + 1e-5).all()
    np.testing.assert_allclose(drawn.mean(0), (low + high) / 2, atol=0.15)
    correlation = np.corrcoef(drawn[:, :5], rowvar=False)
    assert np.abs(correlation - np.eye(5)).max() < 0.06


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="`count` must be at least 2"):
        away(CODES[0], CODES, 1, 0)
    with pytest.raises(ValueError, match=r"shape \(D,\)"):
        away(CODES[0, :3], CODES, 5, 0)
