r"""Faces: drawn portraits, 64x64 RGB, each from sixteen known factors.

Image i depends only on (seed, split, i): a counter-based generator draws the numbers of row i, which
determine the factors, and these the pixels. So the first images of a split do not depend on how many
are loaded, any image can be drawn again, and an edit can be compared with the ground truth:

    data = load_faces("test", limit=100)
    truth = draw(factors_of(data, 7).replace(smile=1.0))

Factors are uniform over their range and independent. `correlated=True` draws them with correlations
like those among people, to study directions that change another attribute as well:

| factor | independent | correlated |
|---|---|---|
| beard | P = 0.35 | P = 0.70 if hair_length < 0.4, else 0.08 |
| hat | P = 0.35 | P = 0.35 |
| glasses | P = 0.40 | P = 0.10 with a hat, 0.55 without |
| earrings | P = 0.40 | P = 0.10 + 0.70 hair_length; a quarter of it with a beard |
| mouth_opening | uniform | with P = 0.7, 0.8 smile + 0.2 its own uniform value |
| hair_colour | uniform | its own uniform value times (1 - 0.75 skin_tone) |
"""

from __future__ import annotations

__all__ = [
    "BINARY",
    "CONTINUOUS",
    "LABELS",
    "RANGES",
    "SIZES",
    "Factors",
    "draw",
    "factors_of",
    "load_faces",
    "sample_factors",
]

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.base import STREAMS, Attribute, ImageData, check_integer
from models.data.faces_cache import Recipe, pictures
from models.data.faces_drawing import BINARY, CONTINUOUS, VERSION, render

FACTORS = CONTINUOUS + BINARY
SIZES = {"train": 20_000, "validation": 2_000, "test": 4_000}
RANGES = {name: (0.0, 1.0) for name in CONTINUOUS} | {
    "head_turn": (-1.0, 1.0),
    "light": (-1.0, 1.0),
}
LABELS = {name: (f"no {name}", name) for name in BINARY}
PROBABILITIES = {"glasses": 0.40, "beard": 0.35, "hat": 0.35, "earrings": 0.40}
SAMPLING = 1  # version of the sampling, part of the cache key; increased with every change
NUMBERS = 32  # uniform numbers per image; more than are used, so that a new factor does not change the others

LICENCE = "That of this program (see LICENSE): the pictures are drawn by it"
SOURCE = "Drawn by Latent Explorer (models/data/faces_drawing.py); no person is shown"


@dataclass(frozen=True)
class Factors:
    """The factors of a portrait; the defaults give a friendly face seen from the front.

    Raises:
        ValueError: If a factor is not a number in its range (`RANGES`), or a binary one not a bool.
    """

    head_turn: float = 0.0  # -1: 31° towards the picture's left; 1: towards its right
    smile: float = 0.7  # 0: corners of the mouth down; 1: a broad smile
    mouth_opening: float = 0.0  # 0: closed; 1: wide open
    eye_opening: float = 0.7  # 0: shut; 1: wide open
    brow: float = 0.5  # 0: low and drawn together; 1: raised
    hair_length: float = 0.3  # 0: above the ears; 1: over the shoulders
    hair_colour: float = 0.4  # 0: black, through brown and auburn, to 1: blond; also sets the iris
    skin_tone: float = 0.3  # 0: light; 1: dark
    face_width: float = 0.5  # 0: narrow; 1: wide
    light: float = 0.0  # -1: from the picture's left; 0: from the front; 1: from its right
    background: float = 0.6  # 0: peach, through sand, green and blue, to 1: pink
    clothing: float = 0.5  # 0: red, through green and blue, to 1: pink; also sets the hat
    glasses: bool = False
    beard: bool = False
    hat: bool = False
    earrings: bool = False

    def __post_init__(self) -> None:
        """Checks every factor."""
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            number = isinstance(value, int | float | np.integer | np.floating)
            if not number or not math.isfinite(value) or not low <= value <= high:
                raise ValueError(f"`{name}` must be a number in [{low}, {high}]. Got {value!r}.")
        for name in BINARY:
            value = getattr(self, name)
            if not isinstance(value, bool | np.bool_):
                raise ValueError(f"`{name}` must be True or False. Got {value!r}.")

    def replace(self, **changes: float | bool) -> Factors:
        """Returns the same face with some factors changed.

        Raises:
            ValueError: If a name is unknown or a value is out of its range.
        """
        unknown = [name for name in changes if name not in FACTORS]
        if unknown:
            raise ValueError(f"Unknown factor {unknown[0]!r}. Choose from: {', '.join(FACTORS)}.")
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    def row(self) -> NDArray[np.float32]:
        """Returns the factors as numbers, shape (16,), in the order of CONTINUOUS + BINARY."""
        return np.array([getattr(self, name) for name in FACTORS], np.float32)


def draw(factors: Factors | Sequence[Factors]) -> NDArray[np.uint8]:
    """Draws a portrait, or a stack of them.

    Returns:
        uint8, shape (64, 64, 3), or (N, 64, 64, 3) for a sequence of N.

    Raises:
        ValueError: If `factors` is neither.
    """
    if isinstance(factors, Factors):
        return np.asarray(render(factors.row()[None])[0])
    rows = list(factors)
    wrong = [each for each in rows if not isinstance(each, Factors)]
    if wrong:
        raise ValueError(f"`factors` must be Factors, or a sequence of them. Got {wrong[0]!r}.")
    return render(np.array([each.row() for each in rows], np.float32).reshape(-1, len(FACTORS)))


def factors_of(data: ImageData, index: int) -> Factors:
    """Returns the factors from which image `index` of `data` was drawn.

    Arguments:
        data: Faces, or a selection of them (`ImageData.take`).
        index: Position in `data`, in [0, N).

    Raises:
        ValueError: If `data` is another data set, or `index` is out of range.
    """
    if data.name != "faces":
        raise ValueError(f"`data` must be the data set 'faces'. Got {data.name!r}.")
    if not isinstance(index, int | np.integer) or not 0 <= index < len(data):
        raise ValueError(f"`index` must be an integer in 0..{len(data) - 1}. Got {index!r}.")
    value = {name: data.attributes[name].values[index] for name in FACTORS}
    numbers: dict[str, Any] = {name: float(value[name]) for name in CONTINUOUS}
    return Factors(**numbers, **{name: bool(value[name]) for name in BINARY})


def sample_factors(split: str, count: int, *, seed: int = 0, correlated: bool = False) -> NDArray[np.float32]:
    """Draws the factors of the first `count` images of a split.

    Returns:
        float32, shape (count, 16), columns CONTINUOUS + BINARY; row i depends only on seed, split, i
        and `correlated`.
    """
    key = np.random.SeedSequence((seed, STREAMS[split]))
    uniform = np.random.Generator(np.random.Philox(key)).random((count, NUMBERS))
    column = dict(zip(FACTORS, uniform.T, strict=False))
    extra = uniform[:, len(FACTORS)]
    probability: dict[str, Any] = dict(PROBABILITIES)
    if correlated:
        opening, smile = column["mouth_opening"], column["smile"]
        column["mouth_opening"] = np.where(extra < 0.7, 0.8 * smile + 0.2 * opening, opening)
        column["hair_colour"] = column["hair_colour"] * (1 - 0.75 * column["skin_tone"])
        length = column["hair_length"]
        probability["beard"] = np.where(length < 0.4, 0.70, 0.08)
        bearded = column["beard"] < probability["beard"]
        probability["glasses"] = np.where(column["hat"] < probability["hat"], 0.10, 0.55)
        probability["earrings"] = (0.10 + 0.70 * length) * np.where(bearded, 0.25, 1.0)
    for name, (low, high) in RANGES.items():
        column[name] = low + (high - low) * column[name]
    for name in BINARY:
        column[name] = column[name] < probability[name]
    return np.stack([column[name] for name in FACTORS], axis=1).astype(np.float32)


def load_faces(
    split: str = "train",
    limit: int | None = None,
    *,
    seed: int = 0,
    correlated: bool = False,
    count: int | None = None,
) -> ImageData:
    """Loads a split of the faces; images that are not in the cache are drawn.

    Arguments:
        split: "train", "validation" or "test"; each has its own stream of random numbers.
        limit: Largest number of images; None for all.
        seed: Non-negative integer; another seed gives other faces.
        correlated: Draw the factors with correlations (see the table above).
        count: Size of the split; None for 20,000 (train), 2,000 (validation) and 4,000 (test).

    Returns:
        Images (N, 64, 64, 3), read-only if they come from the cache, with all sixteen factors as
        attributes.

    Raises:
        ValueError: If an argument is invalid.
    """
    if split not in STREAMS:
        raise ValueError(f"`split` must be one of: {', '.join(STREAMS)}. Got {split!r}.")
    check_integer("seed", seed, 0)
    if not isinstance(correlated, bool):
        raise ValueError(f"`correlated` must be True or False. Got {correlated!r}.")
    for name, value in (("limit", limit), ("count", count)):
        if value is not None:
            check_integer(name, value, 1)
    total = SIZES[split] if count is None else count
    number = total if limit is None else min(limit, total)
    table = sample_factors(split, number, seed=seed, correlated=correlated)
    options = {"seed": seed, "correlated": correlated, "sampling": SAMPLING, "drawing": VERSION}
    return ImageData(
        name="faces",
        split=split,
        images=pictures(table, Recipe(split, options)),
        attributes=_attributes(table),
        ids=np.arange(number, dtype=np.int64),
        publishable=True,
        licence=LICENCE,
        source=SOURCE,
    )


def _attributes(table: NDArray[np.float32]) -> dict[str, Attribute]:
    attributes = {}
    for name, values in zip(FACTORS, table.T, strict=True):
        if name in BINARY:
            attributes[name] = Attribute(name, "binary", values.astype(np.uint8), LABELS[name])
        else:
            attributes[name] = Attribute(name, "continuous", np.ascontiguousarray(values))
    return attributes
