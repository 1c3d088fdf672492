r"""The base of models with an encoder network, a decoder network and a likelihood.

z = f(x),   -log p(x|z) = -log p(x | g(z)),   x_hat = E[x|z]

f and g are networks, and the likelihood interprets the outputs of g. A subclass defines whether the latent is a
point or a distribution, and the rest of the loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn

from models.base import Autoencoder, LatentSpec, Level
from models.configuration import check_settings, setting, setting_metadata
from models.layers.likelihoods import LIKELIHOODS, make_likelihood
from models.layers.networks import NETWORKS, grid_of, make_decoder, make_encoder

__all__ = ["EncoderDecoder", "GridConfig", "ImageConfig", "LatentConfig", "LikelihoodConfig", "NetworkConfig"]

LATENT_AT_MOST = 16_384  # dimensions of a grid


@dataclass(frozen=True)
class ImageConfig:
    """Configuration of an image model; subclasses declare their fields with `setting`."""

    image_shape: tuple[int, ...] = field(metadata=setting_metadata("(C, H, W), sides of 8 to 256 pixels"))

    def __post_init__(self) -> None:
        if len(self.image_shape) != 3 or not 1 <= self.image_shape[0] <= 4:
            raise ValueError(f"`image_shape` must be (1 to 4, H, W). Got {self.image_shape}.")
        if not all(8 <= side <= 256 for side in self.image_shape[1:]):
            raise ValueError(f"`image_shape` must have sides of 8 to 256 pixels. Got {self.image_shape}.")
        check_settings(self)

    @property
    def pixels(self) -> int:
        """Values in one image, C * H * W."""
        return math.prod(self.image_shape)


@dataclass(frozen=True)
class LatentConfig(ImageConfig):
    """Configuration of an image model with a latent vector."""

    latent: int = setting(32, "dimensions of z", low=1, high=1024)


@dataclass(frozen=True)
class LikelihoodConfig(LatentConfig):
    """Configuration of a model with a latent and a likelihood."""

    likelihood: str = setting(
        "learnt-gaussian", "distribution of the pixels given the decoder's output", choices=LIKELIHOODS
    )
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
        0,
        "hidden units of a network parallel to the linear layers at the latent; 0 for none",
        low=0,
        high=4096,
    )


@dataclass(frozen=True)
class GridConfig(NetworkConfig):
    """Configuration of a model whose latent is a vector, or a grid of vectors at positions of the image."""

    grid: int = setting(
        0,
        "positions along the longer side of a spatial latent, each with `latent` dimensions; 0 for a vector",
        low=0,
        high=128,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.grid:
            return
        if self.neck:
            raise ValueError(f"`neck` must be 0 for a `grid`, which has no linear layers. Got {self.neck}.")
        if self.level.size > LATENT_AT_MOST:
            raise ValueError(
                f"`grid` must give at most {LATENT_AT_MOST:,} dimensions in total. Got {self.level.shape}, "
                f"{self.level.size:,}. Choose a smaller `grid` or `latent`."
            )

    @property
    def level(self) -> Level:
        """The grid of a spatial latent."""
        channels, height, width = self.image_shape
        return Level("grid", (self.latent, *grid_of(self.network, (channels, height, width), self.grid)))


class EncoderDecoder(Autoencoder):
    """An encoder, a decoder and a likelihood; a subclass interprets the encoder's outputs."""

    prior: ClassVar[bool]  # latents follow N(0, I), and the loss bounds log p(x)
    outputs: ClassVar[int]  # encoder outputs per latent dimension

    def __init__(self, config: Any) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        self.grid = config.grid if isinstance(config, GridConfig) else 0
        levels = (config.level,) if self.grid else ()
        size = levels[0].size if levels else config.latent
        self.spec = LatentSpec(
            (size,), levels, prior=self.prior, likelihood="bound" if self.prior else "none"
        )
        self.encoder, self.decoder = self.networks()
        self.likelihood = make_likelihood(config.likelihood, config.sigma)

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """Builds the encoder, (B, C, H, W) to (B, outputs * D), and the decoder, (B, D) to (B, C, H, W)."""
        c = self.config
        network = (c.network, self.image_shape, c.width, c.depth)
        return (
            make_encoder(*network, self.outputs * c.latent, c.neck, self.grid),
            make_decoder(*network, c.latent, c.neck, self.grid),
        )

    def decode(self, z: Tensor) -> Tensor:
        """Decodes latents (B, D) to pictures E[x|z], (B, C, H, W) in [0, 1]."""
        return self.likelihood.mean(self.decoder(z).float())

    def nll(self, z: Tensor, x: Tensor) -> Tensor:
        """Computes -log p(x|z) in nats per image, shape (B,)."""
        return self.likelihood.nll(self.decoder(z).float(), x)
