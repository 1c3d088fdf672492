r"""The multiscale frame of a flow: level after level, half of the channels leaves as finished latent.

x = h_0,   (h_i, z_i) = split f_i(h_(i-1)),   z_n = f_n(h_(n-1)),   z = (z_n, ..., z_1)

What leaves early is fine detail; what stays to the end has the largest field of view. The latent is all of it laid
end to end, the coarsest level first.

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
    """Layers one after another; their volume changes add up.

    Arguments:
        layers: In the order from the image to the latent.
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
    """A flow from images to latents of several levels.

    Levels end where asked, or where both sides of the grid are odd and can not be halved: 28x28 gives grids of 14x14
    and 7x7, and 9x9 is one level of its own size.

    Arguments:
        shape: Image shape (C, H, W).
        levels: Levels at most.
        build: Gives the layers of a level, from the shape that comes in, and whether it is the last one. Every level
            but the last has to leave an even number of channels.
    """

    def __init__(self, shape: Shape, levels: int, build: Build) -> None:
        super().__init__()
        self.logit = Logit()
        self.levels = nn.ModuleList()
        self.shapes: list[Shape] = []  # of the latent that each level gives
        for number in range(levels):
            last = number == levels - 1 or all(side % 2 for side in shape[1:])
            self.levels.append(Chain(build(shape, last)))
            c, h, w = given(self.levels[-1], shape)
            shape = c // 2, h, w
            self.shapes.append((c, h, w) if last else (c - c // 2, h, w))
            if last:
                break

    @property
    def parts(self) -> tuple[Level, ...]:
        """What lies in a latent, the coarsest level first."""
        names = [f"level {number}" for number in range(1, len(self.shapes) + 1)]
        return tuple(Level(*each) for each in zip(names, reversed(self.shapes), strict=True))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) in grey levels, 0 to 256, to latents (B, D), and log |det dz/dx| in nats, shape (B,)."""
        x, total = self.logit(x)
        found = []
        for level, shape in zip(self.levels, self.shapes, strict=True):
            x, log_det = level(x)
            total = total + log_det
            stays = x.shape[1] - shape[0]
            x, z = x[:, :stays], x[:, stays:]
            found.append(z.flatten(1))
        return torch.cat(found[::-1], 1), total

    def inverse(self, z: Tensor) -> Tensor:
        """Latents (B, D) to images (B, C, H, W) in grey levels, 0 to 256."""
        x, start = z, 0
        for level, shape in zip(reversed(self.levels), reversed(self.shapes), strict=True):
            end = start + math.prod(shape)
            own = z[:, start:end].reshape(-1, *shape)
            x = level.inverse(torch.cat([x, own], 1) if start else own)  # type: ignore[operator]
            start = end
        return self.logit.inverse(x)


def given(level: nn.Module, shape: Shape) -> Shape:
    """The shape that a level gives of images of a shape."""
    for layer in level.modules():
        shape = getattr(layer, "after", shape)
    return shape
