"""Tests of pages with invalid settings, or a cache that cannot be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.jobs import process
from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from explorer.workspace.storage import Group, Pin
from models.system import files
from tests.explorer.pages.conftest import Open
from tests.explorer.pages.directions.test_page import open_directions  # noqa: F401 - a fixture
from tests.explorer.pages.explore.test_own_images import png


def said(at: AppTest) -> str:
    assert not at.exception
    return " ".join(each.value for each in (*at.error, *at.warning, *at.toast)).replace("\\", "")


# Settings


@pytest.mark.parametrize(("name", "value"), [("DEVICE", "gpu"), ("MEMORY_MB", "1,5G")])
def test_an_essential_invalid_setting_is_shown_alone(
    name: str, value: str, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"LATENT_{name}", value)
    at = open_page(model="digits-vae")
    assert f"LATENT_{name} must be" in said(at) and value in said(at)
    assert not at.selectbox


def test_a_missing_folder_is_reported_above_the_page(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", "/no/such/folder")
    at = open_page(model="digits-vae")
    assert "/no/such/folder, which does not exist" in said(at)
    assert at.selectbox


# Storing


@pytest.fixture
def loaded(pages_engine: Engine) -> Iterator[Loaded]:
    """The checkpoint with one saved item of each kind."""
    loaded = pages_engine.open_sync("digits-vae")
    loaded.keep_pin(Pin("item", "#42", "42"))
    loaded.keep_group(Group("some", "Some", (1, 2, 3)))
    loaded.keep_direction(replace(loaded.directions["even"], name="own-calm", title="Calm", kind="own"))
    own = loaded.keep_own("Me", np.zeros((8, 8, 1), np.uint8), loaded.atlas.mean[0])
    yield loaded
    loaded.drop_pin(loaded.pins[0])
    loaded.drop_group("some")
    loaded.drop_direction("own-calm")
    loaded.drop_own(own.item)


@pytest.fixture(params=["in the way", "full"])
def fault(
    request: pytest.FixtureRequest, loaded: Loaded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """A cache folder that cannot be written, for several reasons; returns the expected message."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if request.param == "full":
            patch.setattr(files, "replaced", full)
            patch.setattr(Path, "unlink", full)
            yield "no space left on device"
        else:
            (tmp_path / "file").write_text("a file where the folder should be")
            patch.setenv("LATENT_CACHE_DIR", str(tmp_path / "file" / "cache"))
            yield "Set LATENT_CACHE_DIR"


def test_nothing_is_lost_when_explore_cannot_store(open_page: Open, loaded: Loaded, fault: str) -> None:
    kept = (loaded.pins, loaded.groups, loaded.directions, loaded.own)
    (item,) = loaded.own
    at = open_page(model="digits-vae")
    at.session_state["own-open"] = True
    at.session_state["select-way"] = "Groups"
    at.session_state["select-open"] = True
    at.run()
    at.toggle(key="shelf-taking").set_value(True).run()
    at.file_uploader(key="own-files").set_value([("new.png", png(), "image/png")]).run()
    (take,) = [each for each in at.button if str(each.key).startswith("own-take-")]
    take.click().run()
    assert fault in said(at)
    for button in ("pin-drop-0", "group-drop-some", f"own-drop-{item}"):
        at.button(key=button).click().run()
        assert fault in said(at)
        assert (loaded.pins, loaded.groups, loaded.directions, loaded.own) == kept
        assert all(at.button(key=each) for each in ("pin-drop-0", "group-drop-some"))  # the page continues


def test_nothing_is_lost_when_directions_cannot_store(
    open_directions: Open,  # noqa: F811
    loaded: Loaded,
    fault: str,
) -> None:
    kept = loaded.directions
    at = open_directions(model="digits-vae")
    at.button(key="dr_save").click().run()
    assert fault in said(at) and loaded.directions == kept
    at.button(key="dr_drop_own-calm").click().run()
    assert fault in said(at) and loaded.directions == kept


def test_directions_without_another_process_show_the_mean_difference(
    open_directions: Open,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(process.subprocess, "Popen", full)
    at = open_directions(model="digits-vae")
    assert "No process can be started" in said(at) and os.strerror(errno.EAGAIN) in said(at)
    assert at.button(key="dr_save")
