"""Encoder and decoder networks for images from 8x8 to 256x256: convolutions, convolutions over patches, and MLPs.

"conv" halves the image repeatedly, down to 4 pixels. "patch" maps patches of 2 to 16 pixels a side to one vector each,
so that all other layers work on a grid of at most 16 positions a side, which is much faster.

A latent is a vector after a linear layer, or a grid of vectors (`grid_of`).

No layer mixes images of a batch (no batch normalisation), so a picture does not depend on the rest of its batch.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

__all__ = [
    "NETWORKS",
    "Residual",
    "conv_decoder",
    "conv_encoder",
    "double",
    "doubling",
    "grid_of",
    "halve",
    "halved",
    "make_decoder",
    "make_encoder",
    "mlp",
    "patch_of",
]

NETWORKS = ("conv", "mlp", "patch")
SMALLEST = 4  # side in pixels down to which convolutions halve the image
RESIDUAL_AT_MOST = 16  # side in pixels up to which there are residual blocks, since larger ones are slow
CHANNELS_AT_MOST = 4  # times `width`
# Largest longer side of an image -> side of a patch, in pixels; 16 for larger images.
PATCHES = ((24, 2), (48, 4), (128, 8))

Shape = tuple[int, int, int]
Size = tuple[int, int]


class Residual(nn.Module):
    """x + f(x), with two 3x3 convolutions.

    Arguments:
        channels: Of x and f(x).
        normed: Normalise the values of each image before f, and initialise f to 0.
    """

    def __init__(self, channels: int, normed: bool = False) -> None:
        super().__init__()
        first, last = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        norm = [nn.GroupNorm(1, channels)] if normed else []
        self.body = nn.Sequential(*norm, nn.SiLU(), first, nn.SiLU(), last)
        if normed:
            nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (B, channels, H, W) to the same shape."""
        return torch.add(x, self.body(x))


class Neck(nn.Module):
    """W x + f(x), where f has two hidden layers: W models linear effects of factors, f their interactions."""

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
        return torch.add(self.straight(x), self.mixed(x))


def linear(before: int, after: int, neck: int = 0) -> nn.Module:
    """Builds a linear layer, or a `Neck` with `neck` hidden units if that is not 0."""
    return Neck(before, after, neck) if neck else nn.Linear(before, after)


class Crop(nn.Module):
    """Crops images (B, C, H, W) to the first rows and columns."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, : self.size[0], : self.size[1]]


def conv_encoder(
    shape: Shape, width: int, depth: int, out: int, neck: int = 0, grid: int = 0
) -> nn.Sequential:
    """Builds convolutions that halve the image down to 4 pixels and double the channels up to 4 `width`, then a linear layer.

    Arguments:
        shape: Image shape (C, H, W).
        width: Channels after the first convolution.
        depth: Residual blocks per level, at 16 pixels and below.
        out: Outputs per image, or per place of a grid.
        neck: Hidden units of a `Neck` in place of the last layer; 0 for none.
        grid: Places along the longer side of a spatial latent (`grid_of`); 0 for a vector.
    """
    sizes, channels = _levels(shape, width, grid)
    convolutions = halve(sizes, [shape[0], *channels], depth)
    return nn.Sequential(*convolutions, *to_latent(channels[-1], sizes[-1], out, neck, grid))


def conv_decoder(
    shape: Shape, width: int, depth: int, latent: int, neck: int = 0, grid: int = 0
) -> nn.Sequential:
    """Builds the mirror image of `conv_encoder`; the kernels of its transposed convolutions overlap evenly.

    Arguments:
        shape: Image shape (C, H, W).
        width: Channels before the last convolution.
        depth: Residual blocks per level, at 16 pixels and below.
        latent: Dimensions of a latent, or of each place of a grid.
        neck: Hidden units of a `Neck` in place of the first layer; 0 for none.
        grid: As of `conv_encoder`.
    """
    sizes, channels = _levels(shape, width, grid)
    convolutions = double(sizes, [shape[0], *channels], depth)
    return nn.Sequential(*from_latent(channels[-1], sizes[-1], latent, neck, grid), *convolutions)


def patch_encoder(
    shape: Shape, width: int, depth: int, out: int, neck: int = 0, grid: int = 0
) -> nn.Sequential:
    """Builds a convolution over patches, then convolutions that halve the grid of patches down to 4 positions.

    Arguments:
        shape: Image shape (C, H, W).
        width: Channels of all levels.
        depth: Residual blocks per level.
        out: Outputs per image, or per place of a grid.
        neck: Hidden units of a `Neck` in place of the last layer; 0 for none.
        grid: Places along the longer side of a spatial latent (`grid_of`); 0 for a vector.
    """
    patch, sizes = _patches(shape, grid)
    bottom, right = (patch * count - side for count, side in zip(sizes[0], shape[1:], strict=True))
    layers: list[nn.Module] = [nn.ReplicationPad2d((0, right, 0, bottom))] if bottom or right else []
    layers += [nn.Conv2d(shape[0], width, patch, stride=patch)]
    layers += [Residual(width, normed=True) for _ in range(depth)]
    for _ in sizes[1:]:
        layers += [nn.SiLU(), nn.Conv2d(width, width, 3, stride=2, padding=1)]
        layers += [Residual(width, normed=True) for _ in range(depth)]
    return nn.Sequential(*layers, nn.SiLU(), *to_latent(width, sizes[-1], out, neck, grid))


def patch_decoder(
    shape: Shape, width: int, depth: int, latent: int, neck: int = 0, grid: int = 0
) -> nn.Sequential:
    """Builds the mirror image of `patch_encoder`; the last convolution computes the pixels of each patch.

    Arguments:
        shape: Image shape (C, H, W).
        width: Channels of all levels.
        depth: Residual blocks per level.
        latent: Dimensions of a latent, or of each place of a grid.
        neck: Hidden units of a `Neck` in place of the first layer; 0 for none.
        grid: As of `patch_encoder`.

    References:
        | Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network
        | (Shi et al., 2016), https://arxiv.org/abs/1609.05158
    """
    patch, sizes = _patches(shape, grid)
    layers = from_latent(width, sizes[-1], latent, neck, grid)
    for h, w in reversed(sizes[:-1]):
        layers += [Residual(width, normed=True) for _ in range(depth)]
        kernel = (4 - h % 2, 4 - w % 2)  # as in `double`
        layers += [nn.SiLU(), nn.ConvTranspose2d(width, width, kernel, stride=2, padding=1)]
    layers += [Residual(width, normed=True) for _ in range(depth)]
    layers += [nn.SiLU(), nn.Conv2d(width, shape[0] * patch**2, 3, padding=1), nn.PixelShuffle(patch)]
    exact = tuple(patch * count for count in sizes[0]) == shape[1:]
    return nn.Sequential(*layers, *([] if exact else [Crop(shape[1:])]))


def to_latent(channels: int, size: Size, out: int, neck: int, grid: int) -> list[nn.Module]:
    """Builds the last layers of an encoder: `out` values per image, or per position of a grid, as one vector."""
    if grid:
        return [nn.Conv2d(channels, out, 1), nn.Flatten()]
    return [nn.Flatten(), linear(channels * math.prod(size), out, neck)]


def from_latent(channels: int, size: Size, latent: int, neck: int, grid: int) -> list[nn.Module]:
    """Builds the first layers of a decoder, from vectors to a grid with `channels`."""
    if grid:
        return [nn.Unflatten(1, (latent, *size)), nn.Conv2d(latent, channels, 3, padding=1)]
    return [linear(latent, channels * math.prod(size), neck), nn.Unflatten(1, (channels, *size))]


def grid_of(kind: str, shape: Shape, grid: int) -> Size:
    """Returns rows and columns of a spatial latent: the largest size in the network with at most `grid` positions a side."""
    if kind == "conv":
        return _levels(shape, 1, grid)[0][-1]
    if kind == "patch":
        return _patches(shape, grid)[1][-1]
    raise ValueError(f"`grid` must be 0 for the network {kind!r}. Got {grid}.")


def patch_of(shape: Shape) -> int:
    """Returns the side of a patch in pixels, so that an image has 4 to 16 patches along its longer side."""
    return next((patch for side, patch in PATCHES if max(shape[1:]) <= side), 16)


def halve(sizes: list[Size], channels: list[int], depth: int) -> nn.Sequential:
    """Builds convolutions that halve a grid repeatedly, with residual blocks at the smaller sizes.

    Arguments:
        sizes: Rows and columns of each grid, each half of the one before (`halved`).
        channels: Channels of each grid.
        depth: Residual blocks at each size after the first.
    """
    layers: list[nn.Module] = []
    for size, (before, after) in zip(sizes[1:], pairwise(channels), strict=True):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1)]
        layers += [Residual(after) for _ in range(depth) if max(size) <= RESIDUAL_AT_MOST]
        layers += [nn.SiLU()]
    return nn.Sequential(*layers)


def double(sizes: list[Size], channels: list[int], depth: int) -> nn.Sequential:
    """Builds the mirror image of `halve`, from the last grid to the first, with the same arguments."""
    layers: list[nn.Module] = []
    for (h, w), (after, before) in reversed(list(zip(sizes[:-1], pairwise(channels), strict=True))):
        layers += [Residual(before) for _ in range(depth) if max(h, w) <= 2 * RESIDUAL_AT_MOST]
        # An even size is 2n (kernel 4), an odd one 2n - 1 (kernel 3).
        kernel = (4 - h % 2, 4 - w % 2)
        layers += [nn.SiLU(), nn.ConvTranspose2d(before, after, kernel, stride=2, padding=1)]
    return nn.Sequential(*layers)


def halved(size: Size, times: int) -> list[Size]:
    """Returns rows and columns of a grid and of its repeated halves; odd sides are rounded up."""
    sizes = [size]
    for _ in range(times):
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def doubling(width: int, levels: int) -> list[int]:
    """Returns the channels of each level below the image: `width`, doubled at each level up to four times `width`."""
    return [width * min(2**level, CHANNELS_AT_MOST) for level in range(levels)]


def mlp(sizes: list[int]) -> nn.Sequential:
    """Builds linear layers with tanh between them (Burda et al. 2015)."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def make_encoder(
    kind: str, shape: Shape, width: int, depth: int, out: int, neck: int = 0, grid: int = 0
) -> nn.Sequential:
    """Builds an encoder from images (B, C, H, W) to outputs (B, out), or (B, out * positions) with a grid."""
    if kind == "mlp":
        return nn.Sequential(nn.Flatten(), mlp([math.prod(shape)] + [width] * depth + [out]))
    if kind == "conv":
        return conv_encoder(shape, width, depth, out, neck, grid)
    if kind == "patch":
        return patch_encoder(shape, width, depth, out, neck, grid)
    raise ValueError(f"Unknown network {kind!r}. Choose one of: {', '.join(NETWORKS)}.")


def make_decoder(
    kind: str, shape: Shape, width: int, depth: int, latent: int, neck: int = 0, grid: int = 0
) -> nn.Sequential:
    """Builds a decoder from latents (B, latent), or (B, latent * positions), to outputs (B, C, H, W)."""
    if kind == "mlp":
        return nn.Sequential(mlp([latent] + [width] * depth + [math.prod(shape)]), nn.Unflatten(1, shape))
    if kind == "conv":
        return conv_decoder(shape, width, depth, latent, neck, grid)
    if kind == "patch":
        return patch_decoder(shape, width, depth, latent, neck, grid)
    raise ValueError(f"Unknown network {kind!r}. Choose one of: {', '.join(NETWORKS)}.")


def _levels(shape: Shape, width: int, grid: int = 0) -> tuple[list[Size], list[int]]:
    """Returns the sizes from the image down to about 4 pixels or `grid` positions, and the channels below the image."""
    steps = math.ceil(math.log2(max(shape[1:]) / SMALLEST)) if max(shape[1:]) > SMALLEST else 0
    sizes = _down_to(grid, halved(shape[1:], steps)[1:])
    return [shape[1:], *sizes], doubling(width, len(sizes))


def _patches(shape: Shape, grid: int) -> tuple[int, list[Size]]:
    """Returns the side of a patch in pixels, and the sizes of the grid of patches down to about 4 positions or `grid`."""
    patch = patch_of(shape)
    rows, columns = (-(-side // patch) for side in shape[1:])
    steps = max(0, math.ceil(math.log2(max(rows, columns) / SMALLEST)))
    return patch, _down_to(grid, halved((rows, columns), steps))


def _down_to(grid: int, sizes: list[Size]) -> list[Size]:
    """Returns the sizes up to the first with at most `grid` positions a side; all if `grid` is 0 or none is as small."""
    last = next((index for index, size in enumerate(sizes) if grid and max(size) <= grid), len(sizes) - 1)
    return sizes[: last + 1]
