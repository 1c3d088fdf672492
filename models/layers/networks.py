"""Encoder and decoder networks, convolutional and MLP, for images from 8x8 to 64x64, grey and colour.

No layer mixes images of a batch (no batch normalisation), so a picture does not depend on the rest of its batch.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn

__all__ = [
    "NETWORKS", "Residual", "conv_decoder", "conv_encoder", "double", "doubling", "halve", "halved", "make_decoder",
    "make_encoder", "mlp",
]  # fmt: skip

NETWORKS = ("conv", "mlp")
SMALLEST = 4  # side in pixels at which a linear layer follows the convolutions
RESIDUAL_AT_MOST = 16  # side in pixels up to which there are residual blocks, where they are cheap
CHANNELS_AT_MOST = 4  # times `width`

Shape = tuple[int, int, int]
Size = tuple[int, int]


class Residual(nn.Module):
    """x + f(x), with two 3x3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, channels, H, W) to the same shape."""
        y: Tensor = x + self.body(x)
        return y


class Neck(nn.Module):
    """W x + f(x), where f has two hidden layers: f models interactions between factors, W their linear part."""

    def __init__(self, before: int, after: int, hidden: int) -> None:
        super().__init__()
        self.straight = nn.Linear(before, after)
        self.mixed = nn.Sequential(
            nn.Linear(before, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, after),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.straight(x) + self.mixed(x)
        return y


def linear(before: int, after: int, neck: int = 0) -> nn.Module:
    """A linear layer, or a `Neck` where `neck` names its hidden units."""
    return Neck(before, after, neck) if neck else nn.Linear(before, after)


def conv_encoder(shape: Shape, width: int, depth: int, out: int, neck: int = 0) -> nn.Sequential:
    """Convolutions that halve the image down to 4 pixels and double the channels up to four times `width`, then a linear layer.

    Arguments:
        shape: Image shape (C, H, W).
        width: Channels after the first convolution.
        depth: Residual blocks per level, at 16 pixels and below.
        out: Outputs per image.
        neck: Hidden units of a `Neck` in place of the last layer; 0 for none.
    """
    sizes, channels = _levels(shape, width)
    last = linear(channels[-1] * math.prod(sizes[-1]), out, neck)
    return nn.Sequential(*halve(sizes, [shape[0], *channels], depth), nn.Flatten(), last)


def conv_decoder(shape: Shape, width: int, depth: int, latent: int, neck: int = 0) -> nn.Sequential:
    """The mirror image of `conv_encoder`, with transposed convolutions whose kernels overlap evenly.

    Arguments:
        shape: Image shape (C, H, W).
        width: Channels before the last convolution.
        depth: Residual blocks per level, at 16 pixels and below.
        latent: Dimensions of a latent.
        neck: Hidden units of a `Neck` in place of the first layer; 0 for none.
    """
    sizes, channels = _levels(shape, width)
    first = linear(latent, channels[-1] * math.prod(sizes[-1]), neck)
    grid = nn.Unflatten(1, (channels[-1], *sizes[-1]))
    return nn.Sequential(first, grid, *double(sizes, [shape[0], *channels], depth))


def halve(sizes: list[Size], channels: list[int], depth: int) -> nn.Sequential:
    """Convolutions that halve a grid step by step, with residual blocks where it is small.

    Arguments:
        sizes: Rows and columns, from the first grid to the last, each half of the one before (`halved`).
        channels: Of each grid.
        depth: Residual blocks at each size after the first.
    """
    layers: list[nn.Module] = []
    for size, (before, after) in zip(sizes[1:], pairwise(channels), strict=True):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1)]
        layers += [Residual(after) for _ in range(depth) if max(size) <= RESIDUAL_AT_MOST]
        layers += [nn.SiLU()]
    return nn.Sequential(*layers)


def double(sizes: list[Size], channels: list[int], depth: int) -> nn.Sequential:
    """The inverse of `halve`, from the last grid to the first, with the same arguments."""
    layers: list[nn.Module] = []
    for (h, w), (after, before) in reversed(list(zip(sizes[:-1], pairwise(channels), strict=True))):
        layers += [Residual(before) for _ in range(depth) if max(h, w) <= 2 * RESIDUAL_AT_MOST]
        # An even size is 2n (kernel 4), an odd one 2n - 1 (kernel 3).
        kernel = (4 - h % 2, 4 - w % 2)
        layers += [nn.SiLU(), nn.ConvTranspose2d(before, after, kernel, stride=2, padding=1)]
    return nn.Sequential(*layers)


def halved(size: Size, times: int) -> list[Size]:
    """Rows and columns of a grid, and of those that halving it leaves; an odd side is rounded up."""
    sizes = [size]
    for _ in range(times):
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def doubling(width: int, levels: int) -> list[int]:
    """Channels of each level below the image: `width` at the first, doubled at each further one up to four times `width`."""
    return [width * min(2**level, CHANNELS_AT_MOST) for level in range(levels)]


def mlp(sizes: list[int]) -> nn.Sequential:
    """Linear layers with tanh between them (Burda et al. 2015), without one after the last."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def make_encoder(kind: str, shape: Shape, width: int, depth: int, out: int, neck: int = 0) -> nn.Sequential:
    """Builds the encoder of a configuration: images (B, C, H, W) to outputs (B, out)."""
    if kind == "mlp":
        return nn.Sequential(nn.Flatten(), mlp([math.prod(shape)] + [width] * depth + [out]))
    if kind == "conv":
        return conv_encoder(shape, width, depth, out, neck)
    raise ValueError(f"Unknown network {kind!r}. Choose one of: {', '.join(NETWORKS)}.")


def make_decoder(
    kind: str, shape: Shape, width: int, depth: int, latent: int, neck: int = 0
) -> nn.Sequential:
    """Builds the decoder of a configuration: latents (B, latent) to outputs (B, C, H, W)."""
    if kind == "mlp":
        return nn.Sequential(mlp([latent] + [width] * depth + [math.prod(shape)]), nn.Unflatten(1, shape))
    if kind == "conv":
        return conv_decoder(shape, width, depth, latent, neck)
    raise ValueError(f"Unknown network {kind!r}. Choose one of: {', '.join(NETWORKS)}.")


def _levels(shape: Shape, width: int) -> tuple[list[tuple[int, int]], list[int]]:
    """Sizes (H, W) from the image down to about 4 pixels, and the channels at each size below the image's."""
    steps = math.ceil(math.log2(max(shape[1:]) / SMALLEST)) if max(shape[1:]) > SMALLEST else 0
    return halved(shape[1:], steps), doubling(width, steps)
