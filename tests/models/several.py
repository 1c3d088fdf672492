"""The script that `test_distributed.py` runs under `torchrun`: trainings, one after another, in two processes."""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import models.training.loop
from models import MODELS
from models.__main__ import main
from models.training.train import Run, TrainingError, train
from models.vae import VAE

CPU = torch.device("cpu")
LINE = [
    "train",
    "vae",
    "--data",
    "digits",
    "--epochs",
    "3",
    "--batch",
    "50",
    "--limit",
    "125",
    "--set",
    "latent=4",
    "width=4",
    "--device",
    "cpu",
    "--tensorboard",
]
CONFIGS: dict[str, dict[str, Any]] = {  # all kinds of noise and of averages over the batch
    "pca": {},
    "linear-ae": {},
    "dae": {"corruption": "salt-and-pepper", "network": "mlp", "width": 6},
    "k-sparse-ae": {"k": 2, "width": 6},
    "vae": {"free_bits": 0.1, "network": "mlp", "width": 6},
    "real-nvp": {"width": 6, "couplings": 1, "dequantisation": "variational"},
    "glow": {"width": 6, "steps": 1},
    "vq-vae": {"codebook": 8, "width": 6, "prior_width": 8, "update": "gradient"},
    "vq-vae-2": {"codebook": 8, "width": 6, "prior_width": 8, "halvings": 1},
    "iwae": {"samples": 3, "likelihood": "binarised-bernoulli", "width": 6},
    "td-vae": {"likelihood": "binarised-bernoulli", "width": 6, "belief": 5, "features": 5, "hidden": 4},
}
PRIOR_LAST = {"epochs": 1, "prior_epochs": 1}
SEQUENCE_MODELS = {"td-vae"}
EVEN = {"contractive-ae"}  # its estimate uses a quarter of the images of each process, rounded


def tiny(kind: str, **changes: Any) -> Run:
    """A training of ten steps; the last batch of an epoch is split into 13 and 12 images if the model allows it."""
    names = {field.name for field in fields(MODELS[kind].Config)}
    config = ({"latent": 4} if "latent" in names else {}) | CONFIGS.get(kind, {"width": 6})
    limit = 192 + (48 if kind in EVEN else 25)
    values = {
        "epochs": 2,
        "batch": 48,
        "limit": limit,
        "save_every": 4,
        "rate_warmup": 3,
        "ema": 0.5,
    } | changes
    if kind in SEQUENCE_MODELS:
        return Run(kind, "moving-digits", config, {"source": "digits", "frames": 4}, **values)
    return Run(kind, "digits", config, **values)


class Spoilt(VAE):
    """A VAE whose loss is NaN in the seventh step, in one process only."""

    step = 0

    def loss(self, x: Tensor, **options: Any) -> Any:
        found = super().loss(x, **options)
        self.step += 1
        if self.step == 7 and os.environ["RANK"] == "1":
            found.terms["kl"] = found.terms["kl"] * math.nan
        return found


def all_trainings(out: Path) -> None:
    """Trains every model, one with a prior phase, one that meets NaN and is resumed, one by the command line."""
    models.training.loop.LOG_EVERY = 1
    for kind in MODELS:
        train(tiny(kind), out / kind, device=CPU)
    train(tiny("vq-vae-2", **PRIOR_LAST), out / "prior-last", device=CPU)
    sound, MODELS["vae"] = MODELS["vae"], Spoilt
    try:
        train(tiny("vae"), out / "resumed", device=CPU)
    except TrainingError as error:
        (out / f"error-{os.environ['RANK']}.json").write_text(json.dumps(str(error)))
    MODELS["vae"] = sound
    train(tiny("vae"), out / "resumed", device=CPU, resume=True)
    status = main([*LINE, "--out", str(out / "line")])
    (out / f"status-{os.environ['RANK']}.json").write_text(json.dumps(status))


if __name__ == "__main__":
    all_trainings(Path(sys.argv[1]))
