"""Compares our codebook with vector-quantize-pytorch's on its own Fashion-MNIST example, at equal steps.

    python -m benchmarks.codes [--steps 1000] [--batch 256] [--seeds 3] [--json]

Both train the network of the package's `examples/autoencoder.py` (two convolutions each way, 7x7 vectors of 32 numbers,
256 codes, L1 error plus ten times the commitment, AdamW at 3e-4) on the same images in the same order from the same
weights, seed by seed and alternating; only the codebook differs, each with its authors' settings. Error and code usage
are measured on all 10,000 test images; times are medians of the CPU time per step on one thread, which other load
affects least.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.peer_venv import peer_python, run_peer
from benchmarks.peers.vq_autoencoder import CODES, SIZE, train
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import ROOT
from models.data import load_data
from models.layers.quantiser import Quantiser

__all__ = ["main", "ours"]

SCRIPT = ROOT / "benchmarks" / "peers" / "vq_autoencoder.py"
PEER = "vector-quantize-pytorch"
TIMEOUT = 3600  # s
METRICS = {
    "mse": ("MSE, [0, 1]", 5),
    "l1": ("L1, [0, 1]", 5),
    "used": ("codes used, %", 1),
    "ms": ("CPU ms a step", 1),
}


def ours(
    images: NDArray[np.uint8], test: NDArray[np.uint8], steps: int, batch: int, seed: int
) -> dict[str, Any]:
    """Metrics of the example with our codebook, for images (N, 1, 28, 28)."""
    torch.manual_seed(seed)
    quantiser = Quantiser(CODES, SIZE)
    generator = torch.Generator().manual_seed(seed)

    def quantise(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        found = quantiser.learn(z, generator) if quantiser.training else quantiser(z)
        return found.straight_through, found.codes, found.commitment().sum() / z.numel()

    seen, unseen = (torch.from_numpy(each).float() / 127.5 - 1 for each in (images, test))
    return train(seen, unseen, quantise, quantiser, steps, batch, seed)


def theirs(folder: Path, python: Path, steps: int, batch: int, seed: int) -> dict[str, Any]:
    """The same for the peer, which reads its images from the folder.

    Raises:
        RuntimeError: If it fails; the message has its last lines.
    """
    files = [str(folder / name) for name in ("train.npy", "test.npy")]
    numbers = {"steps": steps, "batch": batch, "seed": seed, "threads": 1}
    options = [text for name, value in numbers.items() for text in (f"--{name}", str(value))]
    return run_peer(PEER, [python, SCRIPT, *files, *options], TIMEOUT)


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares the results with the bars."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.codes", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--steps", type=int, default=1000, help="of each training (1000)")
    parser.add_argument("--batch", type=int, default=256, help="images per step (256)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each, alternating (3)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if min(options.steps, options.batch, options.seeds) < 1:
        parser.error("--steps, --batch and --seeds must be at least 1")
    about = machine() | {"steps": options.steps, "batch": options.batch, "seeds": options.seeds}
    torch.set_num_threads(1)
    found: dict[str, list[dict[str, Any]]] = {"ours": [], PEER: []}
    try:
        python = peer_python(PEER, "bench", ".venv-bench", "do without this benchmark")
        images, test = (
            np.ascontiguousarray(load_data("fashion-mnist", split).images.transpose(0, 3, 1, 2))
            for split in ("train", "test")
        )
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            np.save(folder / "train.npy", images)
            np.save(folder / "test.npy", test)
            for seed in range(options.seeds):
                found["ours"].append(ours(images, test, options.steps, options.batch, seed))
                found[PEER].append(theirs(folder, python, options.steps, options.batch, seed))
    except (ValueError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"python -m benchmarks.codes: {error}", file=sys.stderr)
        return 1
    means = {
        variant: {key: statistics.fmean(one[key] for one in each) for key in METRICS}
        for variant, each in found.items()
    }
    us, them = means["ours"], means[PEER]
    bars = [
        Bar("MSE relative to the peer's", us["mse"] / them["mse"], 1.0, "most"),
        Bar("codes used, %", us["used"], 95.0, "least"),
        Bar("codes used relative to the peer's", us["used"] / them["used"], 1.0, "least"),
        Bar("time per step relative to the peer's", us["ms"] / them["ms"], 1.0, "most"),
    ]
    if options.json:
        print(json_text(about | {"runs": found, "bars": [bar.as_dict() for bar in bars]}))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        rows = [
            [variant, *(number(each[key], digits) for key, (_, digits) in METRICS.items())]
            for variant, each in means.items()
        ]
        print(
            table(["codebook", *(title for title, _ in METRICS.values())], rows), bars_text(bars), sep="\n\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
