"""Tests of a one-dimensional latent: every page shows it, with a strip in place of a plane."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.live.anatomy import along
from explorer.scene.engine import Engine
from explorer.scene.inspection import encode_item
from explorer.scene.views import default_view, resolve, trust_of
from tests.explorer.checkpoints import train_digits
from tests.explorer.pages.conftest import MAIN

LINE = {"model": "line-vae"}
PAGES = {
    "main": LINE | {"colour": "map_trust"},
    "explore": LINE | {"view": "pca"},
    "paths": LINE,
    "samples": LINE,
    "directions": LINE,
    "outliers": LINE,
    "anatomy": LINE | {"dims": "0-1"},
    "compare": {"models": "line-vae,wide-vae"},
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lines")
    train_digits(folder / "line-vae", title="Line", latent=1, epochs=2)
    train_digits(folder / "wide-vae", title="Wide", latent=8, epochs=1)
    return folder


@pytest.fixture(autouse=True)
def place(lines: Path, place: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(lines))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_it(page: str) -> None:
    path = MAIN if page == "main" else MAIN.with_name(page) / "page.py"
    at = AppTest.from_file(os.fspath(path), default_timeout=120)
    for name, value in PAGES[page].items():
        at.query_params[name] = value
    at.run()
    assert not at.exception and not at.error, at
    assert not at.warning, [warning.value for warning in at.warning]


def test_its_map_is_a_strip_with_the_same_jitter_each_time(pages_engine: Engine) -> None:
    loaded = pages_engine.open_sync("line-vae")
    assert default_view(loaded) == "strip"
    view = resolve(loaded, "strip")
    z = loaded.atlas.mean
    np.testing.assert_allclose(view.xy[:, 0], z[:, 0], rtol=1e-6)
    assert np.ptp(view.xy[:, 1]) > 0.05 * np.ptp(z) and "no meaning" in view.axes[1]
    loaded.views.clear()
    np.testing.assert_array_equal(resolve(loaded, "strip").xy, view.xy)
    np.testing.assert_allclose(view.projection.inverse(view.xy), z, atol=1e-6)
    up = view.projection.inverse(view.xy + np.float32([0, 5]))
    np.testing.assert_allclose(up, z, atol=1e-6, err_msg="a step upwards changes nothing")
    assert trust_of(loaded, view).mean() > 0.99, "the jitter does not count as distance"
    np.testing.assert_allclose(
        resolve(loaded, "pca").projection.inverse(resolve(loaded, "pca").xy), z, atol=1e-6
    )


def test_the_latent_on_anatomys_map_stays_at_height_zero(pages_engine: Engine) -> None:
    loaded = pages_engine.open_sync("line-vae")
    encoded = encode_item(loaded, 3)
    found = along(encoded, np.array([0.5], np.float32), 0, 1)
    assert list(found.mean) == [pytest.approx(encoded.mean[0], rel=1e-5), 0] and list(found.turn) == [0.5, 0]
    assert found.scale[0] == found.scale[1]
