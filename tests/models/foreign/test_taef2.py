"""A real model goes from torch to ONNX to a checkpoint, and gives the same pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from models import checkpoint
from models.data.locations import require
from models.data.tensors import to_tensor
from models.import_model import import_model
from tests.models.data import NEEDS_DATA
from tests.models.foreign.taef2 import Taef2, export

SIZE = 32


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Eight crops of scikit-learn's two photographs."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number, photograph in enumerate(load_sample_images().images):
        for place in range(4):
            part = photograph[40 : 40 + 192, 70 * place : 70 * place + 192]
            Image.fromarray(part).resize((SIZE, SIZE)).save(folder / f"{number}-{place}.png")
    return folder


@NEEDS_DATA
def test_an_exported_model_gives_the_same_pictures(photographs: Path, tmp_path: Path) -> None:
    model = Taef2.from_file(require("taef2/taef2.safetensors"))
    found = import_model(export(model, tmp_path / "taef2"), tmp_path / "mine", images=photographs, size=SIZE)
    config = found.config
    assert (config.image_shape, config.latent_shape) == ((3, SIZE, SIZE), (32, SIZE // 8, SIZE // 8))
    # As the README of the data folder says: values in [0, 1], no scale.
    assert (config.input_range, config.output_range, config.channels) == ("unit", "unit", "rgb")
    ours = checkpoint.load(found.folder)
    x = to_tensor(np.stack([np.asarray(Image.open(path)) for path in sorted(photographs.iterdir())]))
    with torch.no_grad():
        expected = model.decoder(model.encoder(x)).clamp(0, 1)
    assert (ours.decode(ours.encode(x).mean) - expected).abs().max() < 1 / 255
