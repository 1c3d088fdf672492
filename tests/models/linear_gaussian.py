"""A linear-Gaussian VAE, whose posterior and likelihood are known in closed form."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from models.vae import VAE, VAEConfig

SIDE, SIGMA = 8, 0.5


def linear_gaussian(latent: int = 3, *, upright: bool = True, seed: int = 0) -> VAE:
    """x ~ N(W z + b, sigma^2), z ~ N(0, I), with an encoder that is wrong.

    Arguments:
        latent: Dimensions of z.
        upright: The columns of W stand upright on each other, so that the posterior's covariance is diagonal.
        seed: Of all weights.
    """
    torch.manual_seed(seed)
    config = VAEConfig(
        (1, SIDE, SIDE), latent=latent, network="mlp", depth=0, likelihood="gaussian", sigma=SIGMA
    )
    model = VAE(config).eval()
    w = torch.randn(SIDE * SIDE, latent)
    if upright:
        w = torch.linalg.qr(w)[0]
    w *= torch.linspace(0.6, 1.4, latent) / w.norm(dim=0)
    with torch.no_grad():
        layer(model.decoder).weight.copy_(w)
        layer(model.decoder).bias.copy_(0.3 * torch.rand(SIDE * SIDE))
        layer(model.encoder).weight.mul_(2)
    return model


def layer(network: nn.Module) -> nn.Linear:
    (found,) = (each for each in network.modules() if isinstance(each, nn.Linear))
    return found


def images(model: VAE, count: int, seed: int = 1) -> Tensor:
    """Draws from the model itself, (count, 1, 8, 8)."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(count, model.config.latent, generator=generator)
    with torch.no_grad():
        x = model.decoder(z)
    return x + SIGMA * torch.randn(x.shape, generator=generator)


def posterior(model: VAE, x: Tensor) -> tuple[Tensor, Tensor]:
    """Means (N, D) and the covariance (D, D) of p(z|x), in float64."""
    w, b = (each.detach().double() for each in (layer(model.decoder).weight, layer(model.decoder).bias))
    covariance = torch.linalg.inv(torch.eye(w.shape[1], dtype=w.dtype) + w.T @ w / SIGMA**2)
    return (x.flatten(1).double() - b) @ w @ covariance / SIGMA**2, covariance


def log_likelihood(model: VAE, x: Tensor) -> Tensor:
    """log p(x), shape (N,), nats, float64."""
    w, b = (each.detach().double() for each in (layer(model.decoder).weight, layer(model.decoder).bias))
    covariance = w @ w.T + SIGMA**2 * torch.eye(len(w), dtype=w.dtype)
    return MultivariateNormal(b, covariance).log_prob(x.flatten(1).double())


def expected_log_likelihood(model: VAE, x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """E_q[log p(x|z)] of q = N(mean, diag std^2), shape (N,), nats, float64."""
    w, b = (each.detach().double() for each in (layer(model.decoder).weight, layer(model.decoder).bias))
    gap = (x.flatten(1).double() - b - mean.double() @ w.T).square().sum(1)
    spread = (std.double().square() * w.square().sum(0)).sum(1)
    normaliser = x[0].numel() * math.log(SIGMA * math.sqrt(2 * math.pi))
    return -(gap + spread) / (2 * SIGMA**2) - normaliser
