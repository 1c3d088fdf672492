r"""The beta-VAE with a controlled capacity: the KL is kept near a target that rises during training.

-E_q(z|x) [log p(x|z)] + gamma |KL(q(z|x) || p(z)) - C(t)|,   C(t) = capacity * warmup(t)

The latent first carries no information, then encodes one factor after another, those that improve the reconstruction
most first. KL is the mean over the batch. C(t) rises over the share of the training that `kl_warmup` sets.

References:
    | Understanding disentangling in beta-VAE (Burgess et al., 2018)
    | https://arxiv.org/abs/1804.03599
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import NetworkConfig
from models.family_description import FamilyDescription
from models.vae import VAE

__all__ = ["CapacityVAE", "CapacityVAEConfig"]


@dataclass(frozen=True)
class CapacityVAEConfig(NetworkConfig):
    """Configuration of a beta-VAE with a capacity."""

    capacity: float = setting(
        25.0,
        "target KL at the end of the warm-up, in nats per image",
        low=0,
        high=1000,
        unit="nats per image",
    )
    gamma: float = setting(
        100.0, "weight of the distance of the KL from its target, in nats per nat", low=0, high=10_000
    )


class CapacityVAE(VAE):
    """A VAE whose KL is kept at C(t) instead of being minimised."""

    Config = CapacityVAEConfig
    description = FamilyDescription(
        title="β-VAE with capacity",
        idea="A VAE whose KL is kept near a target that rises during training.",
        year=2018,
        paper="Understanding disentangling in beta-VAE, Burgess et al.",
        link="https://arxiv.org/abs/1804.03599",
    )

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            rf"\mathbb{{E}}_{{q(z|x)}}[-\log p(x|z)] + {config.gamma:g}\, "
            rf"\big|\mathrm{{KL}}\big(q(z|x)\,\|\,p(z)\big) - {config.capacity:g}\big|",
            "The model learns to reconstruct each image from samples of its posterior, while the divergence from the "
            f"prior, averaged over a batch, is kept at a target that rises to {config.capacity:g} nats. So this is not "
            "−ELBO.",
            super().criterion(config).terms
            | {"kl": "divergence of the posterior from the prior, not its distance from the target"},
        )

    def regulariser(self, kl: Tensor, warmup: float) -> Tensor:
        gamma: float = self.config.gamma
        target: float = self.config.capacity * warmup
        return gamma * (kl.sum() - target).abs()
