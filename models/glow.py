r"""Glow: a flow like Real NVP, with learnt 1x1 convolutions that mix the channels between its steps.

A step is an ActNorm, an invertible 1x1 convolution and an affine channel coupling. A level is a squeeze and several
steps, after which half of the channels is factored out. The paper predicts the mean and standard deviation of that half
from the other half. Here one more coupling standardises that half, which is equivalent, so the prior stays N(0, I).

References:
    | Glow: Generative Flow with Invertible 1x1 Convolutions (Kingma & Dhariwal, 2018)
    | https://arxiv.org/abs/1807.03039
"""

from __future__ import annotations

from dataclasses import dataclass

from models.configuration import setting
from models.family_description import FamilyDescription
from models.flow import Flow, FlowConfig
from models.layers.coupling import AffineCoupling, ChannelMask, Checkerboard
from models.layers.invertible import ActNorm, FlowLayer, InvertibleConv, Shape, Squeeze

__all__ = ["Glow", "GlowConfig"]


@dataclass(frozen=True)
class GlowConfig(FlowConfig):
    """Configuration of a Glow."""

    steps: int = setting(8, "steps (ActNorm, 1x1 convolution, coupling) at each level", low=1, high=64)


class Glow(Flow):
    """A flow with invertible 1x1 convolutions."""

    Config = GlowConfig
    description = FamilyDescription(
        title="Glow",
        idea="A flow like Real NVP, with learnt 1x1 convolutions that mix the channels between its steps.",
        year=2018,
        paper="Glow: Generative Flow with Invertible 1x1 Convolutions, Kingma & Dhariwal",
        link="https://arxiv.org/abs/1807.03039",
    )

    def level(self, shape: Shape, last: bool) -> list[FlowLayer]:
        squeeze = Squeeze(shape)
        layers: list[FlowLayer] = [squeeze]
        for number in range(self.config.steps):
            layers += self.step(squeeze.after, number)
        prior = (
            [] if last else [self.coupling(squeeze.after, flip=False)]
        )  # for the half that is factored out
        return [*layers, ActNorm(squeeze.after[0]), *prior]

    def step(self, shape: Shape, number: int) -> list[FlowLayer]:
        """Builds step `number` of a level."""
        channels = shape[0]
        mixing = [InvertibleConv(channels)] if channels > 1 else []
        return [ActNorm(channels), *mixing, self.coupling(shape, flip=bool(number % 2))]

    def coupling(self, shape: Shape, flip: bool) -> AffineCoupling:
        """Builds a coupling between halves of the channels, or between pixels if there is one channel (odd sides)."""
        mask = ChannelMask if shape[0] > 1 else Checkerboard
        return AffineCoupling(mask(shape, flip), self.config.width)
