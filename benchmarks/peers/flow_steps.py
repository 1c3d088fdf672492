"""Equal training for our flow and a peer's: same images, noise, optimizer and steps."""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["options", "train_and_measure"]

TEST_BATCH = 250
WARMUP = 50  # steps of linear warm-up, followed by a cosine decay to zero


def options(parser: argparse.ArgumentParser) -> None:
    """Settings of a run, for ours and for the peer's command line."""
    parser.add_argument("--steps", type=int, default=400, help="of training (400)")
    parser.add_argument("--batch", type=int, default=32, help="images per step (32)")
    parser.add_argument("--width", type=int, default=32, help="channels of a coupling's network (32)")
    parser.add_argument("--blocks", type=int, default=8, help="steps of flow per level (8)")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate of Adamax (0.002)")


def train_and_measure(
    nll: Callable[[Tensor, torch.Generator], Tensor],
    parameters: Iterable[torch.nn.Parameter],
    images: Tensor,
    test: Tensor,
    run: Any,
) -> dict[str, Any]:
    """Trains a flow; returns bits/dim on test images and milliseconds per step.

    Arguments:
        nll: Mean of -log p of images (B, C, H, W) in [0, 1], in nats per image and grey level, with noise drawn from
            the generator; it may train.
        parameters: What to train.
        images: uint8 (N, C, H, W).
        test: uint8 (M, C, H, W).
        run: `steps`, `batch`, `rate`.
    """
    weights = list(parameters)
    optimizer = torch.optim.Adamax(weights, lr=run.rate)
    chosen, noise = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    took = []
    for step in range(run.steps):
        x = images[torch.randint(len(images), (run.batch,), generator=chosen)].float() / 255
        began = time.perf_counter()
        for group in optimizer.param_groups:
            fall = 0.5 * (1 + math.cos(math.pi * step / run.steps))
            group["lr"] = run.rate * min(1.0, (step + 1) / WARMUP) * fall
        loss = nll(x, noise)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(weights, 100.0)
        if not norm.isfinite():
            raise ValueError(f"The gradient is {norm.item()} at step {step}.")
        optimizer.step()
        took.append(time.perf_counter() - began)
    noise, total = torch.Generator().manual_seed(3), 0.0
    with torch.no_grad():
        for start in range(0, len(test), TEST_BATCH):
            x = test[start : start + TEST_BATCH].float() / 255
            total += nll(x, noise).item() * len(x)
    return {
        "bits_per_dim": total / len(test) / (test[0].numel() * math.log(2)),
        "ms": 1e3 * statistics.median(took[1:]),
        "parameters": sum(weight.numel() for weight in weights),
    }
