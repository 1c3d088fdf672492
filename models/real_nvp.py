r"""Real NVP: an invertible network that gives every image a latent and an exact density.

A level consists of three checkerboard couplings, a squeeze and three channel couplings, after which half of the
channels is factored out. The last level consists of four checkerboard couplings. There are two changes from the paper:
ActNorm replaces batch normalisation, so that a picture does not depend on the rest of its batch, and the network of a
coupling has three convolutions instead of residual blocks.

References:
    | Density Estimation Using Real NVP (Dinh et al., 2016)
    | https://arxiv.org/abs/1605.08803
"""

from __future__ import annotations

from dataclasses import dataclass

from models.configuration import setting
from models.family_description import FamilyDescription
from models.flow import Flow, FlowConfig
from models.layers.coupling import AffineCoupling, ChannelMask, Checkerboard, Mask
from models.layers.invertible import ActNorm, FlowLayer, Shape, Squeeze

__all__ = ["RealNVP", "RealNVPConfig"]


@dataclass(frozen=True)
class RealNVPConfig(FlowConfig):
    """Configuration of a Real NVP."""

    couplings: int = setting(
        3,
        "couplings of each mask at each level; the last level has one more, with a checkerboard",
        low=1,
        high=32,
    )


class RealNVP(Flow):
    """A flow of couplings with alternating masks."""

    Config = RealNVPConfig
    description = FamilyDescription(
        title="Real NVP",
        idea="An invertible network that gives every image a latent and an exact density.",
        year=2016,
        paper="Density Estimation Using Real NVP, Dinh et al.",
        link="https://arxiv.org/abs/1605.08803",
    )

    def level(self, shape: Shape, last: bool) -> list[FlowLayer]:
        count = self.config.couplings
        if last:
            return self.alternate(Checkerboard, shape, count + 1)
        squeeze = Squeeze(shape)
        return [
            *self.alternate(Checkerboard, shape, count),
            squeeze,
            *self.alternate(ChannelMask, squeeze.after, count),
        ]

    def alternate(self, mask: type[Mask], shape: Shape, count: int) -> list[FlowLayer]:
        """Builds couplings that transform the two parts of a mask in turn, each after an ActNorm."""
        layers: list[FlowLayer] = []
        for number in range(count):
            coupling = AffineCoupling(mask(shape, flip=bool(number % 2)), self.config.width)
            layers += [ActNorm(shape[0]), coupling]
        return layers
