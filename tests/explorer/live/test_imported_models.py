"""Tests that the stage follows the hand on an imported model, whose latent is a grid."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from explorer.atlas.build import build
from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve
from models.import_model import import_model
from tests.explorer.live.client import Client, frame
from tests.models.foreign.graphs import write_pair, write_pictures


@pytest.fixture
def imported(
    library: Path, shared_engine: Engine, tmp_path: Path, places: None, monkeypatch: pytest.MonkeyPatch
) -> Loaded:
    """An imported pair in memory, beside the others."""
    folder = tmp_path / "runs"
    source = write_pair(tmp_path / "pair", values="signed", channels="bgr")
    import_model(source, folder / "imported-pair", images=write_pictures(tmp_path / "pictures"))
    build(folder / "imported-pair", umap=False)
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{library}{os.pathsep}{folder}")
    return shared_engine.open_sync("imported-pair")


def test_a_grid_latent_is_dragged(server: str, imported: Loaded) -> None:
    xy = resolve(imported, "pca").xy
    with Client(server, "pca", "imported-pair") as client:
        assert (client.opened["latent"], client.opened["shape"]) == (192, [3, 8, 8])
        home = {"item": 4, "x": float(xy[4, 0]), "y": float(xy[4, 1]), "sliders": {}}
        still = client.ask(frame(1, handles={"A": home}))
        np.testing.assert_array_equal(still["pixels"], imported.decoder(imported.atlas.mean[4:5]))
        moved = client.ask(frame(2, handles={"A": home | {"x": home["x"] + 0.5, "y": home["y"] - 0.5}}))
        assert (moved["pixels"] != still["pixels"]).any()
        strip = {"frames": 5, "path": "straight"}
        b = {"item": 9, "x": float(xy[9, 0]), "y": float(xy[9, 1]), "sliders": {}}
        walk = client.ask(frame(3, ("strip", "B", "A"), handles={"A": home, "B": b}, strip=strip))
        ends = imported.decoder(imported.atlas.mean[[4, 9]])
        assert np.abs(walk["pixels"][[2, 6]].astype(int) - ends).max() <= 1
