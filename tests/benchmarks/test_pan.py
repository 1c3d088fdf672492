"""What `benchmarks.pan` makes of the probe's frames."""

from __future__ import annotations

import math

import pytest

from benchmarks.maps import Frames
from benchmarks.pan import bars


def test_frames_are_counted_over_both_gestures() -> None:
    pan = {"ms": 1000.0, "frames": [16.0, 32.0, 48.0, 900.0]}
    zoom = {"ms": 500.0, "frames": [100.0, 200.0]}
    found = Frames.of(pan, zoom, [40.0, 60.0, 50.0])
    assert (found.pan_fps, found.zoom_fps, found.fps) == (4.0, 4.0, 4.0)
    assert found.longest_gap == 852.0
    assert found.hover_ms == 50.0


def test_a_map_that_draws_nothing_has_a_gap_as_long_as_the_gesture() -> None:
    found = Frames.of({"ms": 800.0, "frames": []}, {"ms": 200.0, "frames": []}, [])
    assert found.fps == 0 and found.longest_gap == 800.0 and math.isnan(found.hover_ms)


def test_bars_at_the_sizes_that_have_one() -> None:
    def drew(fps: float) -> Frames:
        return Frames(fps, fps, fps, 20.0, 50.0)

    judged = bars(
        {
            10_000: {"stage": drew(60)},
            100_000: {"stage": drew(45), "plotly": drew(10)},
            1_000_000: {"stage": drew(18)},
        }
    )
    assert [bar.value for bar in judged] == pytest.approx([45, 4.5, 18])
    assert [bar.met for bar in judged] == [True, True, False]
