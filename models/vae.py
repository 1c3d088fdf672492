r"""The variational autoencoder: an image is encoded as a distribution that is kept near a prior.

log p(x) >= E_q(z|x) [log p(x|z)] - KL(q(z|x) || p(z)),   p(z) = N(0, I)

The encoder outputs the mean and standard deviation of q(z|x), the decoder the parameters of p(x|z). Both are trained to
maximise the bound (the ELBO). New images are decoded from draws of the prior.

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from models.base import Loss, Posterior
from models.configuration import setting
from models.criterion import ELBO, ELBO_FORMULA, Criterion
from models.encoder_decoder import EncoderDecoder, GridConfig
from models.family_description import FamilyDescription
from models.sharding import batch_mean

__all__ = ["VAE", "VAEConfig"]

LOG_STD_RANGE = (-9.0, 3.0)  # soft bounds, so that no posterior collapses to a point or explodes


@dataclass(frozen=True)
class VAEConfig(GridConfig):
    """Configuration of a VAE."""

    free_bits: float = setting(
        0.0,
        "KL of each dimension that is not penalised, in nats",
        low=0,
        high=10,
        unit="nats per dimension",
    )


class VAE(EncoderDecoder):
    """A VAE with a standard normal prior and a diagonal Gaussian posterior."""

    Config: ClassVar[type[Any]] = VAEConfig
    description = FamilyDescription(
        title="VAE",
        idea="An image is encoded as a distribution kept near a prior, from which new latents are drawn.",
        year=2013,
        paper="Auto-Encoding Variational Bayes, Kingma & Welling",
        link="https://arxiv.org/abs/1312.6114",
    )
    prior = True
    outputs = 2  # mean and log standard deviation

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        terms = {
            "reconstruction": "−log p(x|z) of the image, given a sample of its posterior",
            "kl": "divergence of the posterior from the prior",
        }
        if not getattr(config, "free_bits", 0):
            objective = (
                "The model learns to reconstruct each image from samples of its posterior, while the posterior stays near "
                "the prior."
            )
            return Criterion(ELBO_FORMULA, objective, terms, ELBO)
        return Criterion(
            rf"\mathbb{{E}}_{{q(z|x)}}[-\log p(x|z)] + \sum_d \max(\mathrm{{KL}}_d, {config.free_bits:g})",
            "The model learns to reconstruct each image from samples of its posterior, while the posterior stays near the "
            f"prior; in each dimension the first {config.free_bits:g} nats, averaged over a batch, are free.",
            terms,
        )

    def encode(self, x: Tensor) -> Posterior:
        """Encodes images (B, C, H, W) in [0, 1] to q(z|x)."""
        mean, log_std = self.encoder(x).float().chunk(2, dim=1)
        return Posterior(mean, soft_clamp(log_std, *LOG_STD_RANGE).exp())

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Computes the negative ELBO with one sample of z; the KL term is weighted by `warmup`."""
        x = self.likelihood.prepare(x, generator)
        q = self.encode(x)
        reconstruction = self.nll(q.sample(generator), x).mean()
        kl = batch_mean(q.kl(), 0)
        return Loss(
            total=reconstruction + self.regulariser(kl, warmup),
            terms={"reconstruction": reconstruction, "kl": kl.sum()},
        )

    def regulariser(self, kl: Tensor, warmup: float) -> Tensor:
        """Computes the loss term, a scalar, from the KL of each dimension, (D,), in nats, averaged over the batch."""
        penalised = kl.clamp(min=self.config.free_bits).sum() if self.config.free_bits else kl.sum()
        return warmup * penalised


def soft_clamp(value: Tensor, low: float, high: float) -> Tensor:
    """Clamps smoothly to (low, high); the gradient never vanishes."""
    return low + F.softplus(value - low) - F.softplus(value - high)
