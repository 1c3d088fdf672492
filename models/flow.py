r"""The base of the flows: an invertible map between pictures and a standard normal latent, and so an exact density.

log p(v) = log N(f(v); 0, I) + log |det df/dv|

v is an image in grey levels, 0 to 256, dequantised by the noise of `models.layers.dequantisation`. Nothing is lost
between v and z = f(v): a latent has as many dimensions as the image, and decoding an encoded image restores it.

References:
    | Variational Inference with Normalizing Flows (Rezende & Mohamed, 2015)
    | https://arxiv.org/abs/1505.05770
    | Density Estimation Using Real NVP (Dinh et al., 2016)
    | https://arxiv.org/abs/1605.08803
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.base import Autoencoder, LatentSpec, Loss, Posterior
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import ImageConfig
from models.layers.dequantisation import DEQUANTISATIONS, make_dequantisation, standard_normal
from models.layers.invertible import GREYS, FlowLayer, Shape
from models.layers.multiscale import Multiscale

__all__ = ["Flow", "FlowConfig"]


@dataclass(frozen=True)
class FlowConfig(ImageConfig):
    """Configuration of a flow."""

    levels: int = setting(
        3, "scales of the latent; fewer where both sides of the grid become odd", low=1, high=6
    )
    width: int = setting(64, "channels of a coupling's network", low=1, high=1024)
    dequantisation: str = setting(
        "uniform", "noise that turns whole grey levels into real numbers", choices=DEQUANTISATIONS
    )


class Flow(Autoencoder):
    """A normalizing flow; a subclass builds the layers of a level.

    The latent is in prior standard deviations: the prior is N(0, I) at every level.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        self.flow = Multiscale(self.image_shape, config.levels, self.level)
        self.dequantise = make_dequantisation(config.dequantisation, self.image_shape, config.width)
        self.spec = LatentSpec((config.pixels,), self.flow.parts, likelihood="exact")

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        noise = {"uniform": "uniform noise", "variational": "noise that is learnt"}[config.dequantisation]
        return Criterion(
            r"\mathbb{E}_{q(u|x)}\Big[-\log \mathcal{N}\big(f(v); 0, I\big) - \log\left|\det \frac{\partial f}{\partial v}"
            r"\right| + \log q(u|x)\Big] \ge -\log P(x)",
            "Training raises the density of images whose grey levels were made real numbers by "
            f"{noise}. The density of v is exact; of −log P(x) of the 8-bit image its mean over the noise is a bound.",
            {
                "latent": "−log of the normal density of the latent",
                "volume": "−log of the change of volume",
                "noise": "log density of the noise, 0 where it is uniform",
            },
            where="v = 255 x + u",
        )

    @property
    def pixels(self) -> str:
        """What the density is of, for the protocol of a metric."""
        return f"{GREYS} grey levels with {self.config.dequantisation} noise"

    @abstractmethod
    def level(self, shape: Shape, last: bool) -> list[FlowLayer]:
        """The layers of one level.

        Arguments:
            shape: Of the input, (C, H, W).
            last: Whether this is the last level; all others must give an even number of channels.
        """

    def encode(self, x: Tensor) -> Posterior:
        """The latents of images (B, C, H, W) in [0, 1], each grey level at its centre, without noise: (B, D)."""
        return Posterior(self.flow(255 * x + 0.5)[0])

    def decode(self, z: Tensor) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] of latents (B, D), clipped to black and white."""
        return ((self.flow.inverse(z) - 0.5) / 255).clamp(0, 1)

    def log_prob(self, x: Tensor) -> Tensor:
        """The log-density log p(v) at v = 255 x + 1/2, the centre of each grey level, without noise.

        This is the exact log-density of dequantised images. Where p is constant over a grey level it equals the
        log-probability of the 8-bit image. The likelihood of a data set is the mean of `density` over the noise.

        Arguments:
            x: Images (B, C, H, W) in [0, 1].

        Returns:
            Shape (B,), in nats.
        """
        return self.density(255 * x + 0.5)

    def density(self, v: Tensor) -> Tensor:
        """The log-density log p(v) of dequantised images (B, C, H, W) in [0, 256], in nats, shape (B,)."""
        z, log_det = self.flow(v)
        log_p: Tensor = standard_normal(z) + log_det
        return log_p

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """-log p(v) + log q(u|x) with one draw of the noise u, which bounds -log P(x) of the 8-bit image.

        There is no regulariser, so `warmup` has no effect. Of the terms, `latent` is -log N(z; 0, I), `volume` is
        -log |det dz/dv|, and `noise` is log q(u|x), 0 for uniform noise.
        """
        u, log_q = self.dequantise(x, generator)
        z, log_det = self.flow(255 * x + u)
        terms = {
            "latent": -standard_normal(z).mean(),
            "volume": -log_det.mean(),
            "noise": log_q.mean(),
        }
        return Loss(total=torch.stack(list(terms.values())).sum(), terms=terms)
