r"""A running mean of the weights, which jumps less from step to step than the weights themselves.

m_t = k m_(t-1) + (1 - k) w_t,   k = min(decay, (1 + t) / (10 + t))

The lower k of the first steps forgets the untrained weights in time, however short the run.

References:
    | Acceleration of Stochastic Approximation by Averaging (Polyak & Juditsky, 1992)
    | https://doi.org/10.1137/0330046
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Average"]


class Average:
    """The running mean of a model's parameters.

    Arguments:
        model: Whose parameters.
        decay: k, in [0, 1); with 0 there is no mean, and nothing is done.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = dict(model.named_parameters()) if decay else {}
        self.means: dict[str, Tensor] = {name: w.detach().clone() for name, w in self.weights.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after a step, counted from 0."""
        kept = min(self.decay, (1 + step) / (10 + step))
        for name, mean in self.means.items():
            mean.lerp_(self.weights[name], 1 - kept)

    @torch.no_grad()
    def apply(self) -> None:
        """Gives the model the mean in place of its weights."""
        for name, mean in self.means.items():
            self.weights[name].copy_(mean)
