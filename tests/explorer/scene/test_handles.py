"""From handles to latents: an unmoved handle is exactly its item, sliders add, a change of map keeps the picture."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.latent.geometry.paths import great_circle
from explorer.scene.handles import level_of, move_to_view, place_handles, walk_codes
from explorer.scene.loaded import Loaded
from explorer.scene.view import View
from explorer.scene.views import resolve
from explorer.workspace.stage_edit import Handle

VIEWS = ("umap", "pca", "dims-0-3", "plane-even--loop")


def on(view: View, item: int, **sliders: float) -> Handle:
    return Handle(item, *map(float, view.xy[item]), sliders)


def away(view: View, item: int, dx: float, dy: float) -> Handle:
    x, y = map(float, view.xy[item])
    return Handle(item, x + dx, y + dy)


@pytest.mark.parametrize("view_id", VIEWS)
@pytest.mark.parametrize("residual", ["hold", "fade"])
def test_an_unmoved_handle_is_its_item_bit_for_bit(loaded: Loaded, view_id: str, residual: str) -> None:
    view = resolve(loaded, view_id)
    items = [0, 7, loaded.count - 1]
    z = place_handles(loaded, view, [on(view, item) for item in items], residual)  # type: ignore[arg-type]
    np.testing.assert_array_equal(z, loaded.atlas.mean[items])


def test_sliders_add_their_direction_and_zero_adds_nothing(loaded: Loaded) -> None:
    view = resolve(loaded, "umap")
    z = place_handles(loaded, view, [on(view, 4, even=0.5, loop=-2.0), on(view, 5, even=0.0)], "hold")
    even, loop = (loaded.directions[name].vector for name in ("even", "loop"))
    np.testing.assert_allclose(z[0], loaded.atlas.mean[4] + 0.5 * even - 2 * loop, atol=1e-5)
    np.testing.assert_array_equal(z[1], loaded.atlas.mean[5])


def test_sliders_add_the_same_to_the_bit_in_whichever_order_they_were_moved(loaded: Loaded) -> None:
    view = resolve(loaded, "umap")
    moved = {name: 0.1 + 0.7 * number for number, name in enumerate(loaded.directions)}
    one, other = (dict(order) for order in (moved.items(), reversed(moved.items())))
    z = place_handles(loaded, view, [on(view, 4, **one), on(view, 4, **other)], "hold")
    np.testing.assert_array_equal(z[0], z[1])


def test_the_atlas_is_not_changed(loaded: Loaded) -> None:
    view = resolve(loaded, "pca")
    before = loaded.atlas.mean.copy()
    place_handles(loaded, view, [on(view, 3, even=1.0), away(view, 3, 1, 1)], "hold")
    np.testing.assert_array_equal(loaded.atlas.mean, before)


@pytest.mark.parametrize("view_id", ["pca", "dims-0-3", "plane-even--loop"])
def test_on_a_plane_a_drag_moves_the_code_by_as_much(loaded: Loaded, view_id: str) -> None:
    view = resolve(loaded, view_id)
    z = place_handles(loaded, view, [away(view, 9, 0.5, -0.25)], "hold")
    step = view.projection.forward(z)[0] - view.xy[9]
    np.testing.assert_allclose(step, (0.5, -0.25), atol=1e-3)
    rest = z[0] - loaded.atlas.mean[9]
    plane = view.projection.inverse(np.array([[0, 0], [0.5, -0.25]], np.float32))
    np.testing.assert_allclose(rest, plane[1] - plane[0], atol=1e-4)


def test_unknown_items_and_directions_are_refused(loaded: Loaded) -> None:
    view = resolve(loaded, "pca")
    with pytest.raises(
        ValueError, match=r"`sliders` must name directions of tiny-vae, such as .*\. Got 'beard'"
    ):
        place_handles(loaded, view, [on(view, 0, beard=0.0)], "hold")
    for item in (-1, loaded.count):
        with pytest.raises(
            ValueError, match=rf"`item` must be one of 0..{loaded.count - 1} of tiny-vae. Got {item}"
        ):
            place_handles(loaded, view, [Handle(item, 0, 0)], "hold")


@pytest.mark.parametrize("after", VIEWS)
@pytest.mark.parametrize("before", VIEWS)
def test_on_another_map_an_unmoved_handle_is_on_its_item(loaded: Loaded, before: str, after: str) -> None:
    one, other = resolve(loaded, before), resolve(loaded, after)
    place = move_to_view(loaded, one, other, on(one, 11), "hold")
    assert place == tuple(map(float, other.xy[11]))


def test_a_drag_that_the_other_map_can_show_keeps_its_code(loaded: Loaded) -> None:
    one, other = resolve(loaded, "dims-0-3"), resolve(loaded, "dims-3-0")
    handle = away(one, 2, 0.75, -0.5)
    x, y = move_to_view(loaded, one, other, handle, "hold")
    np.testing.assert_allclose(
        place_handles(loaded, other, [Handle(2, x, y)], "hold"),
        place_handles(loaded, one, [handle], "hold"),
        atol=1e-4,
    )


def test_a_drag_that_the_other_map_cannot_show_leaves_the_handle_on_its_item(loaded: Loaded) -> None:
    one, other = resolve(loaded, "dims-0-3"), resolve(loaded, "dims-1-2")
    place = move_to_view(loaded, one, other, away(one, 2, 0.75, -0.5), "hold")
    np.testing.assert_allclose(place, other.xy[2], atol=1e-5)


def test_levels_lie_end_to_end_and_0_is_all_of_them(flow: Loaded) -> None:
    first, second = (level_of(flow, level) for level in (1, 2))
    sizes = [int(np.prod(level.shape)) for level in flow.decoder.model.spec.levels]
    assert (first.start, first.stop) == (0, sizes[0])
    assert (second.start, second.stop) == (sizes[0], flow.latent)
    assert level_of(flow, 0) == slice(None)


@pytest.mark.parametrize("level", [1, 2])
def test_one_level_moves_and_the_others_stay(flow: Loaded, level: int) -> None:
    view, own = resolve(flow, "pca"), level_of(flow, level)
    handles = [away(view, 9, 4.0, -3.0), on(view, 5)]
    apart = place_handles(flow, view, handles, "hold", level)
    together = place_handles(flow, view, handles, "hold")
    np.testing.assert_array_equal(apart[:, own], together[:, own])
    rest = np.setdiff1d(np.arange(flow.latent), np.arange(flow.latent)[own])
    np.testing.assert_array_equal(apart[:, rest], flow.atlas.mean[[9, 5]][:, rest])
    assert not np.allclose(together[0, rest], apart[0, rest])


def test_a_path_of_one_level_reaches_b_in_it_alone(flow: Loaded) -> None:
    a, b = flow.atlas.mean[[3, 8]]
    own = level_of(flow, 2)
    codes = walk_codes(flow, a, b, "great-circle", 5, 2)
    np.testing.assert_array_equal(codes[:, own], great_circle(a[own], b[own], np.linspace(0, 1, 5)))
    np.testing.assert_array_equal(codes[:, : own.start], np.repeat(a[None, : own.start], 5, axis=0))
    np.testing.assert_array_equal(walk_codes(flow, a, b, "straight", 3)[[0, 2]], [a, b])


def test_an_unknown_level_is_refused(flow: Loaded, loaded: Loaded) -> None:
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match=rf"`level` of tiny-flow must be 0 to 2. Got {wrong}"):
            level_of(flow, wrong)
    with pytest.raises(ValueError, match="its latent has no levels"):
        level_of(loaded, 1)
