"""The session archive in the Download popover: save, restore, show, undo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from explorer.latent.directions.mean_difference import Direction
from explorer.pages.shared import downloads
from explorer.scene.engine import Engine
from explorer.sharing.session_archive import read_archive
from tests.explorer.pages.conftest import Open
from tests.explorer.pages.reading import address, warnings_shown


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bytes]]:
    found: dict[str, Callable[[], bytes]] = {}
    monkeypatch.setattr(downloads, "offer", lambda place, label, file, make: found.update({file: make}))
    return found


def test_a_session_is_saved_restored_shown_and_undone(
    made: dict[str, Callable[[], bytes]],
    open_page: Open,
    pages_engine: Engine,
) -> None:
    loaded = pages_engine.open_sync("digits-vae")
    loaded.keep_direction(
        Direction(np.ones(loaded.latent, np.float32), "own-mine", "Mine", "Yours", 5, 5, "own")
    )
    try:
        at = open_page(view="pca", a="12", b="40", a_with="own-mine:1.5")
        data = made["latent-explorer-session.zip"]()
        assert read_archive(data).pages["Explore"]["a_with"] == "own-mine:1.5"
    finally:
        loaded.drop_direction("own-mine")

    at = open_page(view="umap", a="3", b="4")
    at.file_uploader(key="session-file").upload("session.zip", data, "application/zip").run()
    assert not at.exception
    assert at.success[0].value == "1 item added."
    assert "own-mine" in loaded.directions
    at.button(key="session-show-Explore").click().run()
    assert address(at)["view"] == "pca" and address(at)["a_with"] == "own-mine:1.5"
    at.button(key="session-undo").click().run()
    assert "own-mine" not in loaded.directions
    assert "Unknown direction 'own-mine'" in warnings_shown(at)


def test_an_invalid_file_is_reported(open_page: Open) -> None:
    at = open_page()
    at.file_uploader(key="session-file").upload("x.zip", b"junk", "application/zip").run()
    assert "The file is not a session archive" in warnings_shown(at) and not at.success
