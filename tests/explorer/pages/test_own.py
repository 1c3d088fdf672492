"""Tests of a person's own pictures on Explore: brought, encoded, put under a handle, deleted and brought back."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.live.codes import Places
from explorer.live.engine import Engine
from explorer.live.loaded import Loaded
from explorer.live.views import resolve
from explorer.pages import own
from tests.explorer.pages.conftest import Open


@pytest.fixture
def loaded(pages_engine: Engine) -> Iterator[Loaded]:
    loaded = pages_engine.open_sync("digits-vae")
    yield loaded
    for item in list(loaded.own):
        loaded.drop_own(item)


def png(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 16), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def opened(open_page: Open) -> AppTest:
    """The page with the popover open."""
    at = open_page(model="digits-vae")
    at.session_state["own-open"] = True
    return at.run()


def test_an_upload_is_encoded_and_handle_a_stands_on_it(open_page: Open, loaded: Loaded) -> None:
    at = opened(open_page)
    at.file_uploader(key="own-files").set_value([("me.png", png(), "image/png")]).run()
    (kept,) = loaded.own.values()
    assert kept.title == "me" and not at.warning
    np.testing.assert_allclose(kept.z, loaded.encoder(kept.picture[None]).mean[0], atol=1e-5)
    assert at.session_state["edit"].A.item == kept.item
    at.run()
    assert len(loaded.own) == 1  # the file is taken once, however often the page runs


def test_a_wrong_file_is_told_and_the_good_one_kept(open_page: Open, loaded: Loaded) -> None:
    at = opened(open_page)
    files = [("bad.png", b"no picture", "image/png"), ("good.png", png(1), "image/png")]
    at.file_uploader(key="own-files").set_value(files).run()
    assert "bad: The file is no picture that can be read" in at.warning[0].value
    assert [each.title for each in loaded.own.values()] == ["good"]


def test_only_so_many_files_are_taken_at_once(
    open_page: Open, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "FILES_AT_MOST", 1)
    at = opened(open_page)
    files = [(f"{name}.png", png(number), "image/png") for number, name in enumerate("ab")]
    at.file_uploader(key="own-files").set_value(files).run()
    assert [each.title for each in loaded.own.values()] == ["a"]
    assert "Only the first 1 files were taken" in at.warning[0].value
    (kept,) = loaded.own.values()
    error = np.square((kept.picture.astype(float) - loaded.decoder(kept.z[None])[0]) / 255).mean()
    told = " ".join(each.value for each in at.markdown)
    assert f"reconstruction error {error:.4f}" in told or f"reconstruction error {error - 1e-4:.4f}" in told


def test_a_picture_is_deleted_and_brought_back(open_page: Open, loaded: Loaded) -> None:
    kept = own.keep(loaded, "Me", np.full((8, 8, 1), 99, np.uint8))
    at = opened(open_page)
    at.button(key=f"own-B-{kept.item}").click().run()
    before = at.session_state["edit"]
    assert before.B.item == kept.item
    view = resolve(loaded, at.session_state["view"])
    assert (before.B.x, before.B.y) == tuple(map(float, Places(loaded, view)[kept.item]))
    at.button(key=f"own-drop-{kept.item}").click().run()
    assert not loaded.own
    assert at.session_state["edit"].A == before.A, "the other handle stays"
    near = int(np.linalg.norm(loaded.atlas.mean - kept.z, axis=1).argmin())
    assert at.session_state["edit"].B.item == near
    assert 0 <= at.session_state["edit"].B.item < loaded.count  # on the nearest image of the collection
    assert not at.exception, at.exception
    at.button(key="own-back").click().run()
    assert list(loaded.own) == [kept.item]
