"""Frey faces: 1,965 frames of a video of one man's face, 28x20 grey, shown as 28x28.

The frames are padded to a square with four columns of mid-grey on either side, which preserves the
proportions and is easy to model (stretched edge pixels would be two fifths of the error, and look
like streaks). `images[:, :, 4:24]` are the original frames.

Every tenth frame is a test frame. Neighbouring frames look alike, so a test frame nearly always has
a similar training frame: the test error measures interpolation between frames. With `blocks=True` the
film is divided into 50 contiguous blocks; every tenth is for test and another tenth for validation,
so that only the frames at the two ends of a block have a neighbour in another split.

No licence is stated, so no picture of the set may be published.

References:
    | Nonlinear Dimensionality Reduction by Locally Linear Embedding (Roweis and Saul, 2000)
    | https://cs.nyu.edu/~roweis/data.html
"""

from __future__ import annotations

__all__ = ["PADDING", "content", "load_frey_faces", "unavailable", "validation_rows"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.base import Attribute, ImageData
from models.data.locations import require, why_missing
from models.data.npz import NpzReader

FILE = "frey-faces/frey_faces_1965_28x20.npz"
COUNT, HEIGHT, WIDTH = 1_965, 28, 20
PADDING = 4  # columns on either side
GREY = 128  # grey level of the padding
TEST_EVERY = 10
BLOCKS = 50
VALIDATION = (0.45, 0.55)  # bounds of the validation frames, as shares of the training frames


def load_frey_faces(
    split: str, limit: int | None = None, *, blocks: bool = False, padding: bool = True
) -> ImageData:
    """Loads the first `limit` frames of `split`: 1,769 for training, 196 for test, 28x28 grey.

    The validation split is the middle tenth of the training frames, a contiguous block (`validation_rows`).

    The attribute "frame" is the time, from 0 (first frame) to 1 (last).

    Arguments:
        split: "train", "validation" or "test".
        limit: Largest number of frames; None for all.
        blocks: Divide the film into contiguous blocks: 1,575 frames for training, 195 each for validation and test.
        padding: Pad the frames to a square; otherwise they are 28x20.

    Raises:
        ValueError: If an option is invalid, or the file is missing or damaged.
    """
    for name, value in (("blocks", blocks), ("padding", padding)):
        if not isinstance(value, bool):
            raise ValueError(f"`{name}` must be True or False. Got {value!r}.")
    with NpzReader(require(FILE)) as reader:
        frames = reader.array("images", "uint8", (COUNT, HEIGHT, WIDTH))
    rows = _rows(split, blocks)[:limit]
    beside = ((0, 0), (0, 0), (PADDING, PADDING))
    images = np.pad(frames[rows], beside, constant_values=GREY) if padding else frames[rows]
    time = (rows / (COUNT - 1)).astype(np.float32)
    return ImageData(
        name="frey-faces",
        split=split,
        images=images[..., None],
        attributes={"frame": Attribute("frame", "continuous", time)},
        ids=np.arange(len(rows), dtype=np.int64),
        publishable=False,
        licence="none stated; no picture of it may be published",
        source="Frey faces, Brendan Frey and Sam Roweis, https://cs.nyu.edu/~roweis/data.html",
    )


def content(pictures: NDArray[Any]) -> NDArray[Any]:
    """Removes the padding of pictures (N, 28, W, 1), if they have any: (N, 28, 20, 1)."""
    return pictures[:, :, PADDING:-PADDING] if pictures.shape[2] == WIDTH + 2 * PADDING else pictures


def unavailable() -> str | None:
    """Returns why the frames cannot be loaded, or None."""
    return why_missing(FILE)


def validation_rows(blocks: bool = False) -> NDArray[np.int64]:
    """Returns the rows of the training split that the validation split consists of, ascending; none of blocks."""
    if blocks:
        return np.empty(0, np.int64)
    count = len(_rows("train", blocks))
    low, high = (round(share * count) for share in VALIDATION)
    return np.arange(low, high)


def _rows(split: str, blocks: bool) -> NDArray[np.int64]:
    """Returns the frames of a split, ascending."""
    if blocks:
        block = np.arange(COUNT) * BLOCKS // COUNT % TEST_EVERY
        chosen = {"test": block == TEST_EVERY - 1, "validation": block == TEST_EVERY // 2 - 1}
        return np.flatnonzero(chosen.get(split, ~(chosen["test"] | chosen["validation"])))
    tested = np.arange(COUNT) % TEST_EVERY == TEST_EVERY - 1
    if split == "test":
        return np.flatnonzero(tested)
    train = np.flatnonzero(~tested)
    return train[validation_rows()] if split == "validation" else train
