"""Peer: stochman's connecting geodesic through a decoder; runs in its own environment and prints JSON.

python -m benchmarks.peers.stochman_geodesic CHECKPOINT ENDS.npy --iterations 150 --nodes 10 --points 33 --threads 2

The decoder is the checkpoint's own. stochman's `geodesic_minimizing_energy` is called as documented; the spline's nodes
and the points at which the energy is evaluated are the same as ours. Curves are returned as latents, so that both are
measured in the same way.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stochman.curves import CubicSpline
from stochman.geodesic import geodesic_minimizing_energy
from stochman.manifold import EmbeddedManifold
from torch import Tensor

from models import checkpoint

DENSE = 513  # latents per returned curve


class Decoded(EmbeddedManifold):  # type: ignore[misc]
    """The surface of all pictures of a decoder.

    stochman 0.3.0 needs a Jacobian only in `metric`, which `geodesic_minimizing_energy` never calls.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def embed(self, points: Tensor, jacobian: bool = False) -> Tensor:
        """Pictures (B, N, pixels) of latents (B, N, D)."""
        if jacobian:
            raise NotImplementedError("A curve's energy needs no Jacobian.")
        x: Tensor = self.model.decode(points.reshape(-1, points.shape[-1]))
        return x.reshape(*points.shape[:-1], -1)


def main() -> None:
    """Reads the arguments, finds the curves one by one, prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="its folder")
    parser.add_argument("ends", help="latents (pairs, 2, D), .npy")
    parser.add_argument("--iterations", type=int, required=True)
    parser.add_argument("--nodes", type=int, required=True, help="of the spline, both ends among them")
    parser.add_argument("--points", type=int, required=True, help="at which the energy is evaluated")
    parser.add_argument("--threads", type=int, required=True)
    run = parser.parse_args()
    torch.set_num_threads(run.threads)
    manifold = Decoded(checkpoint.load(run.checkpoint).eval().requires_grad_(False))
    ends = torch.from_numpy(np.load(run.ends, allow_pickle=False))
    curves, seconds = [], []
    for start, end in ends:
        began = time.perf_counter()
        curve = CubicSpline(start[None], end[None], num_nodes=run.nodes)
        geodesic_minimizing_energy(curve, manifold, max_iter=run.iterations, eval_grid=run.points)
        seconds.append(time.perf_counter() - began)
        with torch.no_grad():
            curves.append(curve(torch.linspace(0, 1, DENSE)).reshape(DENSE, -1).tolist())
    print(json.dumps({"curves": curves, "seconds": seconds}))


if __name__ == "__main__":
    main()
