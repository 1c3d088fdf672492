"""Data augmentation that does not change the content of an image: flip, shift, colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from models.sharding import draw

__all__ = ["AUGMENTATIONS", "augment"]

SHIFT = 1 / 16  # largest shift, as a share of the side
GAIN = 0.1  # largest relative change of contrast and colour balance
OFFSET = 0.05  # largest change of brightness, as a share of the range from black to white


def augment(x: Tensor, names: Sequence[str], generator: torch.Generator) -> Tensor:
    """Augments each image of a batch at random.

    Arguments:
        x: Images (B, C, H, W) in [0, 1].
        names: Keys of `AUGMENTATIONS`, applied in this order.
        generator: Source of the random numbers, on the device of `x`.

    Returns:
        Images of the same shape, in [0, 1].
    """
    for name in names:
        x = AUGMENTATIONS[name](x, generator)
    return x


def flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """Mirrors half of the images, left to right."""
    mirrored = uniform(x, 1, generator) < 0.5
    return torch.where(mirrored[:, :, None, None], x.flip(3), x)


def shift(x: Tensor, generator: torch.Generator) -> Tensor:
    """Shifts each image by up to a sixteenth of its sides; border pixels are repeated."""
    height, width = x.shape[2:]
    shifts = 2 * uniform(x, 2, generator) - 1

    def indices(side: int, share: Tensor) -> Tensor:
        offset = (share * side * SHIFT).round().long()
        return (torch.arange(side, device=x.device) + offset[:, None]).clamp(0, side - 1)

    rows, columns = indices(height, shifts[:, 0]), indices(width, shifts[:, 1])
    images = torch.arange(len(x), device=x.device)
    shifted = x.permute(0, 2, 3, 1)[images[:, None, None], rows[:, :, None], columns[:, None, :]]
    return shifted.permute(0, 3, 1, 2)


def colour(x: Tensor, generator: torch.Generator) -> Tensor:
    """Changes contrast, colour balance and brightness slightly; a fourth channel, the opacity, is not changed."""
    channels = 3 if x.shape[1] == 4 else x.shape[1]
    changes = 2 * uniform(x, channels + 1, generator)[:, :, None, None] - 1
    contrast, brightness = 1 + GAIN * changes[:, 1:], OFFSET * changes[:, :1]
    changed = (0.5 + (x[:, :channels] - 0.5) * contrast + brightness).clamp(0, 1)
    return torch.cat([changed, x[:, channels:]], 1) if channels < x.shape[1] else changed


def uniform(x: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draws `count` numbers in [0, 1) for each image of a batch, (B, count)."""
    return draw(torch.rand, (len(x), count), generator, device=x.device)


AUGMENTATIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "flip": flip,
    "shift": shift,
    "colour": colour,
}
