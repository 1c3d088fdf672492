"""Checkpoints of the digits that can be read, trained in seconds, and ways to break one."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import torch

from explorer.atlas import ATLAS, save_atlas
from models import MODELS, checkpoint
from models.data import load_data
from models.train import train
from tests.conftest import make_atlas, tiny_run

__all__ = ["CODES", "break_weights", "train_digits"]

TEST, TRAIN = 300, 100  # images in an atlas
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
    """Trains a model on the digits and writes its atlas, with a made-up map in place of a UMAP.

    Arguments:
        folder: Of the checkpoint; its last part is the checkpoint's name.
        title: For people.
        latent: Dimensions; two have no map.
        epochs: Passes over the digits; twenty take about four seconds.
        model: Which model of the zoo.
        settings: Of its configuration, beside a width of 8.
    """
    torch.set_num_threads(1)  # the threads of small layers wait for each other longer than they work
    names = {field.name for field in fields(MODELS[model].Config)}
    config = {k: v for k, v in {"latent": latent, "width": 8}.items() if k in names} | settings
    run = tiny_run(
        model=model, title=title, config=config, epochs=epochs, batch=128, limit=0,
        rate=3e-3, rate_warmup=30,
    )  # fmt: skip
    card = train(run, folder, device=torch.device("cpu"))
    parts = [load_data("digits", "test", limit=TEST), load_data("digits", "train", limit=TRAIN)]
    atlas = make_atlas(checkpoint.load(folder), parts)
    save_atlas(folder / ATLAS, atlas if latent > 2 else replace(atlas, maps={}), card.weights_sha256)


def break_weights(folder: Path) -> None:
    """Changes one bit of a checkpoint's weights, so that they no longer are what the card says."""
    path = folder / checkpoint.WEIGHTS
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
