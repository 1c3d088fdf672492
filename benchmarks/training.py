"""Compares training speed with pythae on its own MNIST VAE, images per second at equal sizes and batch, alternating.

    python -m benchmarks.training [--images 12000] [--batch 64] [--rounds 5] [--no-peer] [--json]

The VAE is pythae's default, 784-512-(16, 16) and 16-512-784, Bernoulli; pythae uses ReLU between the layers, ours tanh,
which is slower. Each round trains all for some epochs from scratch on all cores; first epochs do not count, and medians
over the rounds are compared. Ours runs in plain float32, with the fused optimizer, and also in bfloat16, which we
recommend and to which the bar applies; on a CPU pythae's trainer supports only float32.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.pythae import pythae
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import cores
from models.data import load_data
from models.training.train import Run, train

__all__ = ["main", "ours"]

BAR = 1.5  # times pythae's images per second
CODE, UNITS = 16, 512
BEST = "ours, fused and bfloat16"
VARIANTS: dict[str, dict[str, Any]] = {
    "ours": {},
    "ours, fused optimizer": {"optimizer": "adamw-fused"},
    BEST: {"optimizer": "adamw-fused", "bf16": True},
}


def ours(images: int, batch: int, epochs: int, **settings: Any) -> float:
    """Images per second of our training after its first epoch."""
    config = {"latent": CODE, "likelihood": "bernoulli", "network": "mlp", "width": UNITS, "depth": 1}
    run = Run("vae", "mnist", config=config, epochs=epochs, batch=batch, limit=images, **settings)
    times: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        train(
            run,
            Path(folder) / "vae",
            device=torch.device("cpu"),
            report=lambda step, _steps, _terms: times.append((step, time.perf_counter())),
        )
    counted = [each for each in times if each[0] * batch >= images]
    (first, began), (last, ended) = counted[0], counted[-1]
    return (last - first) * batch / (ended - began)


def theirs(images: int, batch: int, epochs: int) -> float:
    """Images per second of pythae's training after its first epoch."""
    data = load_data("mnist", "train", limit=images).images.transpose(0, 3, 1, 2) / 255
    found = pythae("train", data.astype("float32"), "--batch", str(batch), "--epochs", str(epochs))
    seconds: list[float] = found["seconds"]
    return images / statistics.median(seconds[1:])


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares the result with the bar."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--images", type=int, default=12_000, help="of MNIST to train on (12,000)")
    parser.add_argument("--batch", type=int, default=64, help="images per step (64, pythae's default)")
    parser.add_argument("--epochs", type=int, default=4, help="of each training, the first not counted (4)")
    parser.add_argument("--rounds", type=int, default=5, help="alternating repetitions (5)")
    parser.add_argument("--no-peer", action="store_true", help="measure ours alone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if min(options.batch, options.rounds) < 1 or options.epochs < 2 or options.images < 40 * options.batch:
        parser.error("--batch and --rounds must be at least 1, --epochs 2, --images 40 batches")
    about = machine() | {"images": options.images, "batch": options.batch, "epochs": options.epochs}
    torch.set_num_threads(cores())
    sizes = (options.images, options.batch, options.epochs)
    rates: dict[str, list[float]] = {
        variant: [] for variant in [*VARIANTS, *([] if options.no_peer else ["pythae"])]
    }
    try:
        for _ in range(options.rounds):
            for variant, settings in VARIANTS.items():
                rates[variant].append(ours(*sizes, **settings))
            if not options.no_peer:
                rates["pythae"].append(theirs(*sizes))
    except (ValueError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"python -m benchmarks.training: {error}", file=sys.stderr)
        return 1
    medians = {variant: statistics.median(each) for variant, each in rates.items()}
    bars = (
        []
        if options.no_peer
        else [
            Bar(
                f"{variant}, images per second relative to pythae's",
                medians[variant] / medians["pythae"],
                BAR,
                "least",
            )
            for variant in (BEST, "ours, fused optimizer", "ours")
        ]
    )
    if options.json:
        print(json_text(about | {"rates": rates, "bars": [bar.as_dict() for bar in bars]}))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        rows = [
            [variant, number(medians[variant], 0), number(min(each), 0), number(max(each), 0)]
            for variant, each in rates.items()
        ]
        print(table(["training", "images/s", "least", "most"], rows), bars_text(bars), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
