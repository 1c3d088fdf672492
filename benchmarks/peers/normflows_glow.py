"""Peer: normflows' Glow, built as in its own example; runs in its own environment and prints JSON.

python -m benchmarks.peers.normflows_glow IMAGES.npy TEST.npy --transform logit --threads 2
"""

from __future__ import annotations

import argparse
import json
import math

import normflows as nf
import numpy as np
import torch
from torch import Tensor

from benchmarks.peers.flow_steps import options, train_and_measure

LEVELS = 2  # 28x28 is squeezed to 14x14 and 7x7
ALPHA = 5e-6  # of the logit, as at each end of ours


def glow(width: int, blocks: int, transform: str) -> nf.MultiscaleFlow:
    """Glow for images of 28x28, as https://github.com/VincentStimper/normalizing-flows/blob/master/examples/glow.ipynb."""
    priors, merges, flows = [], [], []
    for level in range(LEVELS):
        channels = 2 ** (LEVELS + 1 - level)
        steps = [nf.flows.GlowBlock(channels, width, split_mode="channel", scale=True) for _ in range(blocks)]
        flows.append([*steps, nf.flows.Squeeze()])
        if level > 0:
            merges.append(nf.flows.Merge())
        own = channels if level == 0 else channels // 2
        side = 28 // 2 ** (LEVELS - level)
        priors.append(nf.distributions.DiagGaussian((own, side, side)))
    first = nf.transforms.Logit(ALPHA) if transform == "logit" else nf.transforms.Shift(-0.5)
    return nf.MultiscaleFlow(priors, flows, merges, first, class_cond=False)


def main() -> None:
    """Reads the arguments, trains, prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", help="uint8 images (N, 1, 28, 28), .npy")
    parser.add_argument("test", help="more of them, to measure on")
    parser.add_argument("--transform", choices=("logit", "linear"), default="logit")
    parser.add_argument("--threads", type=int, required=True)
    options(parser)
    run = parser.parse_args()
    torch.set_num_threads(run.threads)
    torch.manual_seed(0)
    model = glow(run.width, run.blocks, run.transform)
    images, test = (torch.from_numpy(np.load(path, allow_pickle=False)) for path in (run.images, run.test))

    def nll(x: Tensor, generator: torch.Generator) -> Tensor:
        y = (255 * x + torch.rand(x.shape, generator=generator)) / 256
        density: Tensor = model.log_prob(y, None)
        return x[0].numel() * math.log(256) - density.mean()

    print(json.dumps(train_and_measure(nll, model.parameters(), images, test, run)))


if __name__ == "__main__":
    main()
