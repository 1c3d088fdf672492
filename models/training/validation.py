"""The validation loss, and the weights with the lowest one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from models.base import Autoencoder
from models.training.ema import Average
from models.training.examples import Examples, to_floats
from models.training.randomness import Stream, seed_of, seeded

__all__ = ["Best", "evaluating", "measure", "sample_of"]

SAMPLE = 512  # validation images on which the loss is measured
BATCH = 128  # images


def sample_of(examples: Examples, seed: int, count: int = SAMPLE) -> Tensor:
    """Reads a fixed random sample of at most `count` examples, uint8."""
    order = np.random.default_rng(seed_of(seed, Stream.CHECKED)).permutation(len(examples))
    return examples.read(np.sort(order[:count]))


@torch.no_grad()
def measure(model: Autoencoder, examples: Tensor, seed: int) -> dict[str, float]:
    """Measures the loss of examples and its terms, with the full regulariser and always the same noise.

    Arguments:
        model: Model in evaluation mode.
        examples: Images uint8 (N, C, H, W) or sequences (N, T, C, H, W).
        seed: Seed of the noise.

    Returns:
        "loss" and the terms, in nats per image.
    """
    device = next(model.parameters()).device
    generator = seeded(torch.Generator(device), seed, Stream.CHECKED)
    sums: dict[str, float] = {}
    for start in range(0, len(examples), BATCH):
        batch = to_floats(examples[start : start + BATCH], device)
        loss = model.loss(batch, generator=generator)
        for name, value in {"loss": loss.total, **loss.terms}.items():
            sums[name] = sums.get(name, 0.0) + value.item() * len(batch)
    return {name: value / len(examples) for name, value in sums.items()}


@contextmanager
def evaluating(model: Autoencoder, average: Average) -> Iterator[None]:
    """Sets evaluation mode and averaged weights within the context."""
    modes = [(module, module.training) for module in model.modules()]
    weights = average.swap()
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        average.restore(weights)


@dataclass
class Best:
    """The weights with the lowest validation loss so far."""

    loss: float = math.inf
    step: int = 0  # number of steps before the measurement
    waited: int = 0  # later measurements that count towards the patience
    weights: dict[str, Tensor] = field(default_factory=dict)  # state of the model; empty before a measurement

    def update(self, loss: float, step: int, model: Autoencoder, *, counts: bool) -> None:
        """Compares a measurement with the best one.

        Arguments:
            loss: Validation loss; one that is not finite is never the best.
            step: Number of steps.
            model: Model with the weights that were measured.
            counts: Whether a measurement without a lower loss counts towards the patience.
        """
        if loss < self.loss:
            self.loss, self.step, self.waited = loss, step, 0
            self.weights = {name: values.detach().clone() for name, values in model.state_dict().items()}
        else:
            self.waited += counts

    def reset(self) -> None:
        """Forgets the best weights, for a phase with a different loss."""
        self.loss, self.step, self.waited, self.weights = math.inf, 0, 0, {}
