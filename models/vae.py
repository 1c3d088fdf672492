r"""The variational autoencoder.

log p(x) >= E_q(z|x) [log p(x|z)] - KL(q(z|x) || p(z)),   p(z) = N(0, I)

An encoder gives the mean and standard deviation of q(z|x), a decoder the parameters of p(x|z); both are
trained to raise the bound (the ELBO).

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from models.base import Autoencoder, LatentSpec, Loss, Posterior
from models.likelihoods import LIKELIHOODS, make_likelihood
from models.networks import NETWORKS, make_decoder, make_encoder

__all__ = ["VAE", "VAEConfig"]

LOG_STD_RANGE = (-9.0, 3.0)  # softly bounded, so that no posterior collapses to a point or explodes


@dataclass(frozen=True)
class VAEConfig:
    """What a VAE is made of."""

    image_shape: tuple[int, ...]  # (C, H, W), 8 to 64 pixels
    latent: int = 32  # dimensions of z
    likelihood: str = "learnt-gaussian"  # one of `likelihoods.LIKELIHOODS`
    sigma: float = 0.1  # standard deviation of a pixel, for the fixed Gaussian; alpha = 1 / (2 sigma^2)
    network: str = "conv"  # one of `networks.NETWORKS`
    width: int = 32  # channels of the first convolution, or units of a hidden layer
    depth: int = 1  # residual blocks a level, or hidden layers
    neck: int = 0  # hidden units beside the linear layers at the latent (`networks.Neck`); 0 for none
    free_bits: float = 0.0  # nats a dimension below which the KL is not pressed further

    def __post_init__(self) -> None:
        if len(self.image_shape) != 3 or self.image_shape[0] not in (1, 3):
            raise ValueError(f"`image_shape` must be (1 or 3, H, W). Got {self.image_shape}.")
        if not all(8 <= side <= 64 for side in self.image_shape[1:]):
            raise ValueError(f"`image_shape` must have sides of 8 to 64 pixels. Got {self.image_shape}.")
        if self.likelihood not in LIKELIHOODS:
            raise ValueError(
                f"Unknown likelihood {self.likelihood!r}. Choose one of: {', '.join(LIKELIHOODS)}."
            )
        if self.network not in NETWORKS:
            raise ValueError(f"Unknown network {self.network!r}. Choose one of: {', '.join(NETWORKS)}.")
        for name, low, high in (("latent", 1, 1024), ("width", 1, 2048), ("depth", 0, 8), ("neck", 0, 4096)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"`{name}` must lie in [{low}, {high}]. Got {getattr(self, name)}.")
        if self.network == "mlp" and self.depth < 1:
            raise ValueError("`depth` must be at least 1 for an MLP. Got 0.")
        if not 1e-4 <= self.sigma <= 10:
            raise ValueError(f"`sigma` must lie in [0.0001, 10]. Got {self.sigma}.")
        if not 0 <= self.free_bits <= 10:
            raise ValueError(f"`free_bits` must lie in [0, 10] nats a dimension. Got {self.free_bits}.")


class VAE(Autoencoder):
    """The variational autoencoder with a standard normal prior and a diagonal Gaussian posterior."""

    Config = VAEConfig

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        self.spec = LatentSpec((config.latent,), prior=True, likelihood="bound")
        network = (config.network, self.image_shape, config.width, config.depth)
        self.encoder = make_encoder(*network, 2 * config.latent, config.neck)
        self.decoder = make_decoder(*network, config.latent, config.neck)
        self.likelihood = make_likelihood(config.likelihood, config.sigma)

    def encode(self, x: Tensor) -> Posterior:
        """q(z|x) of images (B, C, H, W) in [0, 1]."""
        mean, log_std = self.encoder(x).float().chunk(2, dim=1)
        return Posterior(mean, soft_clamp(log_std, *LOG_STD_RANGE).exp())

    def decode(self, z: Tensor) -> Tensor:
        """E[x|z] of latents (B, D): pictures (B, C, H, W) in [0, 1]."""
        return self.likelihood.mean(self.decoder(z).float())

    def nll(self, z: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z) in nats per image, shape (B,)."""
        return self.likelihood.nll(self.decoder(z).float(), x)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """The negative ELBO with one sample of z; the KL term is weighted by `warmup`."""
        x = self.likelihood.prepare(x, generator)
        q = self.encode(x)
        reconstruction = self.nll(q.sample(generator), x).mean()
        kl = q.kl().mean(0)
        pressed = kl.clamp(min=self.config.free_bits).sum() if self.config.free_bits else kl.sum()
        return Loss(
            total=reconstruction + warmup * pressed,
            terms={"reconstruction": reconstruction, "kl": kl.sum()},
        )


def soft_clamp(value: Tensor, low: float, high: float) -> Tensor:
    """A smooth clamp to (low, high) whose gradient never vanishes."""
    return low + F.softplus(value - low) - F.softplus(value - high)
