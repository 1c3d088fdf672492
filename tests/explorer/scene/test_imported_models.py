"""Tests that an imported model is explored like any other: atlas, pictures, directions, neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.atlas.build import build
from explorer.inference.decoder import Decoder
from explorer.scene.loaded import Loaded, load
from models import checkpoint
from models.import_model import import_model
from tests.models.foreign.graphs import graph, node, number, write_pair, write_pictures


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache folder."""
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))


def opened(folder: Path) -> Loaded:
    """Builds the atlas of a checkpoint without a map, and loads it."""
    build(folder, umap=False)
    return load(checkpoint.read(folder), torch.device("cpu"))


def test_a_pair_has_an_atlas_and_decodes(tmp_path: Path) -> None:
    source = write_pair(tmp_path / "pair", values="signed", channels="bgr")
    import_model(source, tmp_path / "mine", images=write_pictures(tmp_path / "pictures"))
    loaded = opened(tmp_path / "mine")
    assert (loaded.count, loaded.latent, loaded.shape) == (24, 192, (3, 8, 8))
    assert loaded.atlas.scores["error"].max() < 1e-5 and loaded.atlas.std is None
    before = loaded.decoder(loaded.atlas.mean[:5])
    loaded.decoder.compile()  # has no effect: an export of a graph that is not torch's would be a constant
    np.testing.assert_array_equal(loaded.decoder(loaded.atlas.mean[:5]), before)
    assert len(np.unique(before.reshape(5, -1), axis=0)) == 5
    latents = loaded.encoder(before)
    assert np.abs(latents.mean - loaded.atlas.mean[:5]).max() < 0.02 and latents.std is None
    assert loaded.neighbours.query(loaded.atlas.mean[:3]).nearest.shape[0] == 3
    assert loaded.nbytes > loaded.decoder.nbytes > (tmp_path / "mine" / "decoder.onnx").stat().st_size


def test_the_collection_of_a_decoder_alone_is_its_samples(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["flat"]), node("Reshape", ["flat", "shape"], ["y"])]
    constants = [number("shape", [0, 1, 8, 8]), number("w", np.tile(np.eye(6), (1, 11))[:, :64], "float32")]
    (tmp_path / "generator.onnx").write_bytes(graph(nodes, ("n", 6), ("n", 1, 8, 8), constants))
    import_model(tmp_path / "generator.onnx", tmp_path / "made", value_range="signed")
    loaded = opened(tmp_path / "made")
    assert loaded.count == 2000 and abs(loaded.atlas.mean.std() - 1) < 0.05
    card = loaded.entry.card
    assert card is not None and isinstance(loaded.decoder, Decoder)
    loaded.originals.start()
    for _ in range(200):
        if loaded.originals.state != "loading":
            break
        __import__("time").sleep(0.05)
    items = [0, 7, 1999]
    for item, original in zip(items, loaded.originals.get(items), strict=True):
        assert original is not None
        np.testing.assert_array_equal(original, loaded.decoder(loaded.latents([item]))[0])
