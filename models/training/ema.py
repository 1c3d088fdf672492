r"""An exponential moving average of the weights, which varies less from step to step than the weights.

m_t = k m_(t-1) + (1 - k) w_t,   k = min(decay, (1 + t) / (10 + t))

The smaller k of the first steps forgets the untrained weights soon, however short the run.

References:
    | Acceleration of Stochastic Approximation by Averaging (Polyak & Juditsky, 1992)
    | https://doi.org/10.1137/0330046
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

__all__ = ["Average"]


class Average:
    """The moving average of a model's parameters.

    Arguments:
        model: The model.
        decay: Largest k, in [0, 1); 0 switches averaging off.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = dict(model.named_parameters()) if decay else {}
        self.means: dict[str, Tensor] = {name: w.detach().clone() for name, w in self.weights.items()}

    def update(self, step: int) -> None:
        """Averages in the weights after a step, counted from 0."""
        if self.means:
            average = get_ema_multi_avg_fn(min(self.decay, (1 + step) / (10 + step)))  # type: ignore[no-untyped-call]
            average(list(self.means.values()), list(self.weights.values()), step)

    @torch.no_grad()
    def apply(self) -> None:
        """Replaces the model's weights by their average."""
        for name, mean in self.means.items():
            self.weights[name].copy_(mean)

    def swap(self) -> dict[str, Tensor]:
        """Replaces the model's weights by their average, and gives the weights themselves for `restore`."""
        own = {name: self.weights[name].detach().clone() for name in self.means}
        self.apply()
        return own

    @torch.no_grad()
    def restore(self, own: dict[str, Tensor]) -> None:
        """Takes the replacement back."""
        for name, weight in own.items():
            self.weights[name].copy_(weight)
