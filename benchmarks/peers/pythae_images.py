"""Peer: pythae's VAE on colour images for a time budget; runs in its own environment and prints JSON.

python pythae_images.py TRAIN.npy VALIDATION.npy TEST.npy --network mlp --latent 64 --minutes 20 --batch 64 --threads 2

The networks are pythae's own: "mlp", its default, or "celeba", the convolutions of its CelebA benchmark, for 64x64 RGB.
Its trainer counts epochs, so a callback ends it when the time is over. It saves the weights with the lowest
validation loss, as ours does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from typing import Any

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.nn.benchmarks.celeba import Decoder_Conv_AE_CELEBA, Encoder_Conv_VAE_CELEBA
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor

EPOCHS = 100_000  # never reached within the time budget
AT_ONCE = 256  # images


class OutOfTime(Exception):
    """The time budget is over."""


class Deadline(TrainingCallback):  # type: ignore[misc]
    """Ends a training when its time budget is over, and counts its steps."""

    def __init__(self, minutes: float) -> None:
        self.steps = 0
        self.end = time.perf_counter() + 60 * minutes

    def on_train_step_end(self, *_: Any, **__: Any) -> None:
        """Checks the time."""
        self.steps += 1
        if time.perf_counter() > self.end:
            raise OutOfTime


def load(file: str) -> Tensor:
    """Loads images uint8 (N, H, W, C) as floats (N, C, H, W) in [0, 1]."""
    return torch.from_numpy(np.load(file, allow_pickle=False)).permute(0, 3, 1, 2).float() / 255


def train(
    images: Tensor, validation: Tensor, network: str, latent: int, batch: int, minutes: float
) -> tuple[VAE, int]:
    """Trains pythae's VAE; returns the model with the lowest validation loss, and the number of steps."""
    config = VAEConfig(input_dim=tuple(images.shape[1:]), latent_dim=latent, reconstruction_loss="mse")
    parts = (Encoder_Conv_VAE_CELEBA(config), Decoder_Conv_AE_CELEBA(config)) if network == "celeba" else ()
    deadline = Deadline(minutes)
    with tempfile.TemporaryDirectory() as folder:
        settings = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=EPOCHS,
            per_device_train_batch_size=batch,
            per_device_eval_batch_size=AT_ONCE,
            learning_rate=1e-3,
            no_cuda=True,
        )
        data, held = (BaseDataset(each, torch.zeros(len(each))) for each in (images, validation))
        trainer = BaseTrainer(VAE(config, *parts), data, held, settings, callbacks=[deadline])
        with contextlib.suppress(OutOfTime):
            trainer.train()
    return getattr(trainer, "_best_model", trainer.model).eval(), deadline.steps


@torch.no_grad()
def psnr(model: VAE, images: Tensor) -> float:
    """Computes the mean PSNR of the decoded posterior means, in dB."""
    found = []
    for x in torch.split(images, AT_ONCE):
        rebuilt = model.decoder(model.encoder(x).embedding).reconstruction.view_as(x).clamp(0, 1)
        found.append(-10 * (rebuilt - x).square().flatten(1).mean(1).clamp(min=1e-10).log10())
    return float(torch.cat(found).mean())


def main() -> None:
    """Reads the arguments, trains, prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("train", "validation", "test"):
        parser.add_argument(name, help="uint8 images (N, H, W, C), .npy")
    parser.add_argument("--network", choices=("mlp", "celeba"), default="mlp")
    parser.add_argument("--latent", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with contextlib.redirect_stdout(sys.stderr):
        images, validation, test = (load(file) for file in (options.train, options.validation, options.test))
        sizes = (options.network, options.latent, options.batch, options.minutes)
        model, steps = train(images, validation, *sizes)
        parameters = sum(each.numel() for each in model.parameters())
        found = {"psnr": psnr(model, test), "steps": steps, "parameters": parameters}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
