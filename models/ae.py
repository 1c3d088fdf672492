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

from models.base import Loss, Posterior
from models.criterion import Criterion
from models.encoder_decoder import EncoderDecoder, GridConfig
from models.family_description import FamilyDescription

__all__ = ["AE", "AEConfig"]


@dataclass(frozen=True)
class AEConfig(GridConfig):
    """Configuration of an autoencoder."""


class AE(EncoderDecoder):
    """The plain autoencoder; variants override `latent`, `training_latent` or `penalties`."""

    Config: ClassVar[type[Any]] = AEConfig
    description = FamilyDescription(
        title="AE",
        idea="An encoder compresses an image to a latent, and a decoder reconstructs the image from it.",
        year=2006,
        paper="Reducing the Dimensionality of Data with Neural Networks, Hinton & Salakhutdinov",
        link="https://www.cs.toronto.edu/~hinton/absps/science.pdf",
    )
    prior = False
    outputs = 1

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"-\log p\big(x\,|\,g(f(x))\big)",
            "The decoder learns to reconstruct each image from its latent.",
            {"reconstruction": "−log p(x|z) of the image, given its latent"},
        )

    def latent(self, x: Tensor) -> Tensor:
        """Computes the latents (B, D) of images (B, C, H, W)."""
        return self.encoder(x).float()  # type: ignore[no-any-return]

    def encode(self, x: Tensor) -> Posterior:
        """Encodes images (B, C, H, W) in [0, 1] to latents, without a standard deviation."""
        return Posterior(self.latent(x))

    def training_latent(self, x: Tensor, generator: torch.Generator | None, warmup: float) -> Tensor:
        """Computes the latents (B, D) that training decodes; a variant may encode a corrupted image here."""
        return self.latent(x)

    def penalties(self, x: Tensor, z: Tensor, generator: torch.Generator | None) -> dict[str, Tensor]:
        """Returns weighted penalties by name, scalars in nats per image; none for the plain autoencoder."""
        return {}

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Adds `warmup` times each penalty to the reconstruction; the terms report penalties without `warmup`."""
        x = self.likelihood.prepare(x, generator)
        z = self.training_latent(x, generator, warmup)
        reconstruction = total = self.nll(z, x).mean()
        penalties = self.penalties(x, z, generator)
        for penalty in penalties.values():
            total = total + warmup * penalty
        return Loss(total, {"reconstruction": reconstruction, **penalties})
