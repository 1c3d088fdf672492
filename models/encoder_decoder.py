r"""The base of models with an encoder network, a decoder network and a likelihood.

z = f(x),   -log p(x|z) = -log p(x | g(z)),   x_hat = E[x|z]

f and g are networks, and the likelihood defines what the outputs of g mean. A subclass defines whether the latent is a
point or a distribution, and the rest of the loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn

from models.base import Autoencoder, LatentSpec
from models.configuration import check_settings, described, setting
from models.layers.likelihoods import LIKELIHOODS, make_likelihood
from models.layers.networks import NETWORKS, make_decoder, make_encoder

__all__ = ["CodeConfig", "EncoderDecoder", "ImageConfig", "LikelihoodConfig", "NetworkConfig"]


@dataclass(frozen=True)
class ImageConfig:
    """Configuration of a model of images; subclasses declare their fields with `setting`."""

    image_shape: tuple[int, ...] = field(metadata=described("(C, H, W), sides of 8 to 64 pixels"))

    def __post_init__(self) -> None:
        if len(self.image_shape) != 3 or self.image_shape[0] not in (1, 3):
            raise ValueError(f"`image_shape` must be (1 or 3, H, W). Got {self.image_shape}.")
        if not all(8 <= side <= 64 for side in self.image_shape[1:]):
            raise ValueError(f"`image_shape` must have sides of 8 to 64 pixels. Got {self.image_shape}.")
        check_settings(self)

    @property
    def pixels(self) -> int:
        """Values in one image, C * H * W."""
        return math.prod(self.image_shape)


@dataclass(frozen=True)
class CodeConfig(ImageConfig):
    """Configuration of a model of images with a latent."""

    latent: int = setting(32, "dimensions of z", low=1, high=1024)


@dataclass(frozen=True)
class LikelihoodConfig(CodeConfig):
    """Configuration of a model with a latent and a likelihood."""

    likelihood: str = setting("learnt-gaussian", "what the decoder's output means", choices=LIKELIHOODS)
    sigma: float = setting(
        0.1,
        "standard deviation of a pixel, for the fixed Gaussian; alpha = 1 / (2 sigma^2)",
        low=1e-4,
        high=10,
    )


@dataclass(frozen=True)
class NetworkConfig(LikelihoodConfig):
    """Configuration of a model with an encoder and a decoder network."""

    network: str = setting("conv", "kind of both networks", choices=NETWORKS)
    width: int = setting(
        32, "channels of the first convolution, or units of a hidden layer", low=1, high=2048
    )
    depth: int = setting(
        1, "residual blocks per level, or hidden layers; an MLP of 0 is one linear layer", low=0, high=8
    )
    neck: int = setting(
        0, "hidden units beside the linear layers at the latent; 0 for none", low=0, high=4096
    )


class EncoderDecoder(Autoencoder):
    """An encoder, a decoder and a likelihood; a subclass defines what the encoder's outputs mean."""

    prior: ClassVar[bool]  # latents follow N(0, I), and the loss bounds log p(x)
    numbers: ClassVar[int]  # encoder outputs per latent dimension

    def __init__(self, config: Any) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        self.spec = LatentSpec(
            (config.latent,), prior=self.prior, likelihood="bound" if self.prior else "none"
        )
        self.encoder, self.decoder = self.networks()
        self.likelihood = make_likelihood(config.likelihood, config.sigma)

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """The encoder, (B, C, H, W) to (B, numbers * D), and the decoder, (B, D) to (B, C, H, W)."""
        c = self.config
        network = (c.network, self.image_shape, c.width, c.depth)
        return (
            make_encoder(*network, self.numbers * c.latent, c.neck),
            make_decoder(*network, c.latent, c.neck),
        )

    def decode(self, z: Tensor) -> Tensor:
        """E[x|z] of latents (B, D): pictures (B, C, H, W) in [0, 1]."""
        return self.likelihood.mean(self.decoder(z).float())

    def nll(self, z: Tensor, x: Tensor) -> Tensor:
        """-log p(x|z) in nats per image, shape (B,)."""
        return self.likelihood.nll(self.decoder(z).float(), x)
