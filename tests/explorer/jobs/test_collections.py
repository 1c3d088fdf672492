"""Tests of the jobs that encode the user's images as a collection and fit its map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.atlas.storage import load_atlas
from explorer.jobs.collections import MapRequest, Request, encode, fit_first_map, lacks_map
from models import checkpoint
from tests.own_pictures import COUNT, write_pictures


def test_images_become_a_collection_with_a_first_map_and_its_umap_later(
    tmp_path: Path, copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(copy_of_tiny.parent))
    monkeypatch.setattr("explorer.atlas.build.fit_umap", lambda z, *_: np.ascontiguousarray(z[:, :2]))
    said: list[float] = []
    request = Request("tiny-vae", str(write_pictures(tmp_path / "Äpfel")), fit="pad")
    found = encode(request, lambda share, what, partial=None: said.append(share))
    assert said == sorted(said) and said[-1] == 1
    assert found["images"] == COUNT and [name for name, _ in found["refused"]] == ["broken.png"]
    assert found["fits"] == (found["psnr"] >= 20)
    name = found["name"]
    assert checkpoint.read(name).path == copy_of_tiny.parent / name and lacks_map(name)
    assert fit_first_map(MapRequest(name), lambda *_: None) == {"images": COUNT}
    assert not lacks_map(name) and "umap" in load_atlas(checkpoint.read(name)).maps
