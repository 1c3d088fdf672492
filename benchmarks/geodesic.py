"""Compares geodesics through a checkpoint's decoder with stochman's: same decoder, same metric, same ends.

    python -m benchmarks.geodesic [--model mnist-vae-2d] [--pairs 6] [--iterations 150 600] [--no-peer] [--json]

Both minimise the energy of the decoded curve, a cubic spline between the same two latents, without the penalty, which
stochman lacks. Energy and length of both are then measured at the same 513 points, in float64, with the same decoder.
stochman runs its default 150 iterations of Adam and more; ours is compared with its better curve of each pair. The
straight line is listed for reference.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.peer_venv import peer_python, run_peer
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import cores
from explorer.atlas.storage import load_atlas
from explorer.latent.geometry.energy import energy, length
from explorer.latent.geometry.splines import natural_weights
from explorer.scene.geodesics import CONTROLS, STEPS, geodesics
from models import checkpoint

__all__ = ["main"]

SCRIPT = "benchmarks.peers.stochman_geodesic"
TIMEOUT = 1800  # s
DENSE = 513  # points at which a curve is measured
BOUND = 1.02  # largest ratio to the peer's energy and length
SEED = 0


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares ours with stochman's."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.geodesic", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--model", default="mnist-vae-2d", help="checkpoint (mnist-vae-2d)")
    parser.add_argument("--pairs", type=int, default=6, help="of images to join (6)")
    parser.add_argument(
        "--iterations", type=int, nargs="+", default=[150, 600], help="of stochman's (150 600)"
    )
    parser.add_argument("--no-peer", action="store_true", help="measure ours alone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    run = parser.parse_args(arguments)
    if run.pairs < 1 or min(run.iterations) < 1:
        parser.error("--pairs and --iterations must be at least 1")
    about = machine() | {"model": run.model, "pairs": run.pairs}
    torch.set_num_threads(cores())
    try:
        entry = checkpoint.read(run.model)
        model = checkpoint.load(entry.path).eval().requires_grad_(False)
        mean = load_atlas(entry).mean
        ends = mean[np.random.default_rng(SEED).choice(len(mean), (run.pairs, 2), replace=False)]
        found = {"straight": {"curves": np.linspace(ends[:, 0], ends[:, 1], DENSE, axis=1), "seconds": [0.0]}}
        found["ours"] = ours(model, ends)
        for count in () if run.no_peer else run.iterations:
            found[f"stochman, {count} iterations"] = theirs(entry.path, ends, count)
        measured = {variant: measure(model, each) for variant, each in found.items()}
    except (ValueError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"python -m benchmarks.geodesic: {error}", file=sys.stderr)
        return 1
    bars = held(measured)
    if run.json:
        print(json_text(about | {"found": measured, "bars": [bar.as_dict() for bar in bars]}))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        rows = [
            [
                variant,
                number(np.mean(each["energy"]), 3),
                number(np.mean(each["length"]), 3),
                number(each["seconds"], 1),
            ]
            for variant, each in measured.items()
        ]
        print(table(["Curve", "energy", "length", "s for all"], rows), bars_text(bars), sep="\n\n")
    return 0


def ours(model: Any, ends: NDArray[np.float32]) -> dict[str, Any]:
    """Our curves between all pairs (P, 2, D), computed together."""

    def decode(z: Tensor) -> Tensor:
        x: Tensor = model.decode(z)
        return x

    began = time.perf_counter()
    starts, goals = torch.from_numpy(ends).unbind(1)
    curves = geodesics(decode, starts.contiguous(), goals.contiguous()).latents.double().numpy()
    seconds = time.perf_counter() - began
    # The same spline evaluated at more points.
    nodes = np.linspace(0, 1, CONTROLS + 2)
    weights = natural_weights(nodes, np.linspace(0, 1, STEPS + 1))
    controls = np.linalg.lstsq(weights, curves.swapaxes(0, 1).reshape(STEPS + 1, -1), rcond=None)[0]
    dense = natural_weights(nodes, np.linspace(0, 1, DENSE)) @ controls
    return {"curves": dense.reshape(DENSE, len(ends), -1).swapaxes(0, 1), "seconds": [seconds]}


def theirs(folder: Path, ends: NDArray[np.float32], iterations: int) -> dict[str, Any]:
    """Stochman's curves between the pairs, computed one by one.

    Raises:
        RuntimeError: If its environment cannot be created or it fails; the message has its last lines.
    """
    python = peer_python("stochman", "bench-stochman", ".venv-stochman", "measure ours alone with --no-peer")
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "ends.npy"
        np.save(file, ends)
        command = [
            python,
            "-m",
            SCRIPT,
            folder.resolve(),
            file,
            "--iterations",
            iterations,
            "--nodes",
            CONTROLS + 2,
        ]
        command += ["--points", STEPS + 1, "--threads", cores()]
        return run_peer("stochman", command, TIMEOUT)


def measure(model: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Energy and length of each decoded curve (DENSE, D), and the total time in seconds."""
    energies, lengths = [], []
    with torch.inference_mode():
        for curve in np.asarray(found["curves"], np.float32):
            x = model.decode(torch.from_numpy(curve)).double().numpy()
            energies.append(energy(x))
            lengths.append(length(x))
    return {"energy": energies, "length": lengths, "seconds": float(sum(found["seconds"]))}


def held(measured: dict[str, dict[str, Any]]) -> list[Bar]:
    """Ours against the peer's best curve of each pair; the worst pair counts."""
    peers = [each for variant, each in measured.items() if variant.startswith("stochman")]
    if not peers:
        return []
    bars = []
    for metric in ("energy", "length"):
        best = np.min([peer[metric] for peer in peers], axis=0)
        shares = np.asarray(measured["ours"][metric]) / best
        bars.append(Bar(f"{metric} relative to stochman's, worst pair", float(shares.max()), BOUND, "most"))
    return bars


if __name__ == "__main__":
    sys.exit(main())
