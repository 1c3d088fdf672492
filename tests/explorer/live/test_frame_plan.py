"""The latents of a frame: handles, the strip between them, and single levels."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.live.frame_plan import plan_frame
from explorer.live.messages import Frame, Handle, Picture, Strip
from explorer.scene.handles import level_of
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve


def frame(loaded: Loaded, want: tuple[Picture, ...], level: int = 0) -> Frame:
    xy = resolve(loaded, "pca").xy
    handles = {name: Handle(item, *map(float, xy[item])) for name, item in (("A", 3), ("B", 8))}
    strip = Strip(5, "straight") if "strip" in want else None
    return Frame(1, want, handles, strip, "hold", level)


def test_handles_alone_are_a_row_each(loaded: Loaded) -> None:
    plan = plan_frame(loaded, resolve(loaded, "pca"), frame(loaded, ("B",)))
    np.testing.assert_array_equal(plan.z, loaded.atlas.mean[[8]])
    assert (plan.rows, plan.names, plan.handles) == ([0], ["B"], {"B": 0})


def test_the_ends_of_a_strip_are_the_handles(loaded: Loaded) -> None:
    plan = plan_frame(loaded, resolve(loaded, "pca"), frame(loaded, ("A", "B", "strip")))
    assert len(plan.z) == 5
    assert plan.names == ["A", "B", "S0", "S1", "S2", "S3", "S4"]
    assert plan.rows == [0, 4, 0, 1, 2, 3, 4]
    np.testing.assert_array_equal(plan.z[[0, 4]], loaded.atlas.mean[[3, 8]])


@pytest.mark.parametrize("level", [1, 2])
def test_b_has_its_own_row_if_one_level_changes(flow: Loaded, level: int) -> None:
    plan = plan_frame(flow, resolve(flow, "pca"), frame(flow, ("A", "B", "strip"), level))
    assert plan.handles == {"A": 0, "B": 5}
    assert plan.rows == [0, 5, 0, 1, 2, 3, 4]
    np.testing.assert_array_equal(plan.z[5], flow.atlas.mean[8])
    own = level_of(flow, level)
    np.testing.assert_array_equal(plan.z[4, own], flow.atlas.mean[8, own])
    assert not np.array_equal(plan.z[4], plan.z[5])
    assert len(plan.z[plan.strip]) == 5
