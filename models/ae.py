r"""The autoencoder: an encoder compresses the image to a latent, from which a decoder rebuilds it.

min  -log p(x | g(f(x)))

With a Gaussian likelihood this is the squared error, with a Bernoulli one the cross-entropy. The code is one
point an image: no prior says where other codes lie, and no likelihood of images follows.

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
from models.encoder_decoder import EncoderDecoder, NetworkConfig

__all__ = ["AE", "AEConfig"]


@dataclass(frozen=True)
class AEConfig(NetworkConfig):
    """Configuration of an autoencoder."""


class AE(EncoderDecoder):
    """The plain autoencoder; variants write `code`, `training_code` or `penalties` anew."""

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
            "Training asks that each image comes back from its own code.",
            {"reconstruction": "−log p of the image under what its code decodes to"},
        )

    def code(self, x: Tensor) -> Tensor:
        """The code (B, D) of images (B, C, H, W)."""
        z: Tensor = self.encoder(x).float()
        return z

    def encode(self, x: Tensor) -> Posterior:
        """The code of images (B, C, H, W) in [0, 1], a point without spread."""
        return Posterior(self.code(x))

    def training_code(self, x: Tensor, generator: torch.Generator | None, warmup: float) -> Tensor:
        """The code (B, D) that training decodes: `code`, unless the model learns from something harder."""
        return self.code(x)

    def penalties(self, x: Tensor, z: Tensor, generator: torch.Generator | None) -> dict[str, Tensor]:
        """Further terms of the loss by name, each with its weight, scalars in nats per image; none here."""
        return {}

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """The reconstruction and `warmup` times each penalty; the terms show penalties without `warmup`."""
        x = self.likelihood.prepare(x, generator)
        z = self.training_code(x, generator, warmup)
        reconstruction = total = self.nll(z, x).mean()
        penalties = self.penalties(x, z, generator)
        for penalty in penalties.values():
            total = total + warmup * penalty
        return Loss(total, {"reconstruction": reconstruction, **penalties})
