"""Peer: vector-quantize-pytorch in its own Fashion-MNIST example; runs in its own environment and prints JSON.

python vq_autoencoder.py TRAIN.npy TEST.npy --steps 1000 --batch 256 --seed 0 --threads 1

The network, loss and optimizer are those of the package's `examples/autoencoder.py`, reimplemented: ours trains exactly
the same around its own codebook, with `train` below.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

CODES, SIZE = 256, 32
ALPHA, RATE = 10.0, 3e-4
LEFT_OUT = 10  # first steps, excluded from timing
AT_ONCE = 500  # test images per batch

# Maps vectors (B, D, rows, columns) to quantised vectors, codes (B, rows, columns) and the mean square commitment.
Quantise = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]


class Network(nn.Module):
    """28x28 grey pixels in [-1, 1] to 7x7 vectors of 32 numbers, and back."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.MaxPool2d(2),
            nn.GELU(),
            nn.Conv2d(16, SIZE, 3, padding=1),
            nn.MaxPool2d(2),
        )
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.Conv2d(SIZE, 16, 3, padding=1),
            nn.GELU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 1, 3, padding=1),
        )

    def forward(self, x: Tensor, quantise: Quantise) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction, codes and commitment."""
        passed, codes, commitment = quantise(self.encoder(x))
        return self.decoder(passed).clamp(-1, 1), codes, commitment


def train(
    images: Tensor, test: Tensor, quantise: Quantise, own: nn.Module, steps: int, batch: int, seed: int
) -> dict[str, Any]:
    """Trains the network around a codebook and measures it.

    Arguments:
        images: Training images (N, 1, 28, 28) in [-1, 1].
        test: Test images, likewise.
        quantise: Returns codes; learns while `own` is in training mode.
        own: The quantiser's module; its parameters, if any, are trained too.
        steps: Number of steps.
        batch: Images per step.
        seed: Seed of the weights and of the images in each step.

    Returns:
        Median CPU time per step in ms, error on the test images in [0, 1], share of codes used on them in percent.
    """
    torch.manual_seed(seed)
    network = Network()
    optimizer = torch.optim.AdamW([*network.parameters(), *own.parameters()], lr=RATE)
    chosen = torch.Generator().manual_seed(seed)
    times = []
    own.train()
    for _ in range(steps):
        x = images[torch.randint(len(images), (batch,), generator=chosen)]
        began = time.process_time()
        output, _, commitment = network(x, quantise)
        loss = (output - x).abs().mean() + ALPHA * commitment
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        times.append(time.process_time() - began)
    own.eval()
    with torch.no_grad():
        seen = [network(x, quantise) for x in torch.split(test, AT_ONCE)]
    misses = (torch.cat([output for output, _, _ in seen]) - test) / 2
    used = torch.unique(torch.cat([codes.flatten() for _, codes, _ in seen]))
    return {
        "ms": 1000 * statistics.median(times[min(LEFT_OUT, steps - 1) :]),
        "l1": float(misses.abs().mean()),
        "mse": float(misses.square().mean()),
        "used": 100 * len(used) / CODES,
    }


def main() -> None:
    """Reads the arguments, measures, prints one line of JSON."""
    from vector_quantize_pytorch import VectorQuantize

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", help="uint8 images (N, 1, 28, 28), .npy")
    parser.add_argument("test", help="likewise")
    for name in ("steps", "batch", "seed", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images, test = (
        torch.from_numpy(np.load(file, allow_pickle=False)).float() / 127.5 - 1
        for file in (options.images, options.test)
    )
    torch.manual_seed(options.seed)
    quantise = VectorQuantize(dim=SIZE, codebook_size=CODES, accept_image_fmap=True)
    print(json.dumps(train(images, test, quantise, quantise, options.steps, options.batch, options.seed)))


if __name__ == "__main__":
    main()
