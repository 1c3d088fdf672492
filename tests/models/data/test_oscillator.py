"""Tests of the oscillators: their factors give every frame but for the noise, and each row is its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.data import load_data, load_sequences
from models.data.oscillator import positions, spot_positions
from models.data.sequences import SequenceData


def oscillators(split: str = "test", limit: int = 200, **options: Any) -> SequenceData:
    return load_sequences("oscillator", split, limit=limit, **options)


def test_without_noise_a_frame_shows_the_bead_where_it_is() -> None:
    data = oscillators(noise=0.0)
    frames = data.frames(np.arange(200))
    assert frames.shape == (200, 40, 16, 16, 1) and frames.dtype == np.uint8 and frames.max() == 234
    np.testing.assert_allclose(spot_positions(frames), positions(data), atol=0.03)
    np.testing.assert_array_equal(frames, frames[:, :, ::-1])  # it swings sideways alone
    np.testing.assert_array_equal(frames[:, 0], frames[:, 20])  # a period later


def test_the_path_obeys_the_equation_of_motion() -> None:
    path, turn = positions(oscillators(noise=0.0, period=12.5), 12.5), 2 * np.pi / 12.5
    # x_{t+1} + x_{t-1} = 2 cos(w) x_t holds for sampled solutions of x'' = -w^2 x.
    np.testing.assert_allclose(path[:, 2:] + path[:, :-2], 2 * np.cos(turn) * path[:, 1:-1], atol=1e-9)


@pytest.mark.parametrize("period", [9.0, 20.0])
def test_the_attributes_are_the_state_in_the_last_frame(period: float) -> None:
    data = oscillators(noise=0.0, period=period, frames=33)
    known = {name: each.values for name, each in data.attributes.items()}
    shown = spot_positions(data.frames(np.arange(200)))
    np.testing.assert_allclose(known["position"], shown[:, -1], atol=0.03)
    # A period's frames give the amplitude; the slope at the last one is that of the parabola through three.
    np.testing.assert_allclose(known["amplitude"], np.sqrt(2) * shown[:, -int(period) :].std(1), atol=0.03)
    slope = (3 * shown[:, -1] - 4 * shown[:, -2] + shown[:, -3]) / 2
    np.testing.assert_allclose(known["velocity"], slope, atol=0.12 if period == 20 else 0.6)
    turn = 2 * np.pi / period
    np.testing.assert_allclose(
        known["position"] ** 2 + (known["velocity"] / turn) ** 2, known["amplitude"] ** 2, rtol=1e-5
    )


def test_amplitudes_and_phases_are_spread_evenly() -> None:
    known = {name: each.values for name, each in oscillators("train", 8000).attributes.items()}
    amplitude = np.histogram(known["amplitude"], 7, (1, 4.5))[0]
    angle = np.arctan2(known["velocity"] * 20 / (2 * np.pi), known["position"])
    phase = np.histogram(angle, 8, (-np.pi, np.pi))[0]
    assert amplitude.sum() == phase.sum() == 8000
    assert np.abs(amplitude - 8000 / 7).max() < 110 and np.abs(phase - 1000).max() < 110


def test_noise_shifts_each_frame_by_a_normal_number_of_its_own() -> None:
    data = oscillators("train", 500)
    shifts = spot_positions(data.frames(np.arange(500))) - positions(data)
    assert shifts.std() == pytest.approx(0.8, abs=0.015) and abs(shifts.mean()) < 0.02
    assert abs(np.corrcoef(shifts[:, 0], shifts[:, 1])[0, 1]) < 0.12
    assert (np.abs(shifts) > 1.6).mean() == pytest.approx(0.0455, abs=0.008)


def test_row_i_depends_on_seed_split_and_i_alone() -> None:
    whole, part = oscillators(), oscillators(limit=9)
    assert len(part) == 9 and len(load_sequences("oscillator", "test")) == 5000
    np.testing.assert_array_equal(part.frames(np.arange(9)), whole.frames(np.arange(9)))
    np.testing.assert_array_equal(whole.frames([8, 3, 8]), whole.frames(np.arange(9))[[8, 3, 8]])
    some = whole.take([7, 2])
    np.testing.assert_array_equal(some.frames([0, 1]), whole.frames([7, 2]))
    np.testing.assert_array_equal(positions(some), positions(whole)[[7, 2]])
    for other in (oscillators(seed=1), oscillators("train")):
        assert not np.array_equal(positions(other), positions(whole))
        shift, own = (spot_positions(x.frames(np.arange(5))) - positions(x)[:5] for x in (other, whole))
        assert np.abs(shift - own).max() > 0.5, "the noise is another one too"


def test_a_spot_is_found_between_the_pixels_and_in_a_faint_picture() -> None:
    frames = oscillators(noise=0.0, frames=20).frames(np.arange(50))
    faint = frames // 2 + 5
    np.testing.assert_allclose(spot_positions(faint), spot_positions(frames), atol=0.1)
    assert spot_positions(np.zeros((2, 16, 16, 1), np.uint8)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 1}, r"`frames` must be an integer of at least 2\. Got 1"),
        ({"frames": 101}, r"`frames` must be at most 100\. Got 101"),
        ({"noise": 4.5}, r"`noise` must be a number in \[0, 4\]\. Got 4\.5"),
        ({"period": 3}, r"`period` must be a number in \[4, 200\]\. Got 3"),
        ({"period": float("nan")}, r"`period` must be a number in \[4, 200\]\. Got nan"),
        ({"seed": -1}, "`seed` must be an integer of at least 0"),
        ({"damping": 1}, r"Unknown option 'damping'\. This data set offers: frames, noise, period, seed"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        oscillators(**options)


def test_positions_are_of_oscillators_alone() -> None:
    with pytest.raises(ValueError, match=r"`data` must be the data set 'oscillator'\. Got 'digits'"):
        positions(load_data("digits", "test"))  # type: ignore[arg-type]
