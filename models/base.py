"""The interface of all models: encode, decode, loss, and the specification of the latent.

An autoencoder is a pair of maps, `z = encode(x)` and `x = decode(z)`. Code that uses a model (the trainer, the
evaluation, the explorer) depends on `Autoencoder` and `LatentSpec`, never on the class of a model. Optional
abilities are in `models/protocols.py`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models.criterion import Criterion
from models.family_description import FamilyDescription
from models.latent_spec import LatentSpec, Level
from models.sharding import draw

__all__ = [
    "Autoencoder",
    "LatentSpec",
    "Level",
    "Loss",
    "Posterior",
    "Progress",
]

Progress = Callable[[int, int], None]  # called with the number of codes drawn and their total


@dataclass(frozen=True)
class Posterior:
    """q(z|x) of a batch: a diagonal Gaussian, or a point if `std` is None."""

    mean: Tensor  # (B, *latent), in prior standard deviations
    std: Tensor | None = None  # (B, *latent), same unit

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draws z = mean + std * eps, reparameterised; returns the mean if `std` is None.

        Arguments:
            generator: Source of eps; torch's default generator if None.

        Returns:
            Latents, shape of `mean`.

        References:
            | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
            | https://arxiv.org/abs/1312.6114
        """
        if self.std is None:
            return self.mean
        eps = draw(torch.randn, self.mean.shape, generator, dtype=self.mean.dtype, device=self.mean.device)
        return self.mean + self.std * eps

    def kl(self) -> Tensor:
        r"""Computes KL(q(z|x) || N(0, I)) of each dimension, in nats.

        1/2 (mu^2 + sigma^2 - 1 - log sigma^2)

        Returns:
            Shape of `mean`; its sum over all dimensions but the batch is in nats per image.

        Raises:
            ValueError: If the posterior is deterministic; its divergence is infinite.
        """
        if self.std is None:
            raise ValueError(
                "`std` must not be None. The KL divergence of a deterministic latent is infinite."
            )
        variance = self.std.square()
        return 0.5 * (self.mean.square() + variance - 1 - variance.log())


@dataclass(frozen=True)
class Loss:
    """The training loss and its terms."""

    total: Tensor  # scalar, nats per image
    terms: dict[str, Tensor]  # scalars, means over the batch, nats per image
    metrics: dict[str, Tensor] = field(default_factory=dict)  # other scalars to log, in units of their own


class Autoencoder(nn.Module, ABC):
    """The base of all models.

    A subclass declares its frozen configuration class `Config` and its `description`, sets `spec` and
    `image_shape`, and implements `criterion`, `encode`, `decode` and `loss`. Images are float tensors (B, C, H, W) in
    [0, 1].
    """

    Config: ClassVar[type[Any]]
    description: ClassVar[FamilyDescription]  # of the family
    closed_form: ClassVar[bool] = False  # fitted by `ClosedForm.fit` instead of gradient steps
    exportable: ClassVar[bool] = True  # `decode` consists of torch operations, so that it can be exported

    config: Any
    spec: LatentSpec
    image_shape: tuple[int, int, int]  # (C, H, W)

    @property
    def nbytes(self) -> int:
        """Memory of the weights, bytes."""
        return sum(tensor.nbytes for tensor in (*self.parameters(), *self.buffers()))

    @classmethod
    @abstractmethod
    def criterion(cls, config: Any) -> Criterion:
        """Describes the training loss under a configuration."""

    @abstractmethod
    def encode(self, x: Tensor) -> Posterior:
        """Encodes images (B, C, H, W) in [0, 1] to their posterior."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Decodes latents (B, *latent) to pictures (B, C, H, W) in [0, 1]."""

    @abstractmethod
    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Computes the training loss of a batch.

        Arguments:
            x: Images (B, C, H, W) in [0, 1].
            generator: Source of all noise, for reproducible steps.
            warmup: Progress of the warm-up, 0 to 1; models scale their regulariser by it.
        """

    def sample(
        self,
        count: int,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        *,
        progress: Progress | None = None,
    ) -> Tensor:
        """Draws pictures from the prior.

        Arguments:
            count: Number of pictures.
            generator: Source of the noise; torch's default generator if None.
            temperature: At least 0. 1 samples from the prior, smaller values stay nearer to its mode. A normal prior
                is sampled with this standard deviation; the logits of a prior over codes are divided by it.
            progress: Called for each code that an autoregressive prior draws; other priors do not call it.

        Returns:
            Pictures (count, C, H, W) in [0, 1].

        Raises:
            ValueError: If the model has no prior, or `temperature` is negative or not finite.

        References:
            | Glow: Generative Flow with Invertible 1x1 Convolutions (Kingma & Dhariwal, 2018), for the temperature
            | https://arxiv.org/abs/1807.03039
        """
        if not self.spec.prior:
            raise ValueError(f"{type(self).__name__} has no prior to sample from (`spec.prior` is False).")
        if not 0 <= temperature < math.inf:
            raise ValueError(f"`temperature` must be a finite number of at least 0. Got {temperature}.")
        device = next(chain(self.parameters(), self.buffers())).device
        z = torch.randn(count, *self.spec.shape, generator=generator, device=device)
        return self.decode(temperature * z)
