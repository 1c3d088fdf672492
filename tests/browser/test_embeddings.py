"""Embeddings from a file to the stage, by the commands: the picture under the hand is that of the nearest item."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from models.data import load_data
from tests.browser.conftest import NewPage
from tests.browser.driving import ROOT, Server

COUNT = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with embeddings of digits, their projections on two directions, imported by the command."""
    folder = tmp_path_factory.mktemp("embeddings")
    digits = load_data("digits", "train", limit=COUNT).images
    flat = digits.reshape(COUNT, -1) / 255
    np.save(folder / "E.npy", 30 * (flat - flat.mean(0)) @ np.linalg.svd(flat - flat.mean(0))[2][:4].T)
    np.save(folder / "digits.npy", digits)
    out = folder / "shelf" / "vectors"
    environment = os.environ | {"LATENT_CACHE_DIR": str(folder / "cache")}
    for command in (
        [
            "models",
            "import",
            str(folder / "E.npy"),
            "--images",
            str(folder / "digits.npy"),
            "--out",
            str(out),
        ],
        ["explorer.atlas", str(out), "--no-umap"],
    ):
        subprocess.run([sys.executable, "-m", *command], check=True, cwd=ROOT, env=environment)
    running = Server(out.parent, folder / "cache", folder / "log.txt")
    try:
        running.start()
        yield running
    finally:
        running.kill()


def test_the_stage_follows_the_hand(new_page: NewPage) -> None:
    tab = new_page().open()
    known = load_data("digits", "train", limit=COUNT).images[..., 0].astype(int)
    assert "each picture is that of the nearest item" in tab.page.inner_text("body")
    before = tab.shown()
    x, y = tab.grab("A")
    for step in range(1, 7):
        tab.page.mouse.move(x + 25 * step, y + 10 * step, steps=3)
    tab.until(lambda: tab.changed(before, "A"), "another picture during the drag")
    tab.page.mouse.up()
    tab.at_rest()
    picture = tab.picture("A")[..., 0].astype(int)
    assert np.abs(known - picture).max((1, 2)).min() <= 1, "the picture of an item"
