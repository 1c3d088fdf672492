r"""A decoder of embeddings: it learns the picture of a vector that was computed elsewhere.

-log p(x|z) = -log p(x | g((z - m) / s)),   x_hat = E[x|z]

z are the given vectors, m and s the mean and standard deviation of each of their dimensions over the training images. Only
the decoder network g is trained, on pairs of vector and picture. What a reconstruction lacks, the embedding does not tell,
or the decoder has not learnt.

References:
    | Inverting Visual Representations with Convolutional Networks (Dosovitskiy & Brox, 2015)
    | https://arxiv.org/abs/1506.02753
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.base import Autoencoder, LatentSpec, Loss, Posterior
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import LATENT_AT_MOST, NetworkConfig
from models.family_description import FamilyDescription
from models.layers.likelihoods import make_likelihood
from models.layers.networks import NETWORKS, make_decoder

__all__ = ["EmbeddingDecoder", "EmbeddingDecoderConfig"]

LEAST = 1e-3  # share of the largest standard deviation below which that of a dimension counts as this share


@dataclass(frozen=True)
class EmbeddingDecoderConfig(NetworkConfig):
    """Configuration of a decoder of embeddings."""

    latent: int = setting(32, "dimensions of a vector", low=1, high=LATENT_AT_MOST)
    network: str = setting("patch", "kind of the network", choices=NETWORKS)
    width: int = setting(64, "channels of the last level, or units of a hidden layer", low=1, high=2048)


class EmbeddingDecoder(Autoencoder):
    """A decoder network and a likelihood, without an encoder."""

    Config: ClassVar[type[Any]] = EmbeddingDecoderConfig
    description = FamilyDescription(
        title="Decoder of embeddings",
        idea="A decoder learns the picture of each vector of an embedding that was computed elsewhere.",
        year=2015,
        paper="Inverting Visual Representations with Convolutional Networks, Dosovitskiy & Brox",
        link="https://arxiv.org/abs/1506.02753",
    )

    def __init__(self, config: Any) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        self.spec = LatentSpec((config.latent,), prior=False, likelihood="none", encodes=False)
        self.decoder = make_decoder(
            config.network, self.image_shape, config.width, config.depth, config.latent, config.neck
        )
        self.likelihood = make_likelihood(config.likelihood, config.sigma)
        self.register_buffer("centre", torch.zeros(config.latent))
        self.register_buffer("scale", torch.ones(config.latent))

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"-\log p(x|z)",
            "The decoder learns the picture of each given vector; the vectors stay as they are.",
            {"reconstruction": "−log p(x|z) of the picture, given its vector"},
        )

    def set_scale(self, z: NDArray[np.float32]) -> None:
        """Stores mean and standard deviation of each dimension of the training vectors (N, D)."""
        mean, std = z.mean(0, dtype=np.float64), z.std(0, dtype=np.float64)
        least = max(LEAST * float(std.max()), float(np.finfo(np.float32).tiny))
        self.centre = torch.from_numpy(mean.astype(np.float32))
        self.scale = torch.from_numpy(np.maximum(std, least).astype(np.float32))

    def encode(self, x: Tensor) -> Posterior:
        """Raises ValueError, since the model that computed the vectors is not known."""
        raise ValueError("A decoder of embeddings has no encoder: it cannot encode pictures.")

    def output(self, z: Tensor) -> Tensor:
        """Returns the output of the network for latents (B, D): (B, C, H, W)."""
        scaled = (z - self.get_buffer("centre")) / self.get_buffer("scale")
        output: Tensor = self.decoder(scaled)
        return output.float()

    def decode(self, z: Tensor) -> Tensor:
        """Decodes latents (B, D) to pictures E[x|z], (B, C, H, W) in [0, 1]."""
        return self.likelihood.mean(self.output(z))

    def nll(self, z: Tensor, x: Tensor) -> Tensor:
        """Computes -log p(x|z) in nats per image, shape (B,)."""
        return self.likelihood.nll(self.output(z), x)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Computes -log p(x|z) of a batch.

        Arguments:
            x: Pairs of a vector and the values of its picture, one after the other, (B, D + C * H * W).
            generator: Source of the noise of the likelihood.
            warmup: Not used: there is no regulariser.
        """
        z, pixels = x[:, : self.config.latent], x[:, self.config.latent :]
        pictures = self.likelihood.prepare(pixels.reshape(-1, *self.image_shape), generator)
        reconstruction = self.nll(z, pictures).mean()
        return Loss(total=reconstruction, terms={"reconstruction": reconstruction})
