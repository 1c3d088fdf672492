"""The pages in Streamlit's AppTest, on small trained checkpoints."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from explorer.scene import engine as engine_module
from explorer.scene.engine import Engine
from tests.explorer.checkpoints import break_weights, train_digits

MAIN = Path(__file__).resolve().parents[3] / "explorer" / "pages" / "main.py"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good checkpoint, one with two dimensions, one with wrong weights and one without a card."""
    folder = tmp_path_factory.mktemp("shelf")
    train_digits(folder / "digits-vae", epochs=4)
    train_digits(folder / "flat-vae", title="Flat", latent=2, epochs=2)
    train_digits(folder / "rotten-vae", latent=2, epochs=1)
    break_weights(folder / "rotten-vae")
    (folder / "hollow-vae").mkdir()
    return folder


@pytest.fixture(scope="session")
def pages_engine() -> Iterator[Engine]:
    """One engine for all tests of pages."""
    before = engine_module._ENGINE
    made = engine_module._ENGINE = Engine(torch.device("cpu"), workers=1)
    yield made
    engine_module._ENGINE = before
    made.close()


@pytest.fixture(autouse=True)
def place(
    shelf: Path,
    pages_engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sets the checkpoint folder to the shelf, and the cache to an empty folder."""
    monkeypatch.setattr(engine_module, "_ENGINE", pages_engine)
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(shelf))
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    st.cache_data.clear()


@pytest.fixture
def open_page() -> Open:
    """Opens the app at an address, e.g. `open_page(view="pca")`."""

    def opened(**params: str) -> AppTest:
        at = AppTest.from_file(os.fspath(MAIN), default_timeout=60)
        for name, value in params.items():
            at.query_params[name] = value
        return at.run()

    return opened
