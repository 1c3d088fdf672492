r"""The beta-VAE: a VAE whose KL term is weighted by beta; a larger weight leaves less information in the latent.

-E_q(z|x) [log p(x|z)] + beta KL(q(z|x) || p(z))

beta acts as a Lagrange multiplier that keeps the KL below an implicit budget. For beta >= 1 the loss still bounds
-log p(x), more loosely than the VAE's. The term `kl` is the KL itself, without beta.

References:
    | beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework (Higgins et al., 2017)
    | https://openreview.net/forum?id=Sy2fzU9gl
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from models.configuration import setting
from models.criterion import Criterion
from models.family_description import FamilyDescription
from models.vae import VAE, VAEConfig

__all__ = ["BetaVAE", "BetaVAEConfig"]


@dataclass(frozen=True)
class BetaVAEConfig(VAEConfig):
    """Configuration of a beta-VAE."""

    beta: float = setting(4.0, "weight of the KL, in nats per nat; 1 gives the VAE", low=0, high=1000)


class BetaVAE(VAE):
    """A VAE whose KL is weighted by `beta`."""

    Config = BetaVAEConfig
    description = FamilyDescription(
        title="β-VAE",
        idea="A VAE whose KL term is weighted by beta; a larger weight leaves less information in the latent.",
        year=2017,
        paper="beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework, Higgins et al.",
        link="https://openreview.net/forum?id=Sy2fzU9gl",
    )

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        plain = super().criterion(config)
        if config.beta == 1:
            return plain
        kl = r"\mathrm{KL}\big(q(z|x)\,\|\,p(z)\big)"
        if config.free_bits:
            kl = rf"\sum_d \max(\mathrm{{KL}}_d, {config.free_bits:g})"
        return Criterion(
            rf"\mathbb{{E}}_{{q(z|x)}}[-\log p(x|z)] + {config.beta:g}\, {kl}",
            f"{plain.objective} The divergence is weighted by {config.beta:g}, so this is not −ELBO.",
            plain.terms | {"kl": "divergence of the posterior from the prior, without its weight"},
        )

    def regulariser(self, kl: Tensor, warmup: float) -> Tensor:
        beta: float = self.config.beta
        return beta * super().regulariser(kl, warmup)
