"""Frey faces: 1,965 frames of a video of one man's face, 28x20 grey, shown as 28x28.

The frames are padded to a square with four columns of mid-grey on either side, which preserves the
proportions and is easy to model (stretched edge pixels would be two fifths of the error, and look
like streaks). `images[:, :, 4:24]` are the original frames.

Every tenth frame is a test frame. Neighbouring frames look alike, so a test frame nearly always has
a similar training frame: the test error measures interpolation between frames, not generalisation to
a new face.

No licence is stated, so no picture of the set may be published.

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
GREY = 128  # grey level of the padding
TEST_EVERY = 10


def load_frey_faces(split: str, limit: int | None = None) -> ImageData:
    """Loads the first `limit` frames of `split`: 1,769 for training, 196 for test, 28x28 grey.

    The attribute "frame" is the time, from 0 (first frame) to 1 (last).

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
    """Returns why the frames cannot be loaded, or None."""
    return why_missing(FILE)
