"""Tests of the workspace of a loaded model, and of how the live connection shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.fields import FIRST_OWN
from explorer.latent.directions.mean_difference import Direction
from explorer.scene.handles import Places, check_item, move_to_view, place_handles
from explorer.scene.inspection import encode_item
from explorer.scene.loaded import Loaded, find, load
from explorer.scene.view import UnknownView
from explorer.scene.views import resolve
from explorer.workspace.stage_edit import Handle, edit_from_query
from explorer.workspace.storage import Group, OwnPicture
from tests.explorer.live.client import Client, frame


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def own(cache: Path, loaded: Loaded) -> Iterator[OwnPicture]:
    picture = np.random.default_rng(3).integers(0, 256, (8, 8, 1), np.uint8)
    kept = loaded.keep_own("My digit", picture, loaded.encoder(picture[None]).mean[0])
    yield kept
    loaded.drop_own(kept.item)


def at_home(loaded: Loaded, view: str, item: int) -> dict[str, Any]:
    x, y = Places(loaded, resolve(loaded, view))[item]
    return {"item": item, "x": float(x), "y": float(y), "sliders": {}}


def anew(loaded: Loaded) -> Loaded:
    """The same checkpoint as another process finds it."""
    return load(find(loaded.name), torch.device("cpu"))


def direction(loaded: Loaded, name: str = "own-mine") -> Direction:
    vector = np.arange(loaded.latent, dtype=np.float32)
    return Direction(vector, name, "Mine", "Yours", 5, 5, "own", "by hand")


@pytest.mark.parametrize("view", ["umap", "pca", "dims-0-1"])
def test_an_unmoved_upload_shows_its_latent(view: str, server: str, loaded: Loaded, own: OwnPicture) -> None:
    with Client(server, view) as client:
        answer = client.ask(frame(1, handles={"A": at_home(loaded, view, own.item)}))
        expected = loaded.decoder(own.z[None])
        assert np.abs(answer["pixels"].astype(int) - expected.astype(int)).max() <= 1


def test_an_upload_is_shown_among_items(server: str, loaded: Loaded, own: OwnPicture) -> None:
    with Client(server) as client:
        items = [3, own.item, 5]
        answer = client.ask({"type": "items", "seq": 9, "items": items, "source": "best"})
    assert (answer["pixels"][1] == own.picture).all()
    assert answer["names"][1] == "My digit" and answer["labels"][1] == {"Yours": "My digit"}
    assert answer["names"][0] == loaded.name_of(3)


def test_a_deleted_upload_is_reported(server: str, loaded: Loaded, own: OwnPicture) -> None:
    place = at_home(loaded, "pca", own.item)
    loaded.drop_own(own.item)
    with Client(server, "pca") as client:
        answer = client.ask(frame(1, handles={"A": place}))
    assert answer["type"] == "error" and "no longer exists. Upload it again." in answer["message"]


def test_an_upload_keeps_its_handle_on_another_map(loaded: Loaded, own: OwnPicture) -> None:
    before, after = resolve(loaded, "umap"), resolve(loaded, "pca")
    handle = Handle(own.item, *map(float, Places(loaded, before)[own.item]))
    x, y = move_to_view(loaded, before, after, handle, "hold")
    moved = replace(handle, x=x, y=y)
    np.testing.assert_array_equal(place_handles(loaded, after, [moved], "hold")[0], own.z)


def test_an_upload_is_in_links(loaded: Loaded, own: OwnPicture) -> None:
    places = Places(loaded, resolve(loaded, "umap"))
    default = edit_from_query({"a": "1", "b": "2"}, *_start(places))[0]
    edit, told = edit_from_query({"a": str(own.item)}, default, places, {})
    assert not told and edit.A.item == own.item
    assert (edit.A.x, edit.A.y) == tuple(map(float, places[own.item]))
    edit, told = edit_from_query({"a": str(FIRST_OWN + 7)}, default, places, {})
    assert edit == default and "is not stored on this machine. Upload it again." in told[0]


def _start(places: Places) -> tuple[Any, Places, dict[str, object]]:
    from explorer.workspace.stage_edit import Edit

    return Edit(Handle(0, 0.0, 0.0), Handle(1, 0.0, 0.0)), places, {}


def test_an_upload_can_be_encoded_on_anatomy(loaded: Loaded, own: OwnPicture) -> None:
    encoded = encode_item(loaded, own.item)
    assert encoded.source == "original" and encoded.picture.shape == own.picture.shape


def test_another_process_reads_the_workspace(loaded: Loaded, own: OwnPicture) -> None:
    loaded.keep_direction(direction(loaded))
    loaded.keep_group(Group("some", "Some", (1, 2, 3), "a note"))
    try:
        other = anew(loaded)
        assert other.own[own.item].title == "My digit"
        assert other.directions["own-mine"].made == "by hand"
        assert other.groups == {"some": Group("some", "Some", (1, 2, 3), "a note")}
    finally:
        loaded.drop_direction("own-mine")
        loaded.drop_group("some")
    other = anew(loaded)
    assert "own-mine" not in other.directions and not other.groups


def test_a_saved_direction_moves_handles_and_spans_planes(cache: Path, loaded: Loaded) -> None:
    view = resolve(loaded, "pca")
    home = tuple(map(float, view.xy[4]))
    loaded.keep_direction(direction(loaded))
    try:
        z = place_handles(loaded, view, [Handle(4, *home, {"own-mine": 2.0})], "hold")
        np.testing.assert_allclose(z[0], loaded.atlas.mean[4] + 2 * np.arange(loaded.latent), atol=1e-5)
        plane = resolve(loaded, "plane-even--own-mine")
        loaded.keep_direction(replace(direction(loaded), vector=np.ones(loaded.latent, np.float32)))
        assert resolve(loaded, "plane-even--own-mine") is not plane
    finally:
        loaded.drop_direction("own-mine")
    with pytest.raises(UnknownView):
        resolve(loaded, "plane-even--own-mine")
    with pytest.raises(ValueError, match="must name directions"):
        place_handles(loaded, view, [Handle(4, *home, {"own-mine": 2.0})], "hold")


def test_attribute_directions_cannot_be_deleted(cache: Path, loaded: Loaded) -> None:
    loaded.drop_direction("even")
    assert "even" in loaded.directions


def test_arguments_that_do_not_match_are_refused(cache: Path, loaded: Loaded) -> None:
    with pytest.raises(ValueError, match=r"`vector` must have the shape \(6,\)"):
        loaded.keep_direction(replace(direction(loaded), vector=np.ones(7, np.float32)))
    with pytest.raises(ValueError, match="must be rows of the collection, 0 to 299"):
        loaded.keep_group(Group("some", "Some", (1, 300)))
    with pytest.raises(ValueError, match="`picture` and `z` must have the shapes"):
        loaded.keep_own("x", np.zeros((9, 8, 1), np.uint8), np.zeros(6, np.float32))
    with pytest.raises(ValueError, match="no longer exists"):
        check_item(loaded, FIRST_OWN + 1)
