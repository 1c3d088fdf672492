r"""The importance weighted autoencoder: a VAE whose bound on log p(x) is tightened by k samples per image.

log p(x) >= E [ log 1/k sum_i w_i ],   w_i = p(x|z_i) p(z_i) / q(z_i|x),   z_i ~ q(z|x)

k = 1 gives the ELBO. As k grows, the signal-to-noise ratio of the encoder's gradient sum_i w~_i d/dphi log w_i (w~_i
the normalised weights) falls, because the score function adds a term of mean zero. DReG removes that term:

sum_i w~_i^2  dlog w_i/dz_i  dz_i/dphi

The decoder uses the gradient of the bound itself.

References:
    | Importance Weighted Autoencoders (Burda et al., 2015)
    | https://arxiv.org/abs/1509.00519
    | Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives (Tucker et al., 2018)
    | https://arxiv.org/abs/1810.04152
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.base import Loss, Posterior
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import NetworkConfig
from models.family_description import FamilyDescription
from models.vae import VAE

__all__ = ["IWAE", "IWAEConfig", "log_ratio"]


@dataclass(frozen=True)
class IWAEConfig(NetworkConfig):
    """Configuration of an IWAE."""

    samples: int = setting(5, "k, importance samples per image", low=1, high=1000)


class IWAE(VAE):
    """A VAE trained on the bound of `samples` importance samples."""

    Config = IWAEConfig
    description = FamilyDescription(
        title="IWAE",
        idea="A VAE whose bound on log p(x) is tightened by k samples per image.",
        year=2015,
        paper="Importance Weighted Autoencoders, Burda et al.",
        link="https://arxiv.org/abs/1509.00519",
    )

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        if config.samples == 1:
            return super().criterion(config)
        k: int = config.samples
        return Criterion(
            rf"-\mathbb{{E}}\Big[\log \tfrac{{1}}{{{k}}} \textstyle\sum_{{i=1}}^{{{k}}} w_i\Big]",
            f"The model learns to minimise −log of the mean of {k} importance weights, a tighter bound on −log p(x) than −ELBO.",
            super().criterion(config).terms
            | {"reconstruction": "−log p(x|z) of the image, averaged over the samples"},
            f"−Bound, k = {k}",
            where=r"w_i = \frac{p(x|z_i)\,p(z_i)}{q(z_i|x)},\ z_i \sim q(z|x)",
        )

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Computes the negative bound, with the DReG gradient for the encoder.

        `warmup` scales log p(z) - log q(z|x) inside the weights, so that at k = 1 it scales the KL.
        """
        k: int = self.config.samples
        x = self.likelihood.prepare(x, generator)
        q = self.encode(x)
        repeated = repeat(q, k)
        z = repeated.sample(generator)
        nll = self.nll(z, x.repeat(k, 1, 1, 1))
        log_w = (warmup * log_ratio(z, repeated) - nll).float().view(k, -1)
        if z.requires_grad:
            share = (
                log_w.detach().softmax(0).flatten()[:, None]
            )  # w~, the factor in the gradient of the bound
            z.register_hook(lambda gradient: gradient * (1 - warmup + warmup * share))  # type: ignore[no-untyped-call]
        return Loss(
            total=(math.log(k) - log_w.logsumexp(0)).mean(),
            terms={"reconstruction": nll.mean(), "kl": q.kl().sum(1).mean()},
        )


def repeat(q: Posterior, k: int) -> Posterior:
    """Repeats the posterior of a batch (B, D) k times: (k * B, D)."""
    return Posterior(q.mean.repeat(k, 1), None if q.std is None else q.std.repeat(k, 1))


def log_ratio(z: Tensor, q: Posterior) -> Tensor:
    r"""Computes log p(z) - log q(z|x) as a function of z; no gradient flows to the parameters of q.

    Arguments:
        z: Latents (B, D).
        q: Their posterior, of the same shape.

    Returns:
        Shape (B,), in nats.
    """
    if q.std is None:
        raise ValueError("`q` must have a standard deviation. A deterministic latent has no density.")
    mean, std = q.mean.detach(), q.std.detach()
    return (0.5 * ((z - mean) / std).square() + std.log() - 0.5 * z.square()).sum(1)
