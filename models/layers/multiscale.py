r"""The multiscale architecture of a flow: after each level, half of the channels become part of the latent.

x = h_0,   (h_i, z_i) = split f_i(h_(i-1)),   z_n = f_n(h_(n-1)),   z = (z_n, ..., z_1)

The first levels give fine detail, the last ones have the largest receptive field. The latent is the concatenation of
all levels, the coarsest first.

References:
    | Density Estimation Using Real NVP (Dinh et al., 2016)
    | https://arxiv.org/abs/1605.08803
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.base import Level
from models.layers.invertible import FlowLayer, Logit, Shape

__all__ = ["Build", "Chain", "Multiscale"]

Build = Callable[[Shape, bool], list[FlowLayer]]


class Chain(FlowLayer):
    """A sequence of layers; their log-determinants add up.

    Arguments:
        layers: Layers in the order from the image to the latent.
    """

    def __init__(self, layers: list[FlowLayer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        total = x.new_zeros(len(x))
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return x, total

    def inverse(self, y: Tensor) -> Tensor:
        for layer in reversed(self.layers):
            y = layer.inverse(y)  # type: ignore[operator]
        return y


class Multiscale(nn.Module):
    """A flow from images to latents with several levels.

    There are fewer levels than requested if both sides of the grid become odd and cannot be halved: 28x28 gives grids
    of 14x14 and 7x7, and 9x9 gives one level.

    Arguments:
        shape: Image shape (C, H, W).
        levels: Largest number of levels.
        build: Builds the layers of a level from the shape of its input and whether it is the last one. Every level
            but the last must output an even number of channels.
    """

    def __init__(self, shape: Shape, levels: int, build: Build) -> None:
        super().__init__()
        self.logit = Logit()
        self.levels = nn.ModuleList()
        self.shapes: list[Shape] = []  # of the part of the latent from each level
        for number in range(levels):
            last = number == levels - 1 or all(side % 2 for side in shape[1:])
            self.levels.append(Chain(build(shape, last)))
            c, h, w = output_shape(self.levels[-1], shape)
            shape = c // 2, h, w
            self.shapes.append((c, h, w) if last else (c - c // 2, h, w))
            if last:
                break

    @property
    def parts(self) -> tuple[Level, ...]:
        """The levels of a latent, the coarsest first."""
        names = [f"level {number}" for number in range(1, len(self.shapes) + 1)]
        return tuple(Level(*each) for each in zip(names, reversed(self.shapes), strict=True))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps images (B, C, H, W) in grey levels, 0 to 256, to latents (B, D) and log |det dz/dx| in nats, (B,)."""
        x, total = self.logit(x)
        latents = []
        for level, shape in zip(self.levels, self.shapes, strict=True):
            x, log_det = level(x)
            total = total + log_det
            remaining = x.shape[1] - shape[0]
            x, z = x[:, :remaining], x[:, remaining:]
            latents.append(z.flatten(1))
        return torch.cat(latents[::-1], 1), total

    def inverse(self, z: Tensor) -> Tensor:
        """Maps latents (B, D) to images (B, C, H, W) in grey levels, 0 to 256."""
        x, start = z, 0
        for level, shape in zip(reversed(self.levels), reversed(self.shapes), strict=True):
            end = start + math.prod(shape)
            part = z[:, start:end].reshape(-1, *shape)
            x = level.inverse(torch.cat([x, part], 1) if start else part)  # type: ignore[operator]
            start = end
        return self.logit.inverse(x)


def output_shape(level: nn.Module, shape: Shape) -> Shape:
    """Returns the shape of a level's output for an input of the given shape."""
    for layer in level.modules():
        shape = getattr(layer, "after", shape)
    return shape
