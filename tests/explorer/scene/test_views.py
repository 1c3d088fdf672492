"""Tests of the views: which map an id stands for."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from explorer.atlas.umap_maps import map_path
from explorer.latent.directions.mean_difference import Direction
from explorer.latent.geometry.projections import place
from explorer.scene import views as views_module
from explorer.scene.engine import Engine
from explorer.scene.loaded import VIEWS_AT_MOST, Loaded
from explorer.scene.view import UnknownView, View
from explorer.scene.views import default_view, own_mark, resolve, trust_of

VIEWS = {"umap": False, "pca": True, "dims-3-1": True, "plane-even--digit-3": True}


@pytest.mark.parametrize(("view_id", "linear"), VIEWS.items())
def test_every_view_goes_both_ways(view_id: str, linear: bool, loaded: Loaded) -> None:
    view = resolve(loaded, view_id)
    assert (view.id, view.linear) == (view_id, linear)
    assert (view.xy.shape, view.xy.dtype) == ((300, 2), np.float32)
    mean = loaded.atlas.mean
    np.testing.assert_array_equal(place(view.projection, view.xy, view.xy, mean), mean)
    if linear:
        np.testing.assert_allclose(view.projection.forward(mean), view.xy, atol=1e-5)


def test_axes_are_named(loaded: Loaded) -> None:
    assert resolve(loaded, "dims-3-1").axes == ("Dimension 3", "Dimension 1")
    assert resolve(loaded, "plane-even--digit-3").axes == ("Even", "Digit: 3")
    assert resolve(loaded, "umap").axes == ("", "")


def test_a_plane_has_its_first_direction_to_the_right_and_its_second_upwards(loaded: Loaded) -> None:
    view = resolve(loaded, "plane-even--digit-3")
    mean, start = loaded.atlas.mean[:1], view.xy[:1]
    right, up = (loaded.directions[name].vector for name in ("even", "digit-3"))
    for vector, step in ((right, (1, 0)), (up, (0, 1))):
        np.testing.assert_allclose(view.projection.forward(mean + vector) - start, [step], atol=1e-4)


def test_the_mark_of_a_view_changes_with_saved_directions(loaded: Loaded) -> None:
    def mark(view_id: str, **vectors: float) -> str:
        made = {
            f"own-{name}": Direction(np.full(6, value, np.float32), f"own-{name}", name, "Yours", 0, 0, "own")
            for name, value in vectors.items()
        }
        return own_mark(replace(loaded, directions=loaded.directions | made), view_id)

    assert mark("plane-even--digit-3") == mark("umap") == ""
    marks = {mark("plane-own-a--own-b", a=a, b=b) for a in (1.0, 2.0) for b in (1.0, 2.0)}
    assert len(marks) == 4 and all(marks)
    assert mark("plane-even--own-b", b=1.0) != mark("plane-even--own-b", b=2.0)


def test_trust_is_asked_once_and_of_a_collection_that_is_small_too(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = resolve(loaded, "pca")
    found = trust_of(loaded, view)
    assert found.shape == (300,) and 0 < found.mean() < 1 and trust_of(loaded, view) is found
    few = replace(loaded, atlas=replace(loaded.atlas, mean=loaded.atlas.mean[:6]), near=None)
    monkeypatch.setattr(type(few), "count", 6)
    flat = View("x", view.projection, view.xy[:6], ("", ""))
    np.testing.assert_array_equal(
        trust_of(few, flat), np.ones(6, np.float32)
    )  # all five others, however they lie


def test_a_flat_latent_is_its_own_map(shared_engine: Engine) -> None:
    flat = shared_engine.open_sync("flat-vae")
    np.testing.assert_array_equal(resolve(flat, "raw").xy, flat.atlas.mean)
    assert default_view(flat) == "raw"


def test_the_first_view_is_umap(loaded: Loaded) -> None:
    assert default_view(loaded) == "umap"


def test_views_are_cached_and_bounded(loaded: Loaded) -> None:
    loaded.views.clear()
    first = resolve(loaded, "dims-0-1")
    assert resolve(loaded, "dims-0-1") is first
    before = loaded.nbytes
    for i in range(6):
        for j in range(6):
            if i != j:
                resolve(loaded, f"dims-{i}-{j}")
    assert len(loaded.views) == VIEWS_AT_MOST
    assert resolve(loaded, "dims-0-1") is not first
    oldest = next(iter(loaded.views))
    kept = resolve(loaded, oldest)  # which makes it the newest
    for j in range(1, 3):
        resolve(loaded, f"dims-0-{j + 2}")
    assert resolve(loaded, oldest) is kept
    assert loaded.nbytes - before <= VIEWS_AT_MOST * 300 * 8


def test_concurrent_requests_share_one_computation(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.views.clear()
    made, real = [], views_module._make

    def slow(*args: Any) -> View:
        made.append(1)
        time.sleep(0.05)
        return real(*args)

    monkeypatch.setattr(views_module, "_make", slow)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: resolve(loaded, "dims-5-4"), range(6)))
    assert len(made) == 1
    assert all(view is found[0] for view in found)


def test_a_fitted_map_is_read_from_the_cache(loaded: Loaded) -> None:
    path = map_path(loaded.entry, "umap-0123abcd")
    path.parent.mkdir(parents=True)
    xy = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    save_file({"xy": xy}, path)
    np.testing.assert_array_equal(resolve(loaded, "umap-0123abcd").xy, xy)


@pytest.mark.parametrize(
    ("view_id", "text"),
    [
        ("raw", "Unknown view 'raw' of tiny-vae. Choose one of: umap, pca, dims-0-1"),
        ("dims-0-0", "must be two dimensions of 0..5. Got 0 and 0"),
        ("dims-0-6", "Got 0 and 6"),
        ("dims-00-1", "Unknown view"),
        ("plane-even--wings", "must name two directions of tiny-vae"),
        ("plane-even", "must name two directions"),
        ("plane-even--even", "parallel"),
        ("umap-ffffffff", "not on this machine"),
        ("", "Unknown view"),
    ],
)
def test_unknown_views_say_why(view_id: str, text: str, loaded: Loaded) -> None:
    with pytest.raises(UnknownView, match=text):
        resolve(loaded, view_id)
