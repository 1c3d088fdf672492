"""What the sliders' tracks show, and the handle for a picture of the filmstrip, against the gauge and the codes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from explorer.live.frame_plan import plan_frame
from explorer.live.messages import Frame, Handle, Strip
from explorer.live.slider_tracks import REACH, STEPS, measure_along
from explorer.live.strip_handle import handle_between
from explorer.scene.handles import place_handles
from explorer.scene.loaded import Loaded
from explorer.scene.view import View
from explorer.scene.views import resolve


@pytest.fixture
def view(loaded: Loaded) -> View:
    return resolve(loaded, "pca")


def frame_of(a: Handle, b: Handle, frames: int = 9) -> Frame:
    return Frame(0, ("A", "B", "strip"), {"A": a, "B": b}, Strip(frames, "straight"), "hold")


def on(view: View, item: int, dx: float = 0.0, **sliders: float) -> Handle:
    x, y = (float(v) for v in view.xy[item])
    return Handle(item, x + dx, y, sliders)


def test_a_track_shows_the_gauge_of_the_latents_that_its_slider_leads_to(loaded: Loaded, view: View) -> None:
    a, b = on(view, 3, 0.4, ink=1.0), on(view, 20)
    found = measure_along(loaded, view, frame_of(a, b))
    assert found.keys() == loaded.directions.keys()
    for number in (0, 6, len(STEPS) - 1):
        moved = [Handle(h.item, h.x, h.y, {**h.sliders, "ink": STEPS[number]}) for h in (a, b)]
        expected = loaded.neighbours.query(place_handles(loaded, view, moved, "hold")).percentile.max()
        assert found["ink"].off[number] == pytest.approx(expected, abs=0.5)


def test_a_slider_moves_the_position_by_as_much_as_it_shows(loaded: Loaded, view: View) -> None:
    def at(s: float) -> float:
        return measure_along(loaded, view, frame_of(on(view, 3, ink=s), on(view, 20)))["ink"].position["A"]

    assert at(1.5) - at(0.0) == pytest.approx(1.5, abs=1e-4)


def test_the_visible_range_contains_nearly_all_images(loaded: Loaded, view: View) -> None:
    found = measure_along(loaded, view, frame_of(on(view, 3), on(view, 20)))["ink"]
    vector = loaded.directions["ink"].vector.astype(np.float64)
    mean = loaded.atlas.mean.astype(np.float64)
    positions = (mean - mean.mean(0)) @ vector / (vector @ vector)
    np.testing.assert_allclose((found.low, found.high), np.percentile(positions, REACH), atol=1e-4)
    assert found.position["A"] == pytest.approx(positions[3], abs=1e-4)
    assert found.rank["A"] == pytest.approx(100 * (positions < positions[3]).mean(), abs=0.5)


def test_a_handle_stands_for_a_picture_of_the_strip(loaded: Loaded, view: View) -> None:
    a, b = on(view, 3, ink=1.0), on(view, 20)
    frame = frame_of(a, b)
    z = plan_frame(loaded, view, frame).z
    between = [handle_between(loaded, view, frame, index) for index in range(9)]
    for index, (handle, distance) in enumerate(between):
        (code,) = place_handles(loaded, view, [handle], "hold")
        assert np.linalg.norm(code - z[index]) == pytest.approx(distance, abs=1e-4)
        naive = [Handle(item, handle.x, handle.y, handle.sliders) for item in (3, 20)]
        others = np.linalg.norm(place_handles(loaded, view, naive, "hold") - z[index], axis=1)
        assert distance <= others.min() + 1e-4
    assert [distance for _, distance in (between[0], between[-1])] == [0.0, 0.0]
    assert all(one[0].x != other[0].x for one, other in pairwise(between))
    assert between[4][0].sliders == {"ink": 0.5}


def test_an_unknown_picture_is_refused(loaded: Loaded, view: View) -> None:
    a, b = on(view, 3), on(view, 20)
    with pytest.raises(ValueError, match=r"`index` must be one of 0\.\.8"):
        handle_between(loaded, view, frame_of(a, b), 9)
    with pytest.raises(ValueError, match="must request the strip"):
        handle_between(loaded, view, Frame(0, ("A",), {"A": a}, None, "hold"), 0)
