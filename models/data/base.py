"""The contents of a data set: 8-bit images and named attributes.

A data set is a stack of images of one size, with attributes of each image (a digit, a garment, the
angle of the head). Models are trained on the images only; attributes colour the maps, define
directions and serve to evaluate a latent space. A value may be missing. Texts (file names, ids,
captions) can be shown and searched.
"""

from __future__ import annotations

__all__ = [
    "KINDS",
    "SPLITS",
    "STREAMS",
    "Attribute",
    "ImageData",
    "Kind",
    "Texts",
    "check_facts",
    "check_integer",
    "drawn_split",
    "indices_below",
]

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind = Literal["binary", "categorical", "continuous"]

KINDS: tuple[str, ...] = get_args(Kind)
SPLITS = ("train", "validation", "test")
# Random stream of a generated split; a change would change its pixels.
STREAMS = {"train": 0, "validation": 2, "test": 1}


def drawn_split(split: str, count: int, test: int, validation: int, seed: int) -> NDArray[np.int64]:
    """Returns the rows of a split that is drawn at random from all rows, ascending.

    Arguments:
        split: One of `SPLITS`. The validation split is part of the training split.
        count: Rows in all.
        test: Rows for test.
        validation: Rows of the training split for validation.
        seed: Of the draw.
    """
    shuffled = np.random.default_rng(seed).permutation(count)
    bounds = {"train": (test, count), "validation": (test, test + validation), "test": (0, test)}
    first, end = bounds[split]
    return np.sort(shuffled[first:end]).astype(np.int64)


_DTYPES = {"binary": np.uint8, "categorical": np.int16, "continuous": np.float32}
_MISSING = {"binary": 255, "categorical": -1}  # NaN for a continuous attribute
_ATTRIBUTE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DATA_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_LABEL_LENGTH = 80  # characters of a label or title


@dataclass(frozen=True, eq=False)
class Attribute:
    """A value for every image of a data set.

    Arguments:
        name: Lower-case identifier, such as "head_turn".
        kind: "binary", "categorical" or "continuous".
        values: One value per image, shape (N,). Binary: uint8, 0 or 1, 255 if missing. Categorical:
            int16, an index into `labels`, -1 if missing. Continuous: float32, finite, NaN if missing.
        labels: Names of the categories, in any script, 1 to 80 printable characters; for a binary
            attribute empty or (without, with); for a continuous one empty.
        title: Display name, 1 to 80 printable characters; "" derives it from `name`: "head_turn" is
            "Head turn".

    Raises:
        ValueError: If a field breaks one of these rules.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    labels: tuple[str, ...] = ()
    title: str = ""

    def __post_init__(self) -> None:
        """Checks every field."""
        _check_name(self.name)
        object.__setattr__(self, "title", _title(self.name, self.title))
        if self.kind not in KINDS:
            raise ValueError(
                f"`kind` of {self.name!r} must be one of: {', '.join(KINDS)}. Got {self.kind!r}."
            )
        _check_labels(self)
        _check_values(self)

    def __len__(self) -> int:
        """The number of images."""
        return len(self.values)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which images have a value, shape (N,)."""
        missing = np.isnan(self.values) if self.kind == "continuous" else self.values == _MISSING[self.kind]
        return np.asarray(~missing)

    @property
    def has_missing(self) -> bool:
        """Whether the value of an image is missing."""
        return not self.known.all()

    def take(self, indices: ArrayLike) -> Attribute:
        """Selects the values of the images at `indices`, shape (M,), in that order."""
        return replace(self, values=self.values[indices_below(indices, len(self))])


@dataclass(frozen=True, eq=False)
class Texts:
    """A text for every image that can be shown and searched: its file name, an id or a caption.

    Arguments:
        name: Lower-case identifier, such as "file".
        title: Display name, 1 to 80 printable characters; "" derives it from `name`.
        values: One text per image, N of them; "" if missing.

    Raises:
        ValueError: If a field breaks one of these rules.
    """

    name: str
    title: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        """Checks every field."""
        _check_name(self.name)
        object.__setattr__(self, "title", _title(self.name, self.title))
        if not isinstance(self.values, tuple) or not all(isinstance(value, str) for value in self.values):
            raise ValueError(f"`values` of {self.name!r} must be a tuple of texts.")

    def __len__(self) -> int:
        """The number of images."""
        return len(self.values)

    def take(self, indices: ArrayLike) -> Texts:
        """Selects the texts of the images at `indices`, shape (M,), in that order."""
        rows = indices_below(indices, len(self))
        return replace(self, values=tuple(self.values[row] for row in rows.tolist()))


@dataclass(frozen=True, eq=False)
class ImageData:
    """One split of a data set, in memory or memory-mapped.

    Arguments:
        name: Name of the data set, such as "fashion-mnist".
        split: One of `SPLITS`.
        images: Images, uint8, shape (N, H, W, C); C is 1 (grey), 3 (RGB) or 4 (RGBA).
        attributes: Attributes of the images by name, with N values each.
        ids: Row of each image in the split of the data set, int64, shape (N,); the same at every load.
        publishable: False if no image may be published, not even in a screenshot.
        licence: Licence of the images, as their source states it.
        source: Source of the images and credit.
        texts: Texts of the images by name, N each.

    Raises:
        ValueError: If a field breaks one of these rules.
    """

    name: str
    split: str
    images: NDArray[np.uint8]
    attributes: dict[str, Attribute]
    ids: NDArray[np.int64]
    publishable: bool
    licence: str
    source: str
    texts: dict[str, Texts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Checks every field."""
        _check_images(self.images)
        check_facts(self, len(self.images))
        _check_named("texts", Texts, self.texts, len(self.images))

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of an image for models, (C, H, W)."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    def take(self, indices: ArrayLike) -> ImageData:
        """Selects the images at `indices`, in that order, with their attributes and ids.

        Arguments:
            indices: Positions in this stack, integers in [0, N), shape (M,); repeats are allowed.

        Raises:
            ValueError: If `indices` are not such integers.
        """
        rows = indices_below(indices, len(self))
        return replace(
            self,
            images=self.images[rows],
            attributes={name: each.take(rows) for name, each in self.attributes.items()},
            ids=self.ids[rows],
            texts={name: each.take(rows) for name, each in self.texts.items()},
        )


def check_facts(data: Any, count: int) -> None:
    """Raises ValueError if a field of a data set is invalid: all fields of `ImageData` but images and texts.

    Arguments:
        data: A data set with the fields name, split, attributes, ids, publishable, licence and source.
        count: Number of images or sequences.
    """
    if not isinstance(data.name, str) or not _DATA_NAME.fullmatch(data.name):
        raise ValueError(f"`name` must match {_DATA_NAME.pattern}. Got {data.name!r}.")
    if data.split not in SPLITS:
        raise ValueError(f"`split` must be one of: {', '.join(SPLITS)}. Got {data.split!r}.")
    _check_ids(data.ids, count)
    _check_named("attributes", Attribute, data.attributes, count)
    if not isinstance(data.publishable, bool):
        raise ValueError(f"`publishable` must be True or False. Got {data.publishable!r}.")
    for name in ("licence", "source"):
        value = getattr(data, name)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"`{name}` must be a text that is not empty. Got {value!r}.")


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _ATTRIBUTE_NAME.fullmatch(name):
        raise ValueError(f"`name` must match {_ATTRIBUTE_NAME.pattern}, such as 'head_turn'. Got {name!r}.")


def _title(name: str, title: object) -> str:
    """Returns the given title, or one derived from the name."""
    if title == "":
        return name.replace("_", " ").capitalize()
    if not isinstance(title, str) or not _is_label(title):
        raise ValueError(
            f"`title` of {name!r} must have 1 to {_LABEL_LENGTH} printable characters. Got {str(title)[:100]!r}."
        )
    return title


def _is_label(text: str) -> bool:
    return len(text) <= _LABEL_LENGTH and text.isprintable() and text.strip() != ""


def _check_labels(attribute: Attribute) -> None:
    name, labels = attribute.name, attribute.labels
    if not isinstance(labels, tuple):
        raise ValueError(f"`labels` of {name!r} must be a tuple of texts. Got {labels!r}.")
    for label in labels:
        if not isinstance(label, str) or not _is_label(label):
            raise ValueError(
                f"`labels` of {name!r} must have 1 to {_LABEL_LENGTH} printable characters. Got {str(label)[:100]!r}."
            )
    if len(set(labels)) != len(labels):
        raise ValueError(f"`labels` of {name!r} must differ from each other. Got {labels!r}.")
    if attribute.kind == "categorical" and not labels:
        raise ValueError(f"`labels` of {name!r} must name its categories. Got none.")
    if attribute.kind == "binary" and len(labels) not in (0, 2):
        raise ValueError(f"`labels` of {name!r} must be none or (without, with). Got {labels!r}.")
    if attribute.kind == "continuous" and labels:
        raise ValueError(f"`labels` of {name!r} must be empty: it is continuous. Got {labels!r}.")


def _check_values(attribute: Attribute) -> None:
    name, values = attribute.name, attribute.values
    _check_array(f"`values` of {name!r}", values, np.dtype(_DTYPES[attribute.kind]), ndim=1)
    values = values[attribute.known]
    if not len(values):
        return
    low, high = values.min(), values.max()
    if attribute.kind == "continuous":
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"`values` of {name!r} must be finite, or NaN where missing. Got infinity.")
        return
    count = 2 if attribute.kind == "binary" else len(attribute.labels)
    if low < 0 or high >= count:
        raise ValueError(f"`values` of {name!r} must lie in 0..{count - 1}. Got {low}..{high}.")


def _check_array(what: str, array: object, dtype: np.dtype[Any], ndim: int) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != ndim:
        got = type(array).__name__
        if isinstance(array, np.ndarray):
            got = f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"{what} must be a {ndim}-D array of {dtype}. Got {got}.")


def _check_images(images: NDArray[np.uint8]) -> None:
    _check_array("`images`", images, np.dtype(np.uint8), ndim=4)
    if not 1 <= images.shape[3] <= 4 or 0 in images.shape[1:3]:
        raise ValueError(f"`images` must have the shape (N, H, W, 1 to 4). Got {images.shape}.")


def _check_ids(ids: NDArray[np.int64], count: int) -> None:
    _check_array("`ids`", ids, np.dtype(np.int64), ndim=1)
    if len(ids) != count:
        raise ValueError(f"`ids` must have one value per image, {count}. Got {len(ids)}.")
    if count and ids.min() < 0:
        raise ValueError(f"`ids` must be at least 0. Got {ids.min()}.")


def _check_named(what: str, kind: type[Attribute] | type[Texts], held: Mapping[str, Any], count: int) -> None:
    for name, each in held.items():
        if not isinstance(each, kind) or each.name != name:
            raise ValueError(f"`{what}` must hold {kind.__name__} {name!r} under its name.")
        if len(each) != count:
            raise ValueError(f"`{what}`: {name!r} must have one value per image, {count}. Got {len(each)}.")


def check_integer(name: str, value: object, low: int) -> None:
    """Raises ValueError unless an argument is an integer of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise ValueError(f"`{name}` must be an integer of at least {low}. Got {value!r}.")


def indices_below(indices: ArrayLike, count: int) -> NDArray[np.int64]:
    """Converts positions to int64, shape (M,); raises ValueError unless they are integers in [0, count)."""
    rows = np.asarray(indices)
    if rows.size == 0 and rows.ndim == 1:
        return np.empty(0, np.int64)
    if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
        raise ValueError(
            "`indices` must be a list of integers (turn a mask into one with np.flatnonzero). "
            f"Got {rows.dtype} of shape {rows.shape}."
        )
    if rows.min() < 0 or rows.max() >= count:
        raise ValueError(f"`indices` must lie in 0..{count - 1}. Got {rows.min()}..{rows.max()}.")
    return rows.astype(np.int64)
