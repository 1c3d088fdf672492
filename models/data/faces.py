r"""Faces: our own portraits, 64x64 RGB, each drawn from sixteen factors that are known exactly.

Image i depends on (seed, split, i) alone: a counter-based generator gives row i its numbers, these
give the factors, and the factors give the pixels. So the first images of a split are the same
however many are loaded, any image can be drawn again, and an edit can be held against the truth:

    data = load_faces("test", limit=100)
    truth = draw(factors_of(data, 7).replace(smile=1.0))

Factors are uniform over their whole range and independent of each other. `correlated=True` draws
them as they come among people, for work on directions that carry another attribute along:

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
SIZES = {"train": 20_000, "test": 4_000}
RANGES = {name: (0.0, 1.0) for name in CONTINUOUS} | {
    "head_turn": (-1.0, 1.0),
    "light": (-1.0, 1.0),
}
LABELS = {name: (f"no {name}", name) for name in BINARY}
CHANCES = {"glasses": 0.40, "beard": 0.35, "hat": 0.35, "earrings": 0.40}
SAMPLING = 1  # version of the sampling: part of the cache's key, raised with every change
NUMBERS = 32  # uniform numbers an image; more than are used, so that a new factor moves no old one

LICENCE = "That of this program (see LICENSE): the pictures are drawn by it"
SOURCE = "Drawn by Latent Explorer (models/data/faces_drawing.py); no person is shown"


@dataclass(frozen=True)
class Factors:
    """All that a portrait is drawn from; the defaults are a friendly face seen from the front.

    Raises:
        ValueError: If a factor is not a number in its range (`RANGES`), or a yes/no one no bool.
    """

    head_turn: float = 0.0  # -1: 31° towards the picture's left; 1: towards its right
    smile: float = 0.7  # 0: corners of the mouth down; 1: a broad smile
    mouth_opening: float = 0.0  # 0: closed; 1: wide open
    eye_opening: float = 0.7  # 0: shut; 1: wide open
    brow: float = 0.5  # 0: low and drawn together; 1: raised
    hair_length: float = 0.3  # 0: above the ears; 1: over the shoulders
    hair_colour: float = 0.4  # 0: black, through brown and auburn, to 1: blond; the iris goes along
    skin_tone: float = 0.3  # 0: light; 1: dark
    face_width: float = 0.5  # 0: narrow; 1: wide
    light: float = 0.0  # -1: from the picture's left; 0: from the front; 1: from its right
    background: float = 0.6  # 0: peach, through sand, green and blue, to 1: pink
    clothing: float = 0.5  # 0: red, through green and blue, to 1: pink; the hat's colour goes along
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
        """The same face with some factors changed.

        Raises:
            ValueError: If a name is unknown or a value is out of its range.
        """
        unknown = [name for name in changes if name not in FACTORS]
        if unknown:
            raise ValueError(f"Unknown factor {unknown[0]!r}. Choose of: {', '.join(FACTORS)}.")
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    def row(self) -> NDArray[np.float32]:
        """The factors as numbers, shape (16,), in the order of CONTINUOUS + BINARY."""
        return np.array([getattr(self, name) for name in FACTORS], np.float32)


def draw(factors: Factors | Sequence[Factors]) -> NDArray[np.uint8]:
    """Draws a portrait, or a stack of them.

    Returns:
        uint8, shape (64, 64, 3), or (N, 64, 64, 3) for a sequence of N.

    Raises:
        ValueError: If `factors` is neither.
    """
    if isinstance(factors, Factors):
        picture: NDArray[np.uint8] = render(factors.row()[None])[0]
        return picture
    rows = list(factors)
    wrong = [each for each in rows if not isinstance(each, Factors)]
    if wrong:
        raise ValueError(f"`factors` must be Factors, or a sequence of them. Got {wrong[0]!r}.")
    return render(np.array([each.row() for each in rows], np.float32).reshape(-1, len(FACTORS)))


def factors_of(data: ImageData, index: int) -> Factors:
    """The factors from which image `index` of `data` was drawn.

    Arguments:
        data: Faces, all of them or some (`ImageData.take`).
        index: Position in `data`, in [0, N).

    Raises:
        ValueError: If `data` is another data set, or `index` is not in it.
    """
    if data.name != "faces":
        raise ValueError(f"`data` must be the data set 'faces'. Got {data.name!r}.")
    if not isinstance(index, int | np.integer) or not 0 <= index < len(data):
        raise ValueError(f"`index` must be an integer in 0..{len(data) - 1}. Got {index!r}.")
    value = {name: data.attributes[name].values[index] for name in FACTORS}
    numbers: dict[str, Any] = {name: float(value[name]) for name in CONTINUOUS}
    return Factors(**numbers, **{name: bool(value[name]) for name in BINARY})


def sample_factors(split: str, count: int, *, seed: int = 0, correlated: bool = False) -> NDArray[np.float32]:
    """The factors of the first `count` images of a split.

    Returns:
        float32, shape (count, 16), columns CONTINUOUS + BINARY; row i depends on seed, split, i and
        `correlated` only.
    """
    key = np.random.SeedSequence((seed, STREAMS[split]))
    uniform = np.random.Generator(np.random.Philox(key)).random((count, NUMBERS))
    column = dict(zip(FACTORS, uniform.T, strict=False))
    spare = uniform[:, len(FACTORS)]
    chance: dict[str, Any] = dict(CHANCES)
    if correlated:
        own, smile = column["mouth_opening"], column["smile"]
        column["mouth_opening"] = np.where(spare < 0.7, 0.8 * smile + 0.2 * own, own)
        column["hair_colour"] = column["hair_colour"] * (1 - 0.75 * column["skin_tone"])
        length = column["hair_length"]
        chance["beard"] = np.where(length < 0.4, 0.70, 0.08)
        bearded = column["beard"] < chance["beard"]
        chance["glasses"] = np.where(column["hat"] < chance["hat"], 0.10, 0.55)
        chance["earrings"] = (0.10 + 0.70 * length) * np.where(bearded, 0.25, 1.0)
    for name, (low, high) in RANGES.items():
        column[name] = low + (high - low) * column[name]
    for name in BINARY:
        column[name] = column[name] < chance[name]
    return np.stack([column[name] for name in FACTORS], axis=1).astype(np.float32)


def load_faces(
    split: str = "train",
    limit: int | None = None,
    *,
    seed: int = 0,
    correlated: bool = False,
    count: int | None = None,
) -> ImageData:
    """Loads a split of the faces, drawing those that the cache does not hold.

    Arguments:
        split: "train" or "test"; each has its own stream of random numbers.
        limit: Load only the first so many images; None for all.
        seed: Non-negative integer; another seed gives other faces.
        correlated: Draw the factors as they come among people (see the table above).
        count: Size of the split; None for 20,000 (train) and 4,000 (test).

    Returns:
        Images (N, 64, 64, 3), read-only where they come from the cache, with all sixteen factors as
        attributes.

    Raises:
        ValueError: If an argument breaks its rule.
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
