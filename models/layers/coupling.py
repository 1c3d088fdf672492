r"""The affine coupling: one part of an image determines how the other part is scaled and shifted.

y_a = x_a,   y_b = x_b * exp(s(x_a)) + t(x_a),   log |det dy/dx| = sum s(x_a)

s and t may be any network, since they are never inverted: x_b = (y_b - t(y_a)) * exp(-s(y_a)). A mask defines the two
parts; successive couplings exchange them, so that every value is transformed.

References:
    | Density Estimation Using Real NVP (Dinh et al., 2016)
    | https://arxiv.org/abs/1605.08803
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from models.layers.invertible import FlowLayer, Shape

__all__ = ["AffineCoupling", "ChannelMask", "Checkerboard", "Mask", "coupling_network"]

MOST_LOG_SCALE = 2.0  # a coupling scales by e^-2 to e^2, which keeps training and the inverse stable


class Mask(ABC):
    """The division of images (C, H, W) into a part that a coupling keeps and a part that it transforms.

    Arguments:
        shape: Shape of the images.
        flip: Exchange the two parts.
    """

    def __init__(self, shape: Shape, flip: bool) -> None:
        self.shape, self.flip = shape, flip

    kept: int  # channels of the kept part
    moved: int  # channels of the transformed part

    @abstractmethod
    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Splits images (B, C, H, W) into the kept and the transformed part."""

    @abstractmethod
    def join(self, kept: Tensor, moved: Tensor) -> Tensor:
        """Joins the two parts to images; the inverse of `split`."""

    def mask_moved(self, values: Tensor) -> Tensor:
        """Sets values for the transformed part to 0 at all pixels outside of it."""
        return values


class ChannelMask(Mask):
    """Keeps one half of the channels, the first unless flipped; of an odd number, the first half is smaller."""

    def __init__(self, shape: Shape, flip: bool) -> None:
        super().__init__(shape, flip)
        if shape[0] < 2:
            raise ValueError(f"`shape` must have at least 2 channels for a channel mask. Got {shape}.")
        first = shape[0] // 2
        self.sizes = first, shape[0] - first
        self.kept, self.moved = self.sizes[::-1] if flip else self.sizes

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x[:, : self.sizes[0]], x[:, self.sizes[0] :]
        return (second, first) if self.flip else (first, second)

    def join(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([moved, kept] if self.flip else [kept, moved], 1)


class Checkerboard(Mask):
    """Keeps every second pixel, including the top left one unless flipped; the other pixels of a part are 0."""

    def __init__(self, shape: Shape, flip: bool) -> None:
        super().__init__(shape, flip)
        self.kept = self.moved = shape[0]

    def board(self, x: Tensor) -> Tensor:
        """Returns 1 at the kept pixels and 0 at the others, shape (H, W)."""
        rows, columns = (torch.arange(side, device=x.device) for side in self.shape[1:])
        return ((rows[:, None] + columns + 1 + self.flip) % 2).to(x.dtype)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        kept = x * self.board(x)
        return kept, x - kept

    def join(self, kept: Tensor, moved: Tensor) -> Tensor:
        return kept + moved

    def mask_moved(self, values: Tensor) -> Tensor:
        return values * (1 - self.board(values))


class AffineCoupling(FlowLayer):
    """An affine coupling; it is initialised to the identity.

    Arguments:
        mask: The kept and the transformed part.
        width: Channels of the network.
        context: Channels of images (B, context, H, W) on which scale and shift depend too.
    """

    def __init__(self, mask: Mask, width: int, context: int = 0) -> None:
        super().__init__()
        self.mask = mask
        self.network = coupling_network(mask.kept + context, width, 2 * mask.moved)

    def scale_and_shift(self, kept: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """Computes s and t from the kept part, in its precision; each has the shape of the transformed part."""
        x = kept if context is None else torch.cat([kept, context], 1)
        raw, shift = self.mask.mask_moved(self.network(x).to(kept.dtype)).chunk(2, 1)
        return MOST_LOG_SCALE * torch.tanh(raw / MOST_LOG_SCALE), shift

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        kept, moved = self.mask.split(x)
        log_scale, shift = self.scale_and_shift(kept, context)
        return self.mask.join(kept, moved * log_scale.exp() + shift), log_scale.flatten(1).sum(1)

    def inverse(self, y: Tensor, context: Tensor | None = None) -> Tensor:
        kept, moved = self.mask.split(y)
        log_scale, shift = self.scale_and_shift(kept, context)
        return self.mask.join(kept, (moved - shift) * (-log_scale).exp())


def coupling_network(before: int, width: int, after: int) -> nn.Sequential:
    """Builds a 3x3, a 1x1 and a 3x3 convolution (Kingma & Dhariwal 2018); the last one is initialised to 0."""
    last = nn.Conv2d(width, after, 3, padding=1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    return nn.Sequential(
        nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU(), last
    )
