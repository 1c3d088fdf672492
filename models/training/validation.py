"""The loss on images that no step has seen, and the weights for which it was lowest."""

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

SAMPLE = 512  # validation images that are measured
AT_ONCE = 128  # images


def sample_of(examples: Examples, seed: int, count: int = SAMPLE) -> Tensor:
    """A fixed random sample of at most `count` examples, uint8."""
    order = np.random.default_rng(seed_of(seed, Stream.CHECKED)).permutation(len(examples))
    return examples.read(np.sort(order[:count]))


@torch.no_grad()
def measure(model: Autoencoder, examples: Tensor, seed: int) -> dict[str, float]:
    """The loss of examples (N, ...), uint8, and its terms, with all of the regulariser and the same noise each time.

    Arguments:
        model: In evaluation mode.
        examples: Images (N, C, H, W) or sequences (N, T, C, H, W).
        seed: Decides the noise.

    Returns:
        "loss" and the terms, in nats per image.
    """
    device = next(model.parameters()).device
    generator = seeded(torch.Generator(device), seed, Stream.CHECKED)
    sums: dict[str, float] = {}
    for start in range(0, len(examples), AT_ONCE):
        part = to_floats(examples[start : start + AT_ONCE], device)
        loss = model.loss(part, generator=generator)
        for name, value in {"loss": loss.total, **loss.terms}.items():
            sums[name] = sums.get(name, 0.0) + value.item() * len(part)
    return {name: value / len(examples) for name, value in sums.items()}


@contextmanager
def evaluating(model: Autoencoder, average: Average) -> Iterator[None]:
    """Evaluation mode and averaged weights, for as long as the context lasts."""
    modes = [(module, module.training) for module in model.modules()]
    own = average.swap()
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        average.restore(own)


@dataclass
class Best:
    """The weights with the lowest validation loss so far."""

    loss: float = math.inf
    step: int = 0  # steps taken by then
    waited: int = 0  # measurements since then that count for the patience
    weights: dict[str, Tensor] = field(
        default_factory=dict
    )  # a state of the model; empty where nothing was measured

    def update(self, loss: float, step: int, model: Autoencoder, *, counts: bool) -> None:
        """Takes a measurement in.

        Arguments:
            loss: Of the validation images; one that is not finite is never the best.
            step: Steps taken.
            model: With the weights that were measured.
            counts: Whether a measurement without a lower loss counts for the patience.
        """
        if loss < self.loss:
            self.loss, self.step, self.waited = loss, step, 0
            self.weights = {name: values.detach().clone() for name, values in model.state_dict().items()}
        else:
            self.waited += counts

    def forget(self) -> None:
        """Begins anew, for a phase in which the loss means something else."""
        self.loss, self.step, self.waited, self.weights = math.inf, 0, 0, {}
