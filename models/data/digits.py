"""Digits: 1,797 scans of handwritten digits, 8x8 grey, which are part of scikit-learn.

The smallest real data set, always available, for tests and first experiments. Its values, counts
from 0 to 16, are scaled to 0..255.

References:
    | Methods of combining multiple classifiers and their applications to handwritten digit
    | recognition (Xu, Krzyzak and Suen, 1992); test part of the UCI set by Alpaydin and Kaynak
    | https://archive.ics.uci.edu/dataset/80
"""

from __future__ import annotations

__all__ = ["TEST_COUNT", "load_digits", "validation_rows"]

import numpy as np
from numpy.typing import NDArray

from models.data.base import Attribute, ImageData, drawn_split

COUNT = 1_797
TEST_COUNT = 300
VALIDATION_COUNT = 150
SPLIT_SEED = 1998
LEVELS = 16


def load_digits(split: str, limit: int | None = None) -> ImageData:
    """Loads the first `limit` digits of `split`: 1,497 for training, 300 for test, 8x8 grey.

    The validation split is 150 of the training digits (`validation_rows`). The splits are drawn from a fixed seed;
    within each, the order is that of scikit-learn. Digits of the same writer may be in both splits.
    """
    from sklearn.datasets import load_digits as load  # a second to import

    bunch = load()
    rows = _rows(split)[:limit]
    images = np.rint(bunch.images[rows] * (255.0 / LEVELS)).astype(np.uint8)
    digits = bunch.target[rows].astype(np.int16)
    return ImageData(
        name="digits",
        split=split,
        images=images[..., None],
        attributes={"digit": Attribute("digit", "categorical", digits, tuple("0123456789"))},
        ids=np.arange(len(rows), dtype=np.int64),
        publishable=True,
        licence="CC BY 4.0",
        source="Optical recognition of handwritten digits, E. Alpaydin and C. Kaynak, UCI, "
        "https://archive.ics.uci.edu/dataset/80",
    )


def validation_rows() -> NDArray[np.int64]:
    """Returns the rows of the training split that the validation split consists of, ascending."""
    return np.searchsorted(_rows("train"), _rows("validation"))


def _rows(split: str) -> NDArray[np.int64]:
    """Returns the rows of a split in scikit-learn's order, ascending."""
    return drawn_split(split, COUNT, TEST_COUNT, VALIDATION_COUNT, SPLIT_SEED)
