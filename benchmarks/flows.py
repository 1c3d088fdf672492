"""Compares our Glow with normflows' on MNIST, bits/dim and time per step, at equal size, data, noise and steps.

    python -m benchmarks.flows [--steps 400] [--batch 32] [--width 32] [--blocks 8] [--no-peer] [--json]

Both have two levels, 28x28 squeezed to 14x14 and 7x7, ActNorm, LU 1x1 convolutions and the same networks, and are
trained by Adamax with the same batches and clipping, each on all cores, one after the other. normflows is measured with
the linear scaling of its own example and with its logit; ours is compared with the better one. Ours is also measured
with variational dequantisation, which normflows lacks, and in bfloat16. Bits/dim are on test images, with one draw of
noise per image.
"""

from __future__ import annotations

import argparse
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
from benchmarks.peers.flow_steps import options, train_and_measure
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import cores
from models.data import load_data
from models.glow import Glow, GlowConfig

__all__ = ["main", "ours", "theirs"]

SCRIPT = "benchmarks.peers.normflows_glow"
TIMEOUT = 7200  # s
VARIANTS: dict[str, dict[str, Any]] = {
    "ours": {},
    "ours, bfloat16": {"bf16": True},
    "ours, variational noise": {"dequantisation": "variational"},
}


def ours(
    images: NDArray[Any], test: NDArray[Any], run: Any, *, bf16: bool = False, dequantisation: str = "uniform"
) -> dict[str, Any]:
    """The result of `train_and_measure` for our Glow, on uint8 images (N, 1, 28, 28)."""
    torch.manual_seed(0)
    config = GlowConfig(
        (1, 28, 28), levels=2, width=run.width, steps=run.blocks, dequantisation=dequantisation
    )
    model = Glow(config).train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def nll(x: Tensor, generator: torch.Generator) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16 and torch.is_grad_enabled()):
            loss: Tensor = model.loss(x, generator=generator).total
        return loss

    return train_and_measure(nll, model.parameters(), torch.from_numpy(images), torch.from_numpy(test), run)


def theirs(images: NDArray[Any], test: NDArray[Any], run: Any, transform: str) -> dict[str, Any]:
    """The result of `train_and_measure` for normflows' Glow.

    Raises:
        RuntimeError: If its environment cannot be created or it fails; the message has its last lines.
    """
    python = peer_python("normflows", "bench", ".venv-bench", "measure ours alone with --no-peer")
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "images.npy", Path(folder) / "test.npy"]
        for file, values in zip(files, (images, test), strict=True):
            np.save(file, values)
        command = [python, "-m", SCRIPT, *files, "--transform", transform, "--threads", cores()]
        for name in ("steps", "batch", "width", "blocks", "rate"):
            command += [f"--{name}", getattr(run, name)]
        return run_peer("normflows", command, TIMEOUT)


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares ours with normflows'."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.flows", description=__doc__.partition("\n")[0]
    )
    options(parser)
    parser.add_argument("--images", type=int, default=60_000, help="of MNIST to train on (all)")
    parser.add_argument("--test-images", type=int, default=1000, help="to measure on (1000)")
    parser.add_argument("--no-peer", action="store_true", help="measure ours alone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    run = parser.parse_args(arguments)
    if min(run.steps, run.images, run.test_images) < 2 or min(run.batch, run.width, run.blocks) < 1:
        parser.error(
            "--steps, --images and --test-images must be at least 2, --batch, --width and --blocks 1"
        )
    about = machine() | {name: getattr(run, name) for name in ("steps", "batch", "width", "blocks", "rate")}
    torch.set_num_threads(cores())
    found: dict[str, dict[str, Any]] = {}
    try:
        images, test = (
            np.ascontiguousarray(load_data("mnist", split, limit=limit).images.transpose(0, 3, 1, 2))
            for split, limit in (("train", run.images), ("test", run.test_images))
        )
        for variant, settings in VARIANTS.items():
            found[variant] = ours(images, test, run, **settings)
        for transform in () if run.no_peer else ("linear", "logit"):
            found[f"normflows, {transform}"] = theirs(images, test, run, transform)
    except (ValueError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"python -m benchmarks.flows: {error}", file=sys.stderr)
        return 1
    bars = []
    if peers := [each for variant, each in found.items() if variant.startswith("normflows")]:
        best = min(peer["bits_per_dim"] for peer in peers)
        fastest = min(peer["ms"] for peer in peers)
        bars = [
            Bar(
                "bits/dim relative to normflows' better one",
                found["ours"]["bits_per_dim"] / best,
                1.0,
                "most",
            ),
            Bar("ms per step relative to normflows' faster one", found["ours"]["ms"] / fastest, 1.0, "most"),
        ]
    if run.json:
        print(json_text(about | {"found": found, "bars": [bar.as_dict() for bar in bars]}))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        rows = [
            [variant, number(each["bits_per_dim"], 3), number(each["ms"], 1), f"{each['parameters']:,}"]
            for variant, each in found.items()
        ]
        print(table(["Glow", "bits/dim", "ms a step", "parameters"], rows), bars_text(bars), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
