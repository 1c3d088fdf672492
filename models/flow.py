r"""The base of the flows: an invertible map between images and a standard normal latent, with an exact density.

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
        3, "scales of the latent; fewer if both sides of the grid become odd", low=1, high=6
    )
    width: int = setting(64, "channels of a coupling's network", low=1, high=1024)
    dequantisation: str = setting(
        "uniform", "noise that makes integer grey levels continuous", choices=DEQUANTISATIONS
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
        noise = {"uniform": "uniform noise", "variational": "learnt noise"}[config.dequantisation]
        return Criterion(
            r"\mathbb{E}_{q(u|x)}\Big[-\log \mathcal{N}\big(f(v); 0, I\big) - \log\left|\det \frac{\partial f}{\partial v}"
            r"\right| + \log q(u|x)\Big] \ge -\log P(x)",
            f"The model learns to give images high density after {noise} made their grey levels continuous. The density "
            "of v is exact; its mean over the noise gives a bound on −log P(x) of the 8-bit image.",
            {
                "latent": "−log of the normal density of the latent",
                "volume": "−log of the change of volume",
                "noise": "log density of the noise, 0 if it is uniform",
            },
            where="v = 255 x + u",
        )

    @property
    def pixels(self) -> str:
        """The pixels whose density is computed, for the protocol of a metric."""
        return f"{GREYS} grey levels with {self.config.dequantisation} noise"

    @abstractmethod
    def level(self, shape: Shape, last: bool) -> list[FlowLayer]:
        """Builds the layers of one level.

        Arguments:
            shape: Shape of the input, (C, H, W).
            last: Whether this is the last level; all others must output an even number of channels.
        """

    def encode(self, x: Tensor) -> Posterior:
        """Encodes images (B, C, H, W) in [0, 1], each grey level at its centre, to latents (B, D)."""
        return Posterior(self.flow(255 * x + 0.5)[0])

    def decode(self, z: Tensor) -> Tensor:
        """Decodes latents (B, D) to pictures (B, C, H, W), clipped to [0, 1]."""
        return ((self.flow.inverse(z) - 0.5) / 255).clamp(0, 1)

    def log_prob(self, x: Tensor) -> Tensor:
        """Computes the log-density log p(v) at v = 255 x + 1/2, the centre of each grey level, without noise.

        This is the exact log-density of dequantised images. If p is constant over a grey level, it equals the
        log-probability of the 8-bit image. The likelihood of a data set is the mean of `density` over the noise.

        Arguments:
            x: Images (B, C, H, W) in [0, 1].

        Returns:
            Shape (B,), in nats.
        """
        return self.density(255 * x + 0.5)

    def density(self, v: Tensor) -> Tensor:
        """Computes the log-density log p(v) of dequantised images (B, C, H, W) in [0, 256], in nats, shape (B,)."""
        z, log_det = self.flow(v)
        return torch.add(standard_normal(z), log_det)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Computes -log p(v) + log q(u|x) with one draw of the noise u, a bound on -log P(x) of the 8-bit image.

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
