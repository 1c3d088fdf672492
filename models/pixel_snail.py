r"""PixelSNAIL: an autoregressive model, which predicts each pixel from those before it.

log P(x) = sum_i log P(x_i | x_1 ... x_(i-1)),   x_i one of K grey levels

There is no separate latent: the codes are the picture in K grey levels, and its likelihood is exact. The channels of a
pixel are neighbours in the sequence, so green is conditioned on red, and blue on both. The network is also the prior of
a VQ-VAE (`models/layers/autoregressive.py`); here it draws pixels.

References:
    | PixelSNAIL: An Improved Autoregressive Generative Model (Chen et al., 2017)
    | https://arxiv.org/abs/1712.09763
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from models.base import Autoencoder, LatentSpec, Level, Loss, Posterior, Progress
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import ImageConfig
from models.family_description import FamilyDescription
from models.layers.autoregressive import Autoregressive

__all__ = ["PixelSNAIL", "PixelSNAILConfig"]


@dataclass(frozen=True)
class PixelSNAILConfig(ImageConfig):
    """Configuration of a PixelSNAIL."""

    greys: int = setting(16, "K, grey levels of a channel; 256 for all levels of 8 bits", low=2, high=256)
    width: int = setting(64, "channels", low=1, high=2048)
    depth: int = setting(
        2,
        "blocks of gated convolutions and attention; 0 to condition only on the previous value",
        low=0,
        high=32,
    )


class PixelSNAIL(Autoencoder):
    """A distribution of pictures in K grey levels.

    A latent (B, H W C) is the picture in [0, 1]; `decode` rounds each value to its nearest grey level.
    """

    Config: ClassVar[type[Any]] = PixelSNAILConfig
    description = FamilyDescription(
        title="PixelSNAIL",
        idea="An autoregressive model, which predicts each pixel from those before it.",
        year=2017,
        paper="PixelSNAIL: An Improved Autoregressive Generative Model, Chen et al.",
        link="https://arxiv.org/abs/1712.09763",
    )

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"-\sum_i \log P(x_i\,|\,x_1 \ldots x_{i-1})",
            f"The model learns to predict each pixel, in {config.greys} grey levels, from those before it.",
            {"pixels": "−log P of the picture in its grey levels, exact"},
            "−log P(x)",
        )

    def __init__(self, config: Any) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        grid = (height, width * channels)
        self.spec = LatentSpec(
            (config.pixels,), (Level("pixels", (1, *grid)),), discrete=True, likelihood="exact"
        )
        self.network = Autoregressive(config.greys, grid, config.width, config.depth)

    @property
    def pixels(self) -> str:
        """The pixels whose likelihood is computed, for the protocol of a metric."""
        return f"{self.config.greys} grey levels"

    def encode(self, x: Tensor) -> Posterior:
        """Flattens images (B, C, H, W) to (B, H W C): row by row, the channels of a pixel next to each other."""
        return Posterior(x.movedim(1, -1).flatten(1))

    def decode(self, z: Tensor) -> Tensor:
        """Rounds each value of (B, H W C) to its nearest grey level: pictures (B, C, H, W) in [0, 1]."""
        channels, height, width = self.image_shape
        most = self.config.greys - 1
        pictures: Tensor = (z.clamp(0, 1) * most).round() / most
        return pictures.view(-1, height, width, channels).permute(0, 3, 1, 2)

    def codes(self, x: Tensor) -> list[Tensor]:
        """Returns the grey levels of images (B, C, H, W) in [0, 1]: a list of one int64 (B, H, W C)."""
        return self.nearest(self.encode(x).mean)

    def embed(self, codes: list[Tensor]) -> Tensor:
        """Returns the latents (B, H W C) of grey levels, int64 (B, H, W C)."""
        return torch.div(codes[0].flatten(1).float(), self.config.greys - 1)

    def nearest(self, z: Tensor) -> list[Tensor]:
        """Returns the grey levels nearest to latents (B, H W C), a list of one int64 (B, H, W C)."""
        levels: Tensor = (z.clamp(0, 1) * (self.config.greys - 1)).round().long()
        return [levels.view(-1, *self.network.grid)]

    def codebooks(self) -> list[Tensor]:
        """Returns the grey levels from black to white, a list of one (K, 1)."""
        return [torch.linspace(0, 1, self.config.greys, device=self.network.rows.device)[:, None]]

    def code_nll(self, codes: list[Tensor]) -> list[Tensor]:
        """Computes -log P of grey levels, int64 (B, H, W C), in nats, a list of one (B,)."""
        return [self.network.nll(codes[0])]

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Computes -log P(x) in nats; `generator` and `warmup` have no effect."""
        nll = self.code_nll(self.codes(x))[0].mean()
        return Loss(nll, {"pixels": nll})

    def sample_codes(
        self,
        count: int,
        generator: torch.Generator | None = None,
        *,
        temperature: float = 1.0,
        progress: Progress | None = None,
        above: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """Draws grey levels, a list of one int64 (count, H, W C); see `DiscreteLatent.sample_codes` for the arguments."""
        if above:
            return list(above)
        return [self.network.sample(count, generator=generator, temperature=temperature, progress=progress)]

    def sample(
        self,
        count: int,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        *,
        progress: Progress | None = None,
    ) -> Tensor:
        codes = self.sample_codes(count, generator, temperature=temperature, progress=progress)
        return self.decode(self.embed(codes))
