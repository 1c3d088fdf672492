r"""Moving digits: a handwritten digit that moves left or right by one pixel per frame, with wrap-around.

    x_t = the digit's image, its columns rolled to the right by p_t = (start + t * direction) mod width

Sequence i depends only on (seed, split, i): it shows image i (modulo their number) of the source split, and a
counter-based generator draws its start and its direction. So the first sequences of a split do not depend on how many
are loaded, and every frame can be compared with the ground truth:

    data = load_moving_digits("test", limit=100)
    data.frames([7])              # uint8 (1, 20, 28, 28, 1)
    positions(data)[7]            # (20,), the columns that each frame is rolled by

With `noise`, that share of the pixels, drawn independently for every frame, is black or white with equal probability
(salt and pepper).

References:
    | Temporal Difference Variational Auto-Encoder (Gregor et al., 2019), the moving digits of its experiments
    | https://arxiv.org/abs/1806.03107
"""

from __future__ import annotations

__all__ = ["SOURCES", "load_moving_digits", "originals", "positions", "unavailable", "validation_rows"]

import numpy as np
from numpy.typing import NDArray

from models.data import digits, mnist
from models.data.base import STREAMS, Attribute, ImageData, check_integer
from models.data.sequences import SequenceData, check_frames, check_number

SOURCES = {"mnist": mnist.load_mnist, "digits": digits.load_digits}  # 28x28; 8x8, always available
HELD_OUT = {"mnist": mnist.validation_rows, "digits": digits.validation_rows}
DIRECTIONS = ("left", "right")
NUMBERS = (
    8  # uniform numbers per sequence; more than are used, so that a new factor does not change the others
)
FACTORS, NOISE = range(2)  # streams of random numbers


def load_moving_digits(
    split: str = "train",
    limit: int | None = None,
    *,
    source: str = "mnist",
    frames: int = 20,
    noise: float = 0.0,
    seed: int = 0,
    repeats: int = 1,
) -> SequenceData:
    """Loads moving digits; frames are generated on demand.

    Arguments:
        split: "train", "validation" or "test", split of the source images; each has its own stream of random numbers.
            Digits of the validation split are digits of the training split, too (`validation_rows`).
        limit: Largest number of sequences; None for all.
        source: Source of the digits, one of `SOURCES`.
        frames: T, frames per sequence.
        noise: Share of the pixels that are set to black or white, 0 to 1.
        seed: Non-negative integer; another seed gives other starts, directions and noise.
        repeats: Sequences per training image, with different starts and directions; they take no memory. The other
            splits have one per image.

    Returns:
        Sequences with the attributes digit, direction, start (the position in the first frame, in pixels) and
        position (in the last one).

    Raises:
        ValueError: If an argument is invalid.
    """
    if source not in SOURCES:
        raise ValueError(f"Unknown source {source!r}. Choose one of: {', '.join(SOURCES)}.")
    check_frames(frames)
    check_integer("seed", seed, 0)
    check_integer("repeats", repeats, 1)
    check_number("noise", noise, 0, 1)
    still = SOURCES[source](split)
    whole = len(still) * (repeats if split == "train" else 1)
    number = min(limit or whole, whole)
    start, direction = sample_factors(split, number, still.images.shape[2], seed)
    ids = np.arange(number, dtype=np.int64)

    def make(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        path = positions_over_time(start[rows], direction[rows], frames, still.images.shape[2])
        pictures = rolled(still.images[rows % len(still)], path)
        return with_noise(pictures, noise, rows, (seed, STREAMS[split])) if noise else pictures

    digit = still.attributes["digit"]
    last = positions_over_time(start, direction, frames, still.images.shape[2])[:, -1]
    return SequenceData(
        name="moving-digits",
        split=split,
        make=make,
        shape=(frames, *still.images.shape[1:]),
        attributes={
            "digit": Attribute("digit", "categorical", digit.values[ids % len(still)], digit.labels),
            "direction": Attribute("direction", "binary", (direction > 0).astype(np.uint8), DIRECTIONS),
            "start": Attribute("start", "continuous", start.astype(np.float32)),
            "position": Attribute("position", "continuous", last.astype(np.float32)),
        },
        ids=ids,
        publishable=still.publishable,
        licence=still.licence,
        source=f"Digits moved by Latent Explorer (models/data/moving_digits.py); {still.source}",
    )


def unavailable(source: str = "mnist") -> str | None:
    """Returns why the digits cannot be loaded without a download, or None; those of 8x8 pixels always can."""
    return mnist.unavailable() if source == "mnist" else None


def validation_rows(source: str = "mnist", repeats: int = 1) -> NDArray[np.int64]:
    """Returns the rows of the training split that show digits of the validation split, ascending."""
    count = len(SOURCES[source]("train"))
    return (count * np.arange(repeats)[:, None] + HELD_OUT[source]()).ravel()


def originals(split: str, source: str = "mnist", limit: int | None = None) -> ImageData:
    """Loads the source images of the sequences of a split."""
    return SOURCES[source](split, limit)


def positions(data: SequenceData) -> NDArray[np.int64]:
    """Returns the shift of each frame to the right, in pixels, int64, shape (N, T).

    Raises:
        ValueError: If `data` is another data set.
    """
    if data.name != "moving-digits":
        raise ValueError(f"`data` must be the data set 'moving-digits'. Got {data.name!r}.")
    start = data.attributes["start"].values.astype(np.int64)
    direction = 2 * data.attributes["direction"].values.astype(np.int64) - 1
    return positions_over_time(start, direction, data.length, data.shape[2])


def sample_factors(
    split: str, count: int, width: int, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draws start (0 to width - 1) and direction (-1 left, 1 right) of the first sequences of a split, (count,) each."""
    key = np.random.SeedSequence((seed, STREAMS[split], FACTORS))
    uniform = np.random.Generator(np.random.Philox(key)).random((count, NUMBERS))
    return (uniform[:, 0] * width).astype(np.int64), np.where(uniform[:, 1] < 0.5, -1, 1)


def positions_over_time(
    start: NDArray[np.int64], direction: NDArray[np.int64], frames: int, width: int
) -> NDArray[np.int64]:
    """Computes the positions (N, T) of digits that start at `start` (N,) and move by `direction` (N,) per frame."""
    return (start[:, None] + direction[:, None] * np.arange(frames)) % width


def rolled(images: NDArray[np.uint8], path: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Rolls the columns of images (N, H, W, C) to the right by (N, T) pixels: (N, T, H, W, C)."""
    width = images.shape[2]
    twice = np.concatenate([images, images], axis=2)  # every rolled image is a window of it
    windows = np.lib.stride_tricks.sliding_window_view(twice, width, axis=2)  # (N, H, W + 1, C, W)
    chosen = windows[np.arange(len(images))[:, None], :, width - path % width]  # (N, T, H, C, W)
    return np.ascontiguousarray(chosen.swapaxes(3, 4))


def with_noise(
    pictures: NDArray[np.uint8], share: float, rows: NDArray[np.int64], key: tuple[int, int]
) -> NDArray[np.uint8]:
    """Sets a share of the pixels of pictures (N, T, H, W, C) to black or white; the noise depends only on the row."""
    noisy = pictures.copy()
    for row, picture in zip(rows, noisy, strict=True):
        seed = np.random.SeedSequence((*key, NOISE, int(row)))
        uniform = np.random.Generator(np.random.Philox(seed)).random(picture.shape[:3], np.float32)
        picture[uniform < share / 2] = 0
        picture[(uniform >= share / 2) & (uniform < share)] = 255
    return noisy
