"""A small real checkpoint with its atlas, an engine for it, and a server that runs the live
routes."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import uvicorn
from starlette.applications import Starlette
from streamlit.components.v2 import manifest_scanner

from explorer.atlas.build import neighbour_distances
from explorer.atlas.storage import Atlas, save_atlas
from explorer.live.routes import routes
from explorer.scene import engine as engine_module
from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from models import checkpoint
from models.base import Autoencoder
from models.card import ATLAS
from models.data import Attribute, load_data
from models.latents import encode
from models.real_nvp import RealNVP, RealNVPConfig
from models.vae import VAE, VAEConfig
from tests.explorer.checkpoints import CODES, train_digits, write_sequences

COUNT, LATENT = 300, 6
NAME = "tiny-vae"
SEQUENCES = "tiny-td-vae"


@pytest.fixture(scope="session", autouse=True)
def component_packages() -> Iterator[None]:
    """Searches the installed packages for Streamlit components once; an AppTest would do it before every run."""
    with pytest.MonkeyPatch.context() as patch:
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", functools.cache(scan))
        yield


def make_checkpoint(folder: Path, *, seed: int = 0, latent: int = LATENT, flow: bool = False) -> None:
    """Writes an untrained VAE, or Real NVP of two levels, of the digits with an atlas of test and training images."""
    torch.manual_seed(seed)
    model: Autoencoder = VAE(VAEConfig((1, 8, 8), latent=latent, width=8)).eval()
    if flow:
        model = RealNVP(RealNVPConfig((1, 8, 8), width=4, couplings=1, levels=2)).eval()
    kind = "real-nvp" if flow else "vae"
    card = checkpoint.write(folder, model, model_name=kind, data={"name": "digits", "options": {}})
    test, train = (
        load_data("digits", "test", limit=100),
        load_data("digits", "train", limit=COUNT - 100),
    )
    mean = encode(model, np.concatenate([test.images, train.images]))["mean"]
    if not flow:  # which has no code but the image's own
        mean = ((mean - mean.mean(0)) / mean.std(0)).astype(np.float32)
    rng = np.random.default_rng(0)
    digit = np.concatenate([test.attributes["digit"].values, train.attributes["digit"].values])
    attributes = {
        "digit": Attribute("digit", "categorical", digit, tuple(str(d) for d in range(10))),
        "even": Attribute("even", "binary", (digit % 2 == 0).astype(np.uint8)),
        "loop": Attribute(
            "loop", "binary", np.isin(digit, (0, 6, 8, 9)).astype(np.uint8), ("open", "closed")
        ),
        "ink": Attribute("ink", "continuous", mean[:, 0].copy()),
    }
    umap = (mean[:, :2] + 0.1 * rng.normal(size=(COUNT, 2))).astype(np.float32)
    atlas = Atlas(
        ids=np.concatenate([test.ids, train.ids]),
        split=["test"] * 100 + ["train"] * (COUNT - 100),
        mean=mean,
        std=None if flow else np.full_like(mean, 0.5),
        attributes=attributes,
        maps={"umap": umap} if latent > 2 else {},
        scores={"kl": rng.random(COUNT, np.float32)},
        neighbour_distance=neighbour_distances(mean),
    )
    save_atlas(folder / ATLAS, atlas, card.weights_sha256)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoints tiny-vae, flat-vae (2-D), tiny-flow, a model of sequences and one that is broken."""
    folder = tmp_path_factory.mktemp("checkpoints")
    write_sequences(folder / SEQUENCES)
    make_checkpoint(folder / NAME)
    make_checkpoint(folder / "flat-vae", seed=1, latent=2)
    make_checkpoint(folder / "tiny-flow", flow=True)
    make_checkpoint(folder / "broken-vae", seed=2)
    weights = folder / "broken-vae" / "weights.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 0xFF
    weights.write_bytes(raw)
    return folder


@pytest.fixture(autouse=True)
def places(
    library: Path,
    shared_engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sets the shared engine, the test checkpoints and an empty cache; tests of pages have their own."""
    monkeypatch.setattr(engine_module, "_ENGINE", shared_engine)
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(library))
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[Engine]:
    """An engine for all tests, also the one that the routes use."""
    made = Engine(torch.device("cpu"), workers=2)
    engine_module._ENGINE = made
    yield made
    engine_module._ENGINE = None
    made.close()


@pytest.fixture
def loaded(shared_engine: Engine, places: None) -> Loaded:
    """The model tiny-vae in memory."""
    return shared_engine.open_sync(NAME)


@pytest.fixture
def flow(shared_engine: Engine, places: None) -> Loaded:
    """The model tiny-flow, of two levels, in memory."""
    return shared_engine.open_sync("tiny-flow")


@pytest.fixture(scope="session")
def code_shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small VQ-VAE-2 of the digits."""
    folder = tmp_path_factory.mktemp("codes")
    train_digits(folder / "two-codes", latent=4, epochs=16, model="vq-vae-2", **CODES)
    return folder


@pytest.fixture
def two(code_shelf: Path, library: Path, shared_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """The model in memory, in addition to the others."""
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{library}{os.pathsep}{code_shelf}")
    return shared_engine.open_sync("two-codes")


@pytest.fixture(scope="session")
def server(shared_engine: Engine) -> Iterator[str]:
    """A running server with the live routes; yields "localhost:PORT"."""
    config = uvicorn.Config(
        Starlette(routes=routes()),
        "127.0.0.1",
        0,
        ws="websockets-sansio",
        log_level="error",
        lifespan="off",
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not running.started and time.monotonic() < until:
        time.sleep(0.01)
    yield f"localhost:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    thread.join(10)
