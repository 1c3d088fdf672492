"""What every data set gives: 8-bit images and named attributes.

A data set is a stack of images of one size with, for each image, the truth that is known about it
(a digit, a garment, how far the head is turned). Models are trained on the images alone; attributes
colour the maps, give the directions and measure how well a latent space keeps what matters.
"""

from __future__ import annotations

__all__ = [
    "KINDS",
    "SPLITS",
    "Attribute",
    "ImageData",
    "Kind",
    "check_facts",
    "check_integer",
    "indices_below",
]

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind = Literal["binary", "categorical", "continuous"]

KINDS: tuple[str, ...] = get_args(Kind)
SPLITS = ("train", "test")

_DTYPES = {"binary": np.uint8, "categorical": np.int16, "continuous": np.float32}
_ATTRIBUTE_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DATA_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_LABEL = re.compile(r"[a-z0-9 _-]{1,40}")


@dataclass(frozen=True, eq=False)
class Attribute:
    """One thing that is known about every image of a data set.

    Arguments:
        name: Lower-case identifier, such as "head_turn".
        kind: "binary", "categorical" or "continuous".
        values: One value an image, shape (N,). Binary: uint8, 0 or 1. Categorical: int16, an index
            into `labels`. Continuous: float32, finite.
        labels: Names of the categories; for a binary attribute nothing or (without, with); for a
            continuous one nothing.

    Raises:
        ValueError: If a field breaks one of these rules.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks every field."""
        if not isinstance(self.name, str) or not _ATTRIBUTE_NAME.fullmatch(self.name):
            raise ValueError(
                f"`name` must match {_ATTRIBUTE_NAME.pattern}, such as 'head_turn'. Got {self.name!r}."
            )
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
    def title(self) -> str:
        """The name as a person reads it: "head_turn" is "Head turn"."""
        return self.name.replace("_", " ").capitalize()

    def take(self, indices: ArrayLike) -> Attribute:
        """The attribute of the images at `indices`, shape (M,), in that order."""
        rows = indices_below(indices, len(self))
        return Attribute(self.name, self.kind, self.values[rows], self.labels)


@dataclass(frozen=True, eq=False)
class ImageData:
    """One split of a data set, in memory.

    Arguments:
        name: The data set, such as "fashion-mnist".
        split: "train" or "test".
        images: Pictures, uint8, shape (N, H, W, C); C is 1 (grey) or 3 (RGB).
        attributes: What is known about the images, by name; each of N values.
        ids: Row of each image in the data set's own split, int64, shape (N,); stable between loads.
        publishable: False if no picture of it may be published, not even on a screenshot.
        licence: Licence of the pictures as their source states it.
        source: Where they are from and whom to credit.

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

    def __post_init__(self) -> None:
        """Checks every field."""
        _check_images(self.images)
        check_facts(self, len(self.images))

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one image as models see it, (C, H, W)."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    def take(self, indices: ArrayLike) -> ImageData:
        """The images at `indices`, in that order, with their attributes and ids.

        Arguments:
            indices: Positions in this stack, integers in [0, N), shape (M,); repeats are allowed.

        Raises:
            ValueError: If `indices` are not such integers.
        """
        rows = indices_below(indices, len(self))
        return ImageData(
            name=self.name,
            split=self.split,
            images=self.images[rows],
            attributes={name: each.take(rows) for name, each in self.attributes.items()},
            ids=self.ids[rows],
            publishable=self.publishable,
            licence=self.licence,
            source=self.source,
        )


def check_facts(data: Any, count: int) -> None:
    """Raises ValueError where a fact of a data set breaks its rule: all fields of `ImageData` but the images.

    Arguments:
        data: With the fields name, split, attributes, ids, publishable, licence and source.
        count: Images or sequences that it has.
    """
    if not isinstance(data.name, str) or not _DATA_NAME.fullmatch(data.name):
        raise ValueError(f"`name` must match {_DATA_NAME.pattern}. Got {data.name!r}.")
    if data.split not in SPLITS:
        raise ValueError(f"`split` must be one of: {', '.join(SPLITS)}. Got {data.split!r}.")
    _check_ids(data.ids, count)
    _check_attributes(data.attributes, count)
    if not isinstance(data.publishable, bool):
        raise ValueError(f"`publishable` must be True or False. Got {data.publishable!r}.")
    for field in ("licence", "source"):
        value = getattr(data, field)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"`{field}` must be a text that is not empty. Got {value!r}.")


def _check_labels(attribute: Attribute) -> None:
    name, labels = attribute.name, attribute.labels
    if not isinstance(labels, tuple):
        raise ValueError(f"`labels` of {name!r} must be a tuple of texts. Got {labels!r}.")
    for label in labels:
        if not isinstance(label, str) or not _LABEL.fullmatch(label):
            raise ValueError(f"`labels` of {name!r} must match {_LABEL.pattern}. Got {label!r}.")
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
    if not len(values):
        return
    low, high = values.min(), values.max()
    if attribute.kind == "continuous":
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"`values` of {name!r} must be finite. Got NaN or infinity.")
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
    if images.shape[3] not in (1, 3) or 0 in images.shape[1:3]:
        raise ValueError(f"`images` must have the shape (N, H, W, 1 or 3). Got {images.shape}.")


def _check_ids(ids: NDArray[np.int64], count: int) -> None:
    _check_array("`ids`", ids, np.dtype(np.int64), ndim=1)
    if len(ids) != count:
        raise ValueError(f"`ids` must be one an image, {count}. Got {len(ids)}.")
    if count and ids.min() < 0:
        raise ValueError(f"`ids` must be at least 0. Got {ids.min()}.")


def _check_attributes(attributes: dict[str, Attribute], count: int) -> None:
    for name, attribute in attributes.items():
        if not isinstance(attribute, Attribute) or attribute.name != name:
            raise ValueError(f"`attributes` must hold the attribute {name!r} under its name.")
        if len(attribute) != count:
            raise ValueError(
                f"`attributes`: {name!r} must have one value an image, {count}. Got {len(attribute)}."
            )


def check_integer(name: str, value: object, low: int) -> None:
    """Raises ValueError where an argument is no integer of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise ValueError(f"`{name}` must be an integer of at least {low}. Got {value!r}.")


def indices_below(indices: ArrayLike, count: int) -> NDArray[np.int64]:
    """Positions as int64, shape (M,); raises ValueError where they are no integers in [0, count)."""
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
