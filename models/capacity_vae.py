r"""The beta-VAE with a controlled capacity: the KL is held near a target that rises during training.

-E_q(z|x) [log p(x|z)] + gamma |KL(q(z|x) || p(z)) - C(t)|,   C(t) = capacity * warmup(t)

At first nothing may pass, then the factors that pay most for the nats come in one by one. KL is the mean over
the batch; C(t) is set anew at every step, and the share of the run over which it rises is the trainer's
`kl_warmup`.

References:
    | Understanding disentangling in beta-VAE (Burgess et al., 2018)
    | https://arxiv.org/abs/1804.03599
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from models.criterion import Criterion
from models.encoder_decoder import NetworkConfig, check_range
from models.vae import VAE

__all__ = ["CapacityVAE", "CapacityVAEConfig"]


@dataclass(frozen=True)
class CapacityVAEConfig(NetworkConfig):
    """A VAE and the nats that its code may carry."""

    capacity: float = 25.0  # nats per image at the end of the warm-up
    gamma: float = 100.0  # nats of loss for each nat by which the KL misses C(t)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "capacity", 0, 1000, "nats per image")
        check_range(self, "gamma", 0, 10_000)


class CapacityVAE(VAE):
    """The VAE whose KL is held at C(t) instead of pressed to 0."""

    Config = CapacityVAEConfig

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            rf"\mathbb{{E}}_{{q(z|x)}}[-\log p(x|z)] + {config.gamma:g}\, "
            rf"\big|\mathrm{{KL}}\big(q(z|x)\,\|\,p(z)\big) - {config.capacity:g}\big|",
            "Training asks that each image comes back from samples of its own posterior, and that the divergence from "
            f"the prior, a batch's mean, is held at {config.capacity:g} nats at the end; so this is not −ELBO.",
            super().criterion(config).terms
            | {"kl": "divergence of the posterior from the prior, not its distance from the target"},
        )

    def regulariser(self, kl: Tensor, warmup: float) -> Tensor:
        gamma: float = self.config.gamma
        target: float = self.config.capacity * warmup
        return gamma * (kl.sum() - target).abs()
