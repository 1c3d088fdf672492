"""Tests of uploaded pictures on Explore: added, encoded, put under a handle, deleted and restored."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.pages.explore import own_images
from explorer.scene import familiarity
from explorer.scene.engine import Engine
from explorer.scene.handles import Places
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve
from models.data.pictures import Framing, fitted, open_picture, read_picture
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


def bring(at: AppTest, **files: bytes) -> AppTest:
    """Uploads files without adding them."""
    given = [(f"{name}.png", data, "image/png") for name, data in files.items()]
    return at.file_uploader(key="own-files").set_value(given).run()


def control(at: AppTest, kind: str, name: str) -> Any:
    """The framing widget whose key has this prefix."""
    (found,) = [each for each in getattr(at, kind) if str(each.key).startswith(f"own-{name}-")]
    return found


def test_an_upload_is_previewed_then_added_under_handle_a(
    open_page: Open, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = bring(opened(open_page), me=png())
    assert any("Similar to the collection" in each.value for each in at.markdown)
    monkeypatch.setattr(familiarity, "LIMIT", 0.0)
    at.run()
    assert not loaded.own and not at.warning
    assert any("Unlike anything" in each.value for each in at.markdown)
    assert any("Reconstruction error" in each.value and "99 %" in each.value for each in at.caption)
    control(at, "button", "take").click().run()
    (kept,) = loaded.own.values()
    assert kept.title == "me" and not at.exception
    np.testing.assert_array_equal(kept.picture, read_picture(png(), loaded.shape))
    np.testing.assert_allclose(kept.z, loaded.encoder(kept.picture[None]).mean[0], atol=1e-5)
    assert at.session_state["lx_page_explore"].shown.edit.A.item == kept.item
    at.run()
    assert len(loaded.own) == 1  # the file is taken once, however often the page runs
    assert not [each for each in at.button if str(each.key).startswith("own-take-")]


def test_a_picture_is_added_as_framed(open_page: Open, loaded: Loaded) -> None:
    at = bring(opened(open_page), me=png())
    assert control(at, "slider", "x").disabled and not control(at, "slider", "y").disabled  # it is upright
    control(at, "slider", "zoom").set_value(2.0).run()
    control(at, "slider", "x").set_value(-100)
    control(at, "slider", "y").set_value(50)
    control(at, "toggle", "invert").set_value(True)
    control(at, "button", "rotate").click().run()
    control(at, "button", "take").click().run()
    (kept,) = loaded.own.values()
    framing = Framing(turn=1, zoom=2.0, x=-1.0, y=0.5, invert=True)
    np.testing.assert_array_equal(kept.picture, fitted(open_picture(png()), loaded.shape, framing))


def test_an_invalid_file_is_reported_and_a_valid_one_can_be_skipped(open_page: Open, loaded: Loaded) -> None:
    at = bring(opened(open_page), bad=b"no picture", good=png(1), other=png(2))
    assert any("bad: The file is not a supported picture" in each.value for each in at.warning)
    control(at, "button", "skip").click().run()
    control(at, "button", "take").click().run()
    assert [each.title for each in loaded.own.values()] == ["other"]


def test_all_files_are_added_at_once_up_to_a_limit(
    open_page: Open, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_images, "FILES_AT_MOST", 3)
    at = bring(opened(open_page), a=png(1), b=b"no picture", c=png(3), d=png(4))
    assert any("Only the first 3 files were used" in each.value for each in at.warning)
    control(at, "button", "all").click().run()
    assert [each.title for each in loaded.own.values()] == ["a", "c"]
    assert any("b: The file is not a supported picture" in each.value for each in at.warning)
    kept = next(iter(loaded.own.values()))
    error = np.square((kept.picture.astype(float) - loaded.decoder(kept.z[None])[0]) / 255).mean()
    told = " ".join(each.value for each in at.markdown)
    assert f"reconstruction error {error:.4f}" in told or f"reconstruction error {error - 1e-4:.4f}" in told


def test_a_picture_is_deleted_and_restored(open_page: Open, loaded: Loaded) -> None:
    kept = own_images.keep(loaded, "Me", np.full((8, 8, 1), 99, np.uint8))
    at = opened(open_page)
    at.button(key=f"own-B-{kept.item}").click().run()
    before = at.session_state["lx_page_explore"].shown.edit
    assert before.B.item == kept.item
    view = resolve(loaded, at.session_state["lx_page_explore"].shown.view)
    assert (before.B.x, before.B.y) == tuple(map(float, Places(loaded, view)[kept.item]))
    at.button(key=f"own-drop-{kept.item}").click().run()
    assert not loaded.own
    assert at.session_state["lx_page_explore"].shown.edit.A == before.A, "the other handle stays"
    near = int(loaded.neighbours.nearest(kept.z[None], 1)[0][0, 0])
    assert at.session_state["lx_page_explore"].shown.edit.B.item == near
    assert (
        0 <= at.session_state["lx_page_explore"].shown.edit.B.item < loaded.count
    )  # on the nearest image of the collection
    assert not at.exception, at.exception
    at.button(key="own-back").click().run()
    assert list(loaded.own) == [kept.item]
