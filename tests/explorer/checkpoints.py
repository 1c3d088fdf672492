"""Small checkpoints of the digits, trained in seconds, and ways to damage one."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch

from explorer.atlas.build import neighbour_distances
from explorer.atlas.storage import Atlas, save_atlas
from models import MODELS, checkpoint
from models.card import ATLAS, WEIGHTS
from models.data import load_data, load_sequences
from models.evaluation.moving_digits import as_tensor
from models.td_vae import TDVAE, TDVAEConfig
from models.training.train import train
from tests.conftest import make_atlas, tiny_run

__all__ = ["CODES", "SMALL_SEQUENCES", "break_weights", "train_digits", "write_sequences"]

TEST, TRAIN = 300, 100  # images in an atlas
SMALL_SEQUENCES = {"source": "digits", "frames": 10}  # moving digits from bundled data
CODES = {
    "codebook": 16,
    "halvings": 1,
    "prior_width": 8,
    "prior_depth": 1,
}  # of a small model with discrete codes


def train_digits(
    folder: Path,
    *,
    title: str = "Digits",
    latent: int = 8,
    epochs: int = 25,
    model: str = "vae",
    **settings: object,
) -> None:
    """Trains a model on the digits and writes its atlas, with a random map in place of UMAP.

    Arguments:
        folder: Of the checkpoint; its last part is the checkpoint's name.
        title: For people.
        latent: Dimensions; two have no map.
        epochs: Passes over the digits; twenty take about four seconds.
        model: Which model of the zoo.
        settings: Of its configuration, beside a width of 8.
    """
    torch.set_num_threads(1)  # for small layers, threads cost more than they save
    names = {field.name for field in fields(MODELS[model].Config)}
    config = {k: v for k, v in {"latent": latent, "width": 8}.items() if k in names} | settings
    run = tiny_run(
        model=model,
        title=title,
        config=config,
        epochs=epochs,
        batch=128,
        limit=0,
        rate=3e-3,
        rate_warmup=30,
    )
    card = train(run, folder, device=torch.device("cpu"))
    parts = [load_data("digits", "test", limit=TEST), load_data("digits", "train", limit=TRAIN)]
    atlas = make_atlas(checkpoint.load(folder), parts)
    save_atlas(folder / ATLAS, atlas if latent > 2 else replace(atlas, maps={}), card.weights_sha256)


def write_sequences(folder: Path, *, title: str = "Moving", steps: int = 0) -> None:
    """Writes a TD-VAE of the small moving digits, trained for a few steps, with an atlas of test sequences.

    Arguments:
        folder: Of the checkpoint.
        title: For people.
        steps: Of training; 200 take a few seconds.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes = {"latent": 6, "belief": 16, "features": 16, "hidden": 16, "jump": 4}
    model = TDVAE(TDVAEConfig((1, 8, 8), network="mlp", width=32, depth=1, **sizes))
    data = load_sequences("moving-digits", "train", **SMALL_SEQUENCES)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    rng, noise = np.random.default_rng(0), torch.Generator().manual_seed(0)
    for _ in range(steps):
        frames = as_tensor(data.frames(rng.integers(len(data), size=32)))
        optimiser.zero_grad()
        model.loss(frames, generator=noise).total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    about = {"name": "moving-digits", "options": SMALL_SEQUENCES}
    card = checkpoint.write(folder, model.eval(), model_name="td-vae", data=about, title=title)
    save_atlas(folder / ATLAS, _sequence_atlas(model), card.weights_sha256)


def _sequence_atlas(model: TDVAE) -> Atlas:
    """The latents of test sequences, with two of their dimensions in place of a map."""
    data = load_sequences("moving-digits", "test", limit=60, **SMALL_SEQUENCES)
    with torch.inference_mode():
        mean = model.encode(as_tensor(data.frames(np.arange(len(data))))).mean.numpy()
    return Atlas(
        ids=data.ids,
        split=["test"] * len(data),
        mean=mean,
        std=None,
        attributes=data.attributes,
        maps={"umap": mean[:, :2].copy()},
        scores={},
        neighbour_distance=neighbour_distances(mean),
    )


def break_weights(folder: Path) -> None:
    """Flips one bit of a checkpoint's weights, so that they no longer match the card."""
    path = folder / WEIGHTS
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
