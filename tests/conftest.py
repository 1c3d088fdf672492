"""What the tests share: a tiny trained checkpoint, and copies of it to break."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from explorer.atlas.build import neighbour_distances
from explorer.atlas.storage import Atlas, save_atlas
from models import Autoencoder, load
from models.card import ATLAS
from models.data import Attribute, ImageData, load_data
from models.latents import encode
from models.training.train import Run, train

settings.register_profile("project", deadline=None)  # a busy machine is no bug
settings.load_profile("project")
os.environ["LATENT_JOB_NICENESS"] = "0"  # tests wait for jobs while others run beside them

TINY = "tiny-vae"


def tiny_run(**changes: object) -> Run:
    """A training of a few steps on a few digits, with a network of a few thousand weights."""
    values: dict[str, object] = {
        "model": "vae",
        "data": "digits",
        "config": {"latent": 4, "width": 4},
        "epochs": 4,
        "batch": 50,
        "limit": 300,
        "rate_warmup": 4,
        "save_every": 5,
    }
    return Run(**(values | changes))  # type: ignore[arg-type]


def make_atlas(model: Autoencoder, parts: list[ImageData]) -> Atlas:
    """The atlas of images, with the two widest latent axes in place of a UMAP map (which takes 13 s to import)."""
    rows = encode(model, np.concatenate([part.images for part in parts]))
    digit = np.concatenate([part.attributes["digit"].values for part in parts])
    mean = rows["mean"]
    return Atlas(
        ids=np.concatenate([part.ids for part in parts]),
        split=[part.split for part in parts for _ in range(len(part))],
        mean=mean,
        std=rows.get("std"),
        attributes={
            "digit": Attribute("digit", "categorical", digit, tuple("0123456789")),
            "even": Attribute("even", "binary", (digit % 2 == 0).astype(np.uint8), ("odd", "even")),
            "ink": Attribute("ink", "continuous", rows["error"] * 10),
        },
        maps={"umap": (mean - mean.mean(0))[:, np.argsort(-mean.var(0))[:2]]},
        scores={name: rows[name] for name in ("kl", "error") if name in rows},
        neighbour_distance=neighbour_distances(mean),
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the browser's tests last: Playwright keeps an event loop running in this thread, and others need none."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained VAE of the digits, with an atlas of 60 test and 140 training images. Read only."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("checkpoints") / TINY
    card = train(tiny_run(title="Tiny", description="A VAE for tests"), folder, device=torch.device("cpu"))
    parts = [load_data("digits", "test", limit=60), load_data("digits", "train", limit=140)]
    save_atlas(folder / ATLAS, make_atlas(load(folder), parts), card.weights_sha256)
    return folder


@pytest.fixture
def copy_of_tiny(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint that a test may break."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "copies" / TINY))


@pytest.fixture
def tiny_only(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the tiny checkpoint the only one that is found by name."""
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tiny_checkpoint.parent))
    return tiny_checkpoint
