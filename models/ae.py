r"""The autoencoder: an encoder compresses an image to a latent, and a decoder reconstructs it.

min  -log p(x | g(f(x)))

With a Gaussian likelihood this is the squared error, with a Bernoulli likelihood the cross-entropy. The encoder is
deterministic and the latent has no prior, so the model neither samples nor gives a likelihood of images.

References:
    | Reducing the Dimensionality of Data with Neural Networks (Hinton & Salakhutdinov, 2006)
    | https://www.cs.toronto.edu/~hinton/absps/science.pdf
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from models.about import About
from models.base import Loss, Posterior
from models.criterion import Criterion
from models.encoder_decoder import EncoderDecoder, GridConfig

__all__ = ["AE", "AEConfig"]


@dataclass(frozen=True)
class AEConfig(GridConfig):
    """Configuration of an autoencoder."""


class AE(EncoderDecoder):
    """The plain autoencoder; variants override `code`, `training_code` or `penalties`."""

    Config: ClassVar[type[Any]] = AEConfig
    about = About(
        title="AE",
        idea="An encoder compresses an image to a latent, and a decoder reconstructs the image from it.",
        year=2006,
        paper="Reducing the Dimensionality of Data with Neural Networks, Hinton & Salakhutdinov",
        link="https://www.cs.toronto.edu/~hinton/absps/science.pdf",
    )
    prior = False
    numbers = 1

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"-\log p\big(x\,|\,g(f(x))\big)",
            "Training asks that each image comes back from its own latent.",
            {"reconstruction": "−log p of the image under what its latent decodes to"},
        )

    def code(self, x: Tensor) -> Tensor:
        """The latents (B, D) of images (B, C, H, W)."""
        z: Tensor = self.encoder(x).float()
        return z

    def encode(self, x: Tensor) -> Posterior:
        """The latents of images (B, C, H, W) in [0, 1], without a standard deviation."""
        return Posterior(self.code(x))

    def training_code(self, x: Tensor, generator: torch.Generator | None, warmup: float) -> Tensor:
        """The latents (B, D) that training decodes; variants may encode a corrupted image here."""
        return self.code(x)

    def penalties(self, x: Tensor, z: Tensor, generator: torch.Generator | None) -> dict[str, Tensor]:
        """Weighted penalties by name, scalars in nats per image; none here."""
        return {}

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Reconstruction plus `warmup` times each penalty; the terms report penalties without `warmup`."""
        x = self.likelihood.prepare(x, generator)
        z = self.training_code(x, generator, warmup)
        reconstruction = total = self.nll(z, x).mean()
        penalties = self.penalties(x, z, generator)
        for penalty in penalties.values():
            total = total + warmup * penalty
        return Loss(total, {"reconstruction": reconstruction, **penalties})
