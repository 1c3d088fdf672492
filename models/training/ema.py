r"""An exponential moving average of the weights, which fluctuates less than the weights themselves.

m_t = k m_(t-1) + (1 - k) w_t,   k = min(decay, (1 + t) / (10 + t))

The smaller k of the first steps forgets the untrained weights quickly, even in a short run.

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
        decay: Largest k, in [0, 1); 0 disables averaging.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = dict(model.named_parameters()) if decay else {}
        self.means: dict[str, Tensor] = {name: w.detach().clone() for name, w in self.weights.items()}

    def update(self, step: int) -> None:
        """Updates the average after a step, counted from 0."""
        if self.means:
            average = get_ema_multi_avg_fn(min(self.decay, (1 + step) / (10 + step)))  # type: ignore[no-untyped-call]
            average(list(self.means.values()), list(self.weights.values()), step)

    @torch.no_grad()
    def apply(self) -> None:
        """Replaces the weights of the model by their average."""
        for name, mean in self.means.items():
            self.weights[name].copy_(mean)

    def swap(self) -> dict[str, Tensor]:
        """Replaces the weights of the model by their average; returns the weights for `restore`."""
        weights = {name: self.weights[name].detach().clone() for name in self.means}
        self.apply()
        return weights

    @torch.no_grad()
    def restore(self, weights: dict[str, Tensor]) -> None:
        """Restores the weights that `swap` returned."""
        for name, weight in weights.items():
            self.weights[name].copy_(weight)
