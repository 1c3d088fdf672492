"""Tracking: the digit around its circle, with and without noise, and the bead with subpixel precision."""

from __future__ import annotations

import json

import numpy as np
import pytest

from explorer.scene.sequences import _read
from models.data import load_sequences
from models.data.moving_digits import positions
from models.data.oscillator import positions as swung


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_a_digit_is_found_in_every_frame_also_under_noise(noise: float) -> None:
    sequences = _read("moving-digits", json.dumps({"source": "digits", "frames": 12, "noise": noise}))
    mover = sequences.mover
    assert mover is not None and mover.sides
    for number in (0, 7, 120):
        path = mover.path(number)
        np.testing.assert_array_equal(path, positions(sequences.data)[number])
        found = mover.locate(sequences.frames(number)[None], number)
        assert found.shape == (1, 12) and (found == path).mean() >= (1 if not noise else 0.9)
    assert mover.displaced(np.array([0.0, 7.0]), np.array([7.0, 1.0])).tolist() == [-1, 2], (
        "around the circle"
    )


def test_a_bead_is_found_where_a_frame_shows_it() -> None:
    sequences = _read("oscillator", json.dumps({"period": 16, "frames": 24}))
    still = load_sequences("oscillator", "test", period=16, frames=24, noise=0.0)
    mover = sequences.mover
    assert mover is not None and not mover.sides
    for number in (0, 7, 120):
        np.testing.assert_array_equal(mover.path(number), swung(still, 16)[number])
        found = mover.locate(still.frames([number]), number)
        np.testing.assert_allclose(found[0], mover.path(number), atol=0.03)
        noisy = mover.locate(sequences.frames(number)[None], number)
        assert 0.3 < np.abs(mover.displaced(mover.path(number), noisy[0])).mean() < 1.2
    assert mover.displaced(np.array([-4.0]), np.array([4.0])).tolist() == [8], "along a line"
    assert sequences.labels(0).keys() == {"Amplitude", "Position", "Velocity"}
