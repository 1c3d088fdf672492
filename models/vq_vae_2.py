r"""The VQ-VAE-2: two grids of codes, a coarse one and a fine one that is conditioned on it.

-log p(x) <= -log p(x | e_top, e_bottom) - log p(k_bottom | k_top) - log p(k_top)

The vectors of the bottom are computed from the image and the codes of the top, so that they need not repeat the
information of the top, and the prior of the bottom is conditioned on the top. The top has half the rows and columns of
the bottom.

References:
    | Generating Diverse High-Fidelity Images with VQ-VAE-2 (Razavi et al., 2019)
    | https://arxiv.org/abs/1906.00446
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.base import Level
from models.family_description import FamilyDescription
from models.layers.networks import double, halve, halved
from models.layers.quantiser import Quantised
from models.vq_vae import VQVAE, Quantise, VQVAEConfig

__all__ = ["VQVAE2", "VQVAE2Config"]


@dataclass(frozen=True)
class VQVAE2Config(VQVAEConfig):
    """Configuration of a VQ-VAE-2; `halvings` gives the bottom grid."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """The grids of vectors: top and bottom."""
        bottom, top = halved(self.grids()[-1], 1)
        return Level("top", (self.latent, *top)), Level("bottom", (self.latent, *bottom))


class VQVAE2(VQVAE):
    """A VQ-VAE with two levels, the bottom conditioned on the top."""

    Config = VQVAE2Config
    description = FamilyDescription(
        title="VQ-VAE-2",
        idea="Two grids of codes, a coarse one and a fine one that is conditioned on it.",
        year=2019,
        paper="Generating Diverse High-Fidelity Images with VQ-VAE-2, Razavi et al.",
        link="https://arxiv.org/abs/1906.00446",
    )

    encoder: nn.ModuleDict
    decoder: nn.ModuleDict

    def networks(self) -> tuple[nn.ModuleDict, nn.ModuleDict]:
        """Builds the sub-networks of the encoder and the decoder, by their outputs."""
        c = self.config
        grids, channels = c.grids(), c.channels()
        between, wide = halved(grids[-1], 1), channels[-1]

        def above() -> nn.Module:
            """Builds a network from the codes of the top to the grid of the bottom."""
            return nn.Sequential(
                nn.Conv2d(c.latent, wide, 3, padding=1), double(between, [wide, wide], c.depth)
            )

        encoder = {
            "fine": halve(grids, channels, c.depth),
            "top": nn.Sequential(halve(between, [wide, wide], c.depth), nn.Conv2d(wide, c.latent, 1)),
            "above": above(),
            "bottom": nn.Conv2d(2 * wide, c.latent, 1),
        }
        decoder = {
            "above": above(),
            "picture": nn.Sequential(
                nn.Conv2d(wide + c.latent, wide, 3, padding=1), double(grids, channels, c.depth)
            ),
        }
        return nn.ModuleDict(encoder), nn.ModuleDict(decoder)

    def quantise(self, x: Tensor, by: Quantise) -> list[Quantised]:
        fine = self.encoder["fine"](x)
        top = by(self.quantiser(0), self.encoder["top"](fine).float())
        both = torch.cat([fine, self.encoder["above"](top.straight_through)], 1)
        return [top, by(self.quantiser(1), self.encoder["bottom"](both).float())]

    def rebuild(self, vectors: list[Tensor]) -> Tensor:
        top, bottom = vectors
        output: Tensor = self.decoder["picture"](torch.cat([self.decoder["above"](top), bottom], 1))
        return output.float()
