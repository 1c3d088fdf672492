"""Counterfactuals: an image drawn again with one of its factors changed, as ground truth for an edit.

Only for images with exact factors: faces are drawn again, sprites are composed again from their layers.
"""

from __future__ import annotations

__all__ = ["redrawn"]

import numpy as np
from numpy.typing import NDArray

from models.data import ImageData


def redrawn(
    data: ImageData, index: int, attribute: str, value: float, collection: ImageData | None = None
) -> NDArray[np.uint8] | None:
    """Draws an image again with only one attribute changed.

    Arguments:
        data: The images.
        index: Index of the image, in [0, N).
        attribute: The attribute to change.
        value: Its new value: 0 or 1 if binary, the index of the label if categorical; a continuous attribute gets the
            nearest possible value.
        collection: Images of the same data set from which the layers of sprites are taken; `data` if None.

    Returns:
        uint8, shape (H, W, C); None if the data set cannot be drawn from factors, or the collection lacks a layer.

    Raises:
        ValueError: If there is no such image, attribute or value.
    """
    if isinstance(index, bool) or not isinstance(index, int | np.integer) or not 0 <= index < len(data):
        raise ValueError(f"`index` must be an integer in 0..{len(data) - 1}. Got {index!r}.")
    if attribute not in data.attributes:
        known = ", ".join(data.attributes) or "none"
        raise ValueError(f"Unknown attribute {attribute[:40]!r}. Choose one of: {known}.")
    known_as = data.attributes[attribute]
    if not np.isfinite(value):
        raise ValueError(f"`value` must be a finite number. Got {value!r}.")
    if known_as.kind != "continuous":
        count = len(known_as.labels) or 2
        if value != int(value) or not 0 <= value < count:
            raise ValueError(f"`value` of {attribute!r} must be an integer in 0..{count - 1}. Got {value!r}.")
    if data.name == "faces":
        from models.data.faces import RANGES, draw, factors_of

        wanted: float | bool = bool(value)
        if known_as.kind == "continuous":
            wanted = float(np.clip(value, *RANGES[attribute]))
        return draw(factors_of(data, int(index)).replace(**{attribute: wanted}))
    if data.name == "lpc-sprites":
        from models.data.lpc_layers import composed

        factors = {name: int(each.values[index]) for name, each in data.attributes.items()}
        return composed(collection or data, factors | {attribute: int(value)})
    return None
