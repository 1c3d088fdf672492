"""Peer: pythae's own VAE, its trainer and its importance sampling; runs in its own environment and prints JSON.

python pythae_vae.py train IMAGES.npy --batch 128 --epochs 4 --threads 2
python pythae_vae.py nll IMAGES.npy --batch 5000 --samples 5000 --threads 2
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
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

UNITS, CODE = 200, 50  # of the likelihood's networks (Burda et al. 2015)


class Encoder(BaseEncoder):  # type: ignore[misc]
    """784-200-200-(50, 50), tanh."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, UNITS),
            nn.Tanh(),
            nn.Linear(UNITS, UNITS),
            nn.Tanh(),
            nn.Linear(UNITS, 2 * CODE),
        )

    def forward(self, x: Tensor) -> ModelOutput:
        """Mean and log variance."""
        mean, log_variance = self.net(x).chunk(2, 1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Decoder(BaseDecoder):  # type: ignore[misc]
    """50-200-200-784, tanh, sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(CODE, UNITS),
            nn.Tanh(),
            nn.Linear(UNITS, UNITS),
            nn.Tanh(),
            nn.Linear(UNITS, 784),
            nn.Sigmoid(),
        )

    def forward(self, z: Tensor) -> ModelOutput:
        """Probabilities of the pixels."""
        return ModelOutput(reconstruction=self.net(z).view(-1, 1, 28, 28))


class Clock(TrainingCallback):  # type: ignore[misc]
    """Seconds of each epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.began = 0.0

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Starts the timer."""
        self.began = time.perf_counter()

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        """Stops the timer."""
        self.seconds.append(time.perf_counter() - self.began)


def train(images: Tensor, batch: int, epochs: int) -> dict[str, Any]:
    """Trains pythae's default VAE on MNIST's shape, 784-512-16; returns the seconds of each epoch."""
    model = VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=16, reconstruction_loss="bce"))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            per_device_train_batch_size=batch,
            learning_rate=1e-3,
            no_cuda=True,
        )
        data = BaseDataset(images, torch.zeros(len(images)))
        BaseTrainer(model, data, training_config=config, callbacks=[clock]).train()
    return {"seconds": clock.seconds, "parameters": sum(p.numel() for p in model.parameters())}


def nll(images: Tensor, batch: int, samples: int) -> dict[str, Any]:
    """Times `get_nll` of an untrained VAE with the likelihood benchmark's networks."""
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=CODE, reconstruction_loss="bce")
    model = VAE(config, Encoder(), Decoder()).eval()
    with torch.no_grad():
        model.get_nll(images[:1], n_samples=samples, batch_size=batch)
        began = time.perf_counter()
        model.get_nll(images, n_samples=samples, batch_size=batch)
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "parameters": sum(p.numel() for p in model.parameters())}


def main() -> None:
    """Reads the arguments, measures, prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "nll"))
    parser.add_argument("images", help="uint8 or float32 images (N, 1, 28, 28), .npy")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    images = torch.from_numpy(np.load(options.images, allow_pickle=False).astype(np.float32))
    with contextlib.redirect_stdout(sys.stderr):
        found = (
            train(images, options.batch, options.epochs)
            if options.what == "train"
            else nll(images, options.batch, options.samples)
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
