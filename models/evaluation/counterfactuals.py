"""The truth beside an edit: an image as it would be, had one of its factors another value.

Possible where images come from exact factors: faces are drawn again, sprites are put together again from their layers.
"""

from __future__ import annotations

__all__ = ["redrawn"]

import numpy as np
from numpy.typing import NDArray

from models.data import ImageData


def redrawn(
    data: ImageData, index: int, attribute: str, value: float, collection: ImageData | None = None
) -> NDArray[np.uint8] | None:
    """An image with only one attribute changed.

    Arguments:
        data: The images.
        index: Which of them, in [0, N).
        attribute: What changes.
        value: To what: 0 or 1 for a binary one, the number of the label for a categorical one; a continuous one takes
            the nearest value that it can have.
        collection: Images of the same data set that show the parts of sprites; `data` itself where None. The more, the
            surer.

    Returns:
        uint8, shape (H, W, C); None where the data set cannot be drawn from factors, or the collection does not show
        what it takes.

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
