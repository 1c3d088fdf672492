"""Proposes settings for images of the user, and computes the resulting shape."""

from __future__ import annotations

__all__ = ["bytes_needed", "preview", "propose", "shape_of"]

import numpy as np
from numpy.typing import NDArray

from models.data.own.columns import is_group
from models.data.own.found import FoundImages
from models.data.own.preparation import SIZES, Preparation
from models.data.pictures import Reading, scaled

LARGE, SMALL = 64, 32  # px, sizes that train in minutes
ALIKE = 0.02  # relative difference up to which aspect ratios count as equal
STEP = 4  # px, the shorter side is a multiple of it


def propose(found: FoundImages) -> Preparation:
    """Proposes a preparation: 64 pixels, 32 for small images, or their own size if all have the same, smaller one.

    Raises:
        ValueError: If the path is not valid Unicode.
    """
    longest = np.array([max(item.size) for item in found.items])
    sizes = found.sizes
    if len(sizes) == 1 and SIZES[0] <= longest[0] <= LARGE:
        size = int(longest[0])
    else:
        size = LARGE if np.median(longest) > 1.5 * SMALL else SMALL
    group = next((slug for slug, each in found.columns.items() if is_group(each, len(found))), "")
    return Preparation(
        path=str(found.source),
        labels=str(found.labels) if found.labels else "",
        size=size,
        fit="pad" if found.transparent > len(found) / 2 else "crop",
        group=group,
        members=found.members,
    )


def shape_of(found: FoundImages, preparation: Preparation) -> tuple[int, int, int]:
    """Returns the shape (C, H, W) of the prepared images."""
    channels = preparation.channels or (1 if found.grey and _is_grey(preparation.background) else 3)
    if preparation.height:
        return channels, preparation.height, preparation.width
    size = preparation.size
    ratios = np.array([item.size[0] / item.size[1] for item in found.items])
    ratio = float(np.median(ratios))
    if np.ptp(ratios) > ALIKE * ratio or abs(ratio - 1) <= ALIKE:
        return channels, size, size
    exact = size * min(ratio, 1 / ratio)
    whole = abs(exact - round(exact)) < 1e-6 and len(found.sizes) == 1 and size == max(found.sizes[0][0])
    shorter = round(exact) if whole else STEP * round(exact / STEP)
    shorter = min(size, max(SIZES[0], shorter))
    return (channels, shorter, size) if ratio > 1 else (channels, size, shorter)


def preview(found: FoundImages, row: int, preparation: Preparation) -> NDArray[np.uint8]:
    """Returns a picture as it will be prepared, uint8 (H, W, C).

    Raises:
        PictureError: If its pixels are damaged.
    """
    shape = shape_of(found, preparation)
    reading = Reading.lenient(preparation.background, alpha=shape[0] == 4)
    image = found.pictures.picture(found.places[row], reading)
    return scaled(image, shape, preparation.fit, preparation.background)


def bytes_needed(found: FoundImages, preparation: Preparation) -> int:
    """Returns the size of the decoded images in the cache, in bytes."""
    return len(found) * int(np.prod(shape_of(found, preparation)))


def _is_grey(colour: str) -> bool:
    return colour[1:3] == colour[3:5] == colour[5:7]
