"""Compares importance sampling with pythae's `get_nll`: IS-5000 on MNIST's test images, with the same networks.

    python -m benchmarks.likelihood [--images 10000] [--peer-images 100] [--no-peer] [--json]

The VAE is that of Burda et al. (2015) with 200 units, 784-200-200-(50, 50) and back; its weights do not affect the
time, so it is not trained. Ours evaluates all images. pythae evaluates some, one by one as it always does, with the
better batch size of 5,000 and 500 draws; its time is proportional to the images, and is scaled up.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import Any

import torch

from benchmarks.pythae import pythae
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import cores
from models.data import load_data
from models.evaluation.importance_sampling import importance_sampled
from models.vae import VAE, VAEConfig

__all__ = ["main", "ours"]

MINUTES, TIMES = 5.0, 2.5  # the bars: for all test images, and the speed-up over pythae
TEST_IMAGES = 10_000
BATCHES = (500, 5000)  # draws per batch in pythae


def ours(images: torch.Tensor, samples: int) -> float:
    """Seconds for images (N, 1, 28, 28) of 0 and 1."""
    torch.manual_seed(0)
    config = VAEConfig(
        (1, 28, 28), latent=50, likelihood="binarised-bernoulli", network="mlp", width=200, depth=2
    )
    model = VAE(config).eval()
    importance_sampled(model, images[:2], samples)
    began = time.perf_counter()
    importance_sampled(model, images, samples)
    return time.perf_counter() - began


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares the results with the bars."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.likelihood", description=__doc__.partition("\n")[0]
    )
    parser.add_argument(
        "--images", type=int, default=TEST_IMAGES, help="of MNIST's test images for ours (all)"
    )
    parser.add_argument("--peer-images", type=int, default=100, help="for pythae (100)")
    parser.add_argument("--samples", type=int, default=5000, help="draws per image (5000)")
    parser.add_argument("--no-peer", action="store_true", help="measure ours alone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if min(options.images, options.peer_images, options.samples) < 2:
        parser.error("--images, --peer-images and --samples must be at least 2")
    about: dict[str, Any] = machine() | {"images": options.images, "samples": options.samples}
    torch.set_num_threads(cores())
    try:
        data = load_data("mnist", "test", limit=max(options.images, options.peer_images)).images
        binary = torch.from_numpy((data.transpose(0, 3, 1, 2) > 127).astype("float32"))
        scale = 1e6 / options.samples  # µs per draw
        draws = {"ours": scale * ours(binary[: options.images], options.samples) / options.images}
        if not options.no_peer:
            some = binary[: options.peer_images].numpy()
            for batch in BATCHES:
                found = pythae("nll", some, "--batch", str(batch), "--samples", str(options.samples))
                draws[f"pythae, {batch} at once"] = scale * found["seconds"] / options.peer_images
    except (ValueError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"python -m benchmarks.likelihood: {error}", file=sys.stderr)
        return 1
    minutes = {variant: each * options.samples * TEST_IMAGES / 60e6 for variant, each in draws.items()}
    bars = [Bar("minutes for 10,000 images", minutes["ours"], MINUTES, "most")]
    if not options.no_peer:
        best = min(each for variant, each in minutes.items() if variant != "ours")
        bars.append(Bar("speed-up over pythae at its best batch", best / minutes["ours"], TIMES, "least"))
    if options.json:
        print(
            json_text(about | {"us_a_draw": draws, "minutes": minutes, "bars": [b.as_dict() for b in bars]})
        )
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        rows = [[variant, number(each, 2), number(minutes[variant], 2)] for variant, each in draws.items()]
        print(table(["", "µs a draw", "min for 10,000"], rows), bars_text(bars), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
