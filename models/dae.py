r"""The denoising autoencoder: it reconstructs the clean image from a corrupted one.

min  E_c(x~|x) [ -log p(x | g(f(x~))) ]

Corruptions c: masking (pixels become black), salt-and-pepper (pixels become black or white) and Gaussian
(x~ = x + level * eps, not clipped to [0, 1]). Undoing a corruption requires the dependencies between pixels, so the
latent must capture them; the reconstruction of a noisy image points back towards the data. Images are corrupted only
in training: `encode` takes them unchanged.

References:
    | Extracting and Composing Robust Features with Denoising Autoencoders (Vincent et al., 2008)
    | https://www.cs.toronto.edu/~larocheh/publications/icml-2008-denoising-autoencoders.pdf
    | Stacked Denoising Autoencoders (Vincent et al., 2010), for salt-and-pepper and Gaussian corruption
    | https://www.jmlr.org/papers/v11/vincent10a.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.ae import AE
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import NetworkConfig
from models.family_description import FamilyDescription
from models.sharding import draw

__all__ = ["CORRUPTIONS", "DAE", "DAEConfig", "corrupt"]

CORRUPTIONS = ("masking", "gaussian", "salt-and-pepper")


@dataclass(frozen=True)
class DAEConfig(NetworkConfig):
    """Configuration of a denoising autoencoder."""

    corruption: str = setting("masking", "how training images are corrupted", choices=CORRUPTIONS)
    level: float = setting(
        0.5,
        "share of corrupted pixels; for Gaussian noise, its standard deviation with black 0 and white 1",
        low=0,
        high=1,
    )
    sigmoid: bool = setting(False, "latents in (0, 1), as in the paper, instead of unbounded")


class DAE(AE):
    """An autoencoder that is trained to reconstruct clean images from corrupted ones."""

    Config = DAEConfig
    description = FamilyDescription(
        title="Denoising AE",
        idea="An autoencoder that reconstructs the clean image from a corrupted one.",
        year=2008,
        paper="Extracting and Composing Robust Features with Denoising Autoencoders, Vincent et al.",
        link="https://www.cs.toronto.edu/~larocheh/publications/icml-2008-denoising-autoencoders.pdf",
    )

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        corruption = {
            "masking": f"{100 * config.level:g} % of the pixels set to black",
            "salt-and-pepper": f"{100 * config.level:g} % of the pixels set to black or white",
            "gaussian": f"Gaussian noise of standard deviation {config.level:g} on each pixel",
        }[config.corruption]
        return Criterion(
            r"\mathbb{E}_{\tilde x \sim c(\tilde x|x)}\big[-\log p\big(x\,|\,g(f(\tilde x))\big)\big]",
            f"The decoder learns to reconstruct the clean image from the latent of a corrupted one ({corruption}).",
            {"reconstruction": "−log p(x|z) of the clean image, given the corrupted image's latent"},
        )

    def latent(self, x: Tensor) -> Tensor:
        z = super().latent(x)
        return z.sigmoid() if self.config.sigmoid else z

    def training_latent(self, x: Tensor, generator: torch.Generator | None, warmup: float) -> Tensor:
        return self.latent(corrupt(x, self.config.corruption, self.config.level, generator))


def corrupt(x: Tensor, corruption: str, level: float, generator: torch.Generator | None = None) -> Tensor:
    """Corrupts images; all channels of a pixel are corrupted together.

    Arguments:
        x: Images (B, C, H, W) in [0, 1].
        corruption: One of `CORRUPTIONS`.
        level: Share of corrupted pixels, or the standard deviation of Gaussian noise.
        generator: Source of the noise; torch's default generator if None.

    Returns:
        Images of the same shape; Gaussian noise takes values out of [0, 1].

    Raises:
        ValueError: If `corruption` is unknown.
    """
    if corruption == "gaussian":
        return x + level * draw(torch.randn, x.shape, generator, device=x.device, dtype=x.dtype)
    drawn = draw(torch.rand, (len(x), 1, *x.shape[2:]), generator, device=x.device)
    match corruption:
        case "masking":
            return x.masked_fill(drawn < level, 0.0)
        case "salt-and-pepper":
            return x.masked_fill(drawn < level, 1.0).masked_fill(drawn < level / 2, 0.0)
    raise ValueError(f"Unknown corruption {corruption!r}. Choose one of: {', '.join(CORRUPTIONS)}.")
