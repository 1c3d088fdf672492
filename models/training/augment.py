"""Random changes of training images that keep what they show: a mirror image, a shift, another light."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from models.sharding import draw

__all__ = ["AUGMENTATIONS", "augment"]

SHIFT = 1 / 16  # of a side, the farthest that an image is moved
GAIN = 0.1  # contrast and colour balance change by at most this share
OFFSET = 0.05  # largest change of brightness, of the range from black to white


def augment(x: Tensor, names: Sequence[str], generator: torch.Generator) -> Tensor:
    """Changes each image of a batch at random.

    Arguments:
        x: Images (B, C, H, W) in [0, 1].
        names: Keys of `AUGMENTATIONS`, applied in this order.
        generator: Source of the chances, on the device of `x`.

    Returns:
        Images of the same shape, in [0, 1].
    """
    for name in names:
        x = AUGMENTATIONS[name](x, generator)
    return x


def flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """Mirrors half of the images, left to right."""
    chosen = chance(x, 1, generator) < 0.5
    return torch.where(chosen[:, :, None, None], x.flip(3), x)


def shift(x: Tensor, generator: torch.Generator) -> Tensor:
    """Moves each image by up to a sixteenth of its sides; its outermost pixels fill the gap."""
    height, width = x.shape[2:]
    moves = 2 * chance(x, 2, generator) - 1
    rows, columns = (
        (torch.arange(side, device=x.device) + (move * side * SHIFT).round().long()[:, None]).clamp(
            0, side - 1
        )
        for side, move in ((height, moves[:, 0]), (width, moves[:, 1]))
    )
    images = torch.arange(len(x), device=x.device)
    return x.permute(0, 2, 3, 1)[images[:, None, None], rows[:, :, None], columns[:, None, :]].permute(
        0, 3, 1, 2
    )


def colour(x: Tensor, generator: torch.Generator) -> Tensor:
    """Changes contrast, colour balance and brightness a little; a fourth channel, the opacity, stays."""
    channels = 3 if x.shape[1] == 4 else x.shape[1]
    chances = 2 * chance(x, channels + 1, generator)[:, :, None, None] - 1
    seen = x[:, :channels]
    changed = (0.5 + (seen - 0.5) * (1 + GAIN * chances[:, 1:]) + OFFSET * chances[:, :1]).clamp(0, 1)
    return torch.cat([changed, x[:, channels:]], 1) if channels < x.shape[1] else changed


def chance(x: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Numbers in [0, 1), (B, count), for each image of a batch."""
    return draw(torch.rand, (len(x), count), generator, device=x.device)


AUGMENTATIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "flip": flip,
    "shift": shift,
    "colour": colour,
}
