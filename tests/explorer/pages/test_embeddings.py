"""Tests of imported embeddings: every page shows what needs no encoder, and says what a picture is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.atlas.build import build
from explorer.scene.engine import Engine
from explorer.scene.views import resolve
from models.data import load_data
from models.import_embeddings import import_embeddings
from models.latents import encode
from models.linear_ae import LinearAE, LinearAEConfig
from tests.explorer.pages.conftest import MAIN
from tests.explorer.pages.reading import warnings_shown

COUNT = 80
SHOWN = ("main", "explore", "paths", "samples", "directions", "outliers", "model_cards")


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with embeddings of digits: with their pictures, and without."""
    folder = tmp_path_factory.mktemp("items")
    digits = load_data("digits", "train", limit=COUNT)
    vectors = encode(LinearAE(LinearAEConfig((1, 8, 8), latent=6)).eval(), digits.images)["mean"]
    np.savez(folder / "E.npz", embeddings=10 * vectors, digit=digits.attributes["digit"].values)
    np.save(folder / "digits.npy", digits.images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_CACHE_DIR", str(folder / "cache"))
        for name, images in (("drawn", folder / "digits.npy"), ("blank", None)):
            import_embeddings(folder / "E.npz", folder / "shelf" / name, images=images)
            build(folder / "shelf" / name, umap=False)
    return folder / "shelf"


@pytest.fixture(autouse=True)
def place(items: Path, place: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(items))


def opened(page: str, **params: str) -> AppTest:
    path = MAIN if page == "main" else MAIN.with_name(page) / "page.py"
    at = AppTest.from_file(os.fspath(path), default_timeout=60)
    for name, value in params.items():
        at.query_params[name] = value
    return at.run()


@pytest.mark.parametrize("page", SHOWN)
def test_every_page_that_needs_no_encoder_shows_them(page: str) -> None:
    at = opened(page, model="drawn")
    assert not at.exception and not at.error and not at.warning, at
    if page in ("main", "explore", "outliers", "samples", "paths"):
        captions = " ".join(caption.value for caption in at.caption).replace("\\", "")
        assert "nothing is decoded: each picture is that of the nearest item" in captions


def test_items_without_pictures_are_said_to_be_blank() -> None:
    at = opened("explore", model="blank")
    captions = " ".join(caption.value for caption in at.caption).replace("\\", "")
    assert not at.exception and "80 items of" in captions and "so each picture is blank" in captions


@pytest.mark.parametrize("page", ["anatomy", "compare"])
def test_a_page_that_needs_an_encoder_says_so(page: str) -> None:
    at = opened(page, **{"models" if page == "compare" else "model": "drawn"})
    assert not at.exception
    if page == "anatomy":
        assert "E has no encoder" in warnings_shown(at)


def test_a_handle_shows_the_nearest_items_picture_and_directions_are_there(pages_engine: Engine) -> None:
    loaded = pages_engine.open_sync("drawn")
    digits = load_data("digits", "train", limit=COUNT).images
    rows = [int(name) for name in loaded.atlas.texts["file"].values]
    pictures = pages_engine.decode_sync(loaded, loaded.atlas.mean)
    np.testing.assert_array_equal(pictures, digits[rows])
    assert loaded.neighbours.query(loaded.atlas.mean).nearest.tolist() == list(range(COUNT))
    assert loaded.count == COUNT and "digit-3" in loaded.directions
    assert resolve(loaded, "pca").xy.shape == (COUNT, 2)
