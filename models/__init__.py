"""The model zoo and the training module. `from models import load; model = load("faces-vae")`."""

from __future__ import annotations

from models.base import Autoencoder, LatentSpec, Loss, Posterior
from models.checkpoint import CheckpointError, load
from models.vae import VAE

__all__ = [
    "MODELS",
    "Autoencoder",
    "CheckpointError",
    "LatentSpec",
    "Loss",
    "Posterior",
    "load",
]

MODELS: dict[str, type[Autoencoder]] = {"vae": VAE}
