"""Frey faces: 1,965 frames of a video of one man's face, 28x20 grey, shown as 28x28.

The frames are padded to a square with four columns of mid-grey on either side, which keeps the
true proportions and costs a model nothing to learn (stretched edge pixels would be two fifths of
the error, and look like streaks). `images[:, :, 4:24]` are the frames as they are.

Every tenth frame is for testing. Neighbouring frames look alike, so a test frame nearly always has
a close relative among the training frames: the test error says how well a model fills in between
what it has seen, and is no measure for a new face.

No licence is stated, so the set is not publishable: train and test on it, publish no picture.

References:
    | Nonlinear Dimensionality Reduction by Locally Linear Embedding (Roweis and Saul, 2000)
    | https://cs.nyu.edu/~roweis/data.html
"""

from __future__ import annotations

__all__ = ["PADDING", "load_frey_faces", "unavailable"]

import numpy as np

from models.data.base import Attribute, ImageData
from models.data.locations import require, why_missing
from models.data.npz import NpzReader

FILE = "frey-faces/frey_faces_1965_28x20.npz"
COUNT, HEIGHT, WIDTH = 1_965, 28, 20
PADDING = 4  # columns on either side
GREY = 128  # of the padding
TEST_EVERY = 10


def load_frey_faces(split: str, limit: int | None = None) -> ImageData:
    """Loads the first `limit` frames of `split`: 1,769 to train, 196 to test, 28x28 grey.

    The attribute "frame" is the place in time, from 0 (first frame) to 1 (last).

    Raises:
        ValueError: If the file is missing or damaged.
    """
    with NpzReader(require(FILE)) as reader:
        frames = reader.array("images", "uint8", (COUNT, HEIGHT, WIDTH))
    tested = np.arange(COUNT) % TEST_EVERY == TEST_EVERY - 1
    rows = np.flatnonzero(tested if split == "test" else ~tested)[:limit]
    beside = ((0, 0), (0, 0), (PADDING, PADDING))
    images = np.pad(frames[rows], beside, constant_values=GREY)
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


def unavailable() -> str | None:
    """Why the frames can not be loaded, or None."""
    return why_missing(FILE)
