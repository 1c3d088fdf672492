"""The models and their training: `from models import load; model = load("faces-vae")`.

Names are imported on first use, so that `import models.card` does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import models.system.offline  # noqa: F401

if TYPE_CHECKING:
    from models.base import Autoencoder, LatentSpec, Level, Loss, Posterior
    from models.card import CheckpointError
    from models.checkpoint import load
    from models.families import FAMILIES, MODELS

__all__ = [
    "FAMILIES",
    "MODELS",
    "Autoencoder",
    "CheckpointError",
    "LatentSpec",
    "Level",
    "Loss",
    "Posterior",
    "load",
]

HOMES = {
    **dict.fromkeys(("FAMILIES", "MODELS"), "families"),
    "CheckpointError": "card",
    "load": "checkpoint",
    **dict.fromkeys(("Autoencoder", "LatentSpec", "Level", "Loss", "Posterior"), "base"),
}


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"models.{HOMES[name]}"), name)
