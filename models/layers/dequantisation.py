r"""Dequantisation: noise that makes integer grey levels continuous, so that they have a density.

v = 255 x + u,   u in [0, 1)^D,   log P(x) >= E_q(u|x) [log p(v) - log q(u|x)]

P is the probability of an 8-bit image, p a density per grey level. Without noise, the density would grow without bound
at the 256 values that occur. Uniform noise has log q = 0. Variational noise comes from a small flow that is conditioned
on the image and trained with the model; it makes the bound tighter.

References:
    | A note on the evaluation of generative models (Theis et al., 2015), for uniform noise
    | https://arxiv.org/abs/1511.01844
    | Flow++: Improving Flow-Based Generative Models with Variational Dequantization and Architecture Design
    | (Ho et al., 2019), for variational noise
    | https://arxiv.org/abs/1902.00275
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.layers.coupling import AffineCoupling, ChannelMask, Checkerboard
from models.layers.invertible import Shape, Squeeze
from models.sharding import draw

__all__ = ["DEQUANTISATIONS", "UniformNoise", "VariationalNoise", "make_dequantisation", "standard_normal"]

DEQUANTISATIONS = ("uniform", "variational")
COUPLINGS = 4  # in the flow of variational noise


class UniformNoise(nn.Module):
    """Noise that does not depend on the image: u ~ U[0, 1)."""

    name = "uniform"

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draws noise for images.

        Arguments:
            x: Images (B, C, H, W) in [0, 1].
            generator: Source of the noise; torch's default generator if None.

        Returns:
            u in [0, 1), with the shape of x, and log q(u|x) in nats, shape (B,).
        """
        return draw(torch.rand, x.shape, generator, dtype=x.dtype, device=x.device), x.new_zeros(len(x))


class VariationalNoise(nn.Module):
    """Learnt noise: u = sigmoid(f(eps; x)), eps ~ N(0, I), where f is a chain of couplings conditioned on the image.

    Arguments:
        shape: Image shape (C, H, W).
        width: Channels of the couplings' networks.
    """

    name = "variational"

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        self.squeeze = Squeeze(shape)
        after = self.squeeze.after
        kind = ChannelMask if after[0] > 1 else Checkerboard
        self.couplings = nn.ModuleList(
            AffineCoupling(kind(after, flip=bool(number % 2)), width, context=after[0])
            for number in range(COUPLINGS)
        )

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """See `UniformNoise.forward`."""
        context = self.squeeze(x)[0] - 0.5
        h = self.squeeze(draw(torch.randn, x.shape, generator, dtype=x.dtype, device=x.device))[0]
        log_q = standard_normal(h)
        for coupling in self.couplings:
            h, log_det = coupling(h, context)
            log_q = log_q - log_det
        log_q = log_q - (F.logsigmoid(h) + F.logsigmoid(-h)).flatten(1).sum(1)
        u: Tensor = self.squeeze.inverse(h.sigmoid())
        return u, log_q


def standard_normal(z: Tensor) -> Tensor:
    """Computes the log-density of N(0, I) at each row of a batch (B, *), in nats, shape (B,)."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)


def make_dequantisation(name: str, shape: Shape, width: int) -> nn.Module:
    """Builds the dequantisation of a configuration.

    Arguments:
        name: One of `DEQUANTISATIONS`.
        shape: Image shape (C, H, W).
        width: Channels of the networks of variational noise.

    Raises:
        ValueError: If `name` is unknown.
    """
    match name:
        case "uniform":
            return UniformNoise()
        case "variational":
            return VariationalNoise(shape, width)
    raise ValueError(f"Unknown dequantisation {name!r}. Choose one of: {', '.join(DEQUANTISATIONS)}.")
