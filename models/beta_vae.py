r"""The beta-VAE: a VAE whose KL weighs more, so that fewer, more independent dimensions carry the image.

-E_q(z|x) [log p(x|z)] + beta KL(q(z|x) || p(z))

beta is a Lagrange multiplier: it holds KL below a budget that nobody names. Its loss is still a bound on
-log p(x) for beta >= 1, but a looser one than the VAE's. The term `kl` is the true KL, without beta.

References:
    | beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework (Higgins et al., 2017)
    | https://openreview.net/forum?id=Sy2fzU9gl
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from models.encoder_decoder import check_range
from models.vae import VAE, VAEConfig

__all__ = ["BetaVAE", "BetaVAEConfig"]


@dataclass(frozen=True)
class BetaVAEConfig(VAEConfig):
    """A VAE and the weight of its KL."""

    beta: float = 4.0  # of the KL, in nats per nat; 1 is the VAE

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "beta", 0, 1000)


class BetaVAE(VAE):
    """The VAE with the KL weighed by `beta`."""

    Config = BetaVAEConfig

    def regulariser(self, kl: Tensor, warmup: float) -> Tensor:
        beta: float = self.config.beta
        return beta * super().regulariser(kl, warmup)
