"""Tests of collections of a checkpoint: in the picker, in the field above a page, and on pages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from explorer.atlas.build import add_umap, build
from explorer.pages.shared.collections import family, heads
from models import checkpoint
from models.collection import encode_collection
from tests.explorer.pages.conftest import Open
from tests.explorer.pages.reading import address, component, warnings_shown
from tests.own_pictures import COUNT, write_pictures

NUMBERS = count()


@pytest.fixture
def collection(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A collection of the digits' checkpoint, with an atlas but no UMAP map yet."""
    name = f"digits-vae.mine-{next(NUMBERS)}"  # the engine of all tests keeps what it opened by its name
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{shelf}:{tmp_path / 'runs'}")
    folder = encode_collection(
        "digits-vae", write_pictures(tmp_path / "Meine Äpfel"), tmp_path / "runs" / name
    ).folder
    build(folder, umap=False)
    yield folder


def test_a_list_shows_collections_below_their_checkpoint(collection: Path) -> None:
    entries = checkpoint.scan()
    assert family(entries, "digits-vae") == {"digits-vae": "Digits", collection.name: "Meine Äpfel"}
    assert family(entries, "flat-vae") == {"flat-vae": "Digits"}
    assert collection.name not in [entry.name for entry in heads(entries)]
    alone = [entry for entry in entries if entry.name == collection.name]
    assert heads(alone) == alone, "if its checkpoint is not in the list"


def test_collections_can_be_switched_on_any_page(collection: Path, open_page: Open) -> None:
    at = open_page(model=collection.name)
    assert warnings_shown(at) == "" and address(at)["view"] == "pca" and address(at)["colour"] == "art"
    data = component(at)
    assert data["model"]["count"] == COUNT and data["colour"]["labels"] == ["C++", "Ünlü", "猫"]
    assert data["colour"]["title"] == "Art" and len({each["slug"] for each in data["directions"]}) == 4
    field = at.selectbox(key="collection")
    assert field.options == ["Digits", "Meine Äpfel"] and field.value == collection.name
    assert any("images of Meine Äpfel" in each.value for each in at.caption)
    field.set_value("digits-vae").run()
    assert component(at)["model"]["name"] == "digits-vae" and component(at)["model"]["count"] == 400
    assert address(at)["model"] == "digits-vae"


def test_a_checkpoint_without_collections_has_no_field(open_page: Open) -> None:
    assert not [each for each in open_page(model="flat-vae").selectbox if each.key == "collection"]


@pytest.mark.parametrize("start", ["directions", "outliers", "samples", "paths", "anatomy"])
def test_every_page_shows_a_collection(start: str, collection: Path, open_page: Open) -> None:
    at = open_page()
    at.switch_page(f"{start}/page.py")
    at.query_params["model"] = collection.name
    at.run()
    assert not at.exception and not at.error
    assert at.selectbox(key="collection").value == collection.name


def test_the_umap_map_is_offered_once_it_is_fitted(
    collection: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.atlas.build.fit_umap", lambda z, *_: np.ascontiguousarray(z[:, :2]))
    at = open_page(model=collection.name)
    assert not [each for each in at.button if each.key == "first-map-show"]
    add_umap(collection)
    at.run()
    before = component(at)["model"]["version"]
    at.button(key="first-map-show").click().run()
    assert address(at)["view"] == "umap" and component(at)["model"]["version"] != before
    assert not [each for each in at.button if each.key == "first-map-show"]


def test_the_command_line_sets_the_first_checkpoint(
    collection: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_FIRST_CHECKPOINT", collection.name)
    assert address(open_page())["model"] == collection.name
    monkeypatch.setenv("LATENT_FIRST_CHECKPOINT", "nothing")
    assert address(open_page())["model"] == "digits-vae"
