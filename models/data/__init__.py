"""The data sets by name: real images and drawn faces, with named attributes.

    from models.data import load_data
    data = load_data("fashion-mnist", "test", limit=1000)
    data.images          # uint8 (1000, 28, 28, 1)
    data.attributes      # {"garment": Attribute(...)}

and sequences of images, whose frames are generated on demand:

    data = load_sequences("moving-digits", "test", limit=1000)
    data.frames([7])     # uint8 (1, 20, 28, 28, 1)

The module of a data set is imported on first use. `open_images` opens images of your own, a folder or
a file.
"""

from __future__ import annotations

__all__ = [
    "DATASETS",
    "OWN",
    "SEQUENCES",
    "Attribute",
    "Dataset",
    "ImageData",
    "SequenceData",
    "Texts",
    "data_available",
    "load_data",
    "load_pictures",
    "load_sequences",
    "open_images",
    "validation_rows",
]

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from models.data.base import SPLITS, Attribute, ImageData, Texts
from models.data.sequences import SequenceData

if TYPE_CHECKING:
    from models.data.own.found import FoundImages


@dataclass(frozen=True)
class Dataset:
    """The loader of a data set; calling it imports the module and loads the data."""

    module: str  # module of this package
    function: str  # load(split, limit, **options) -> ImageData or SequenceData
    reason: str | None = None  # reason(**options) -> why it cannot be loaded without a download, or None
    shape: tuple[int, int, int] = (1, 28, 28)  # image shape (C, H, W)
    images: int = 60_000  # images or sequences in the training split; 0 if it depends on the options
    held_back: str | None = (
        None  # validation_rows(**options) -> training rows that are the validation split, or None
    )

    def __call__(self, split: str, limit: int | None = None, **options: Any) -> Any:
        """Loads the first `limit` images or sequences of `split`."""
        if split not in SPLITS:
            raise ValueError(f"`split` must be one of: {', '.join(SPLITS)}. Got {split!r}.")
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise ValueError(f"`limit` must be an integer of at least 1, or None. Got {limit!r}.")
        load = getattr(import_module(f"models.data.{self.module}"), self.function)
        _check_options(load, options)
        return load(split, limit, **options)

    def unavailable(self, options: Mapping[str, Any]) -> str | None:
        """Returns why the data set cannot be loaded without a download with these options, or None."""
        if self.reason is None:
            return None
        reason = getattr(import_module(f"models.data.{self.module}"), self.reason)
        return cast("str | None", reason(**_accepted(reason, options)))

    def validation_rows(self, options: Mapping[str, Any]) -> NDArray[np.int64]:
        """Returns the rows of the training split that are the validation split; see `validation_rows` below."""
        if self.held_back is None:
            return np.empty(0, np.int64)
        rows = getattr(import_module(f"models.data.{self.module}"), self.held_back)
        return cast("NDArray[np.int64]", rows(**_accepted(rows, options)))


def _accepted(function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Selects the options that a function takes."""
    parameters = signature(function).parameters
    accepts_all = any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
    return {name: value for name, value in options.items() if accepts_all or name in parameters}


def _check_options(load: Callable[..., Any], options: dict[str, Any]) -> None:
    parameters = signature(load).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return  # the loader checks its options itself
    offered = [each.name for each in parameters if each.name not in ("split", "limit")]
    for name in options:
        if name not in offered:
            raise ValueError(
                f"Unknown option {name!r}. This data set offers: {', '.join(offered) or 'none'}."
            )


HELD_BACK = "validation_rows"
OWN = "own-images"  # images of the user; the options give their location

DATASETS: dict[str, Dataset] = {
    "digits": Dataset("digits", "load_digits", shape=(1, 8, 8), images=1_497, held_back=HELD_BACK),
    "mnist": Dataset("mnist", "load_mnist", "unavailable", held_back=HELD_BACK),
    "fashion-mnist": Dataset("fashion_mnist", "load_fashion_mnist", "unavailable", held_back=HELD_BACK),
    "lpc-sprites": Dataset("lpc_sprites", "load_lpc_sprites", "unavailable", (3, 64, 64), 20_000, HELD_BACK),
    "frey-faces": Dataset("frey_faces", "load_frey_faces", "unavailable", images=1_769, held_back=HELD_BACK),
    "fruits-360": Dataset("fruits_360", "load_fruits_360", "unavailable", (3, 64, 64), 1_764),
    "faces": Dataset("faces", "load_faces", shape=(3, 64, 64), images=20_000),
    OWN: Dataset("own.dataset", "load_own_images", "unavailable", (3, 64, 64), 0),
}

SEQUENCES: dict[str, Dataset] = {
    "moving-digits": Dataset("moving_digits", "load_moving_digits", "unavailable", held_back=HELD_BACK),
    "oscillator": Dataset("oscillator", "load_oscillator", shape=(1, 16, 16), images=50_000),
}


def load_data(name: str, split: str = "train", *, limit: int | None = None, **options: Any) -> ImageData:
    """Loads a split of a data set.

    If `LATENT_DATA_DIR` is not set, MNIST and Fashion-MNIST are downloaded to the cache once.

    Arguments:
        name: One of `DATASETS`.
        split: One of `SPLITS`; see `validation_rows`.
        limit: Largest number of images; None for all.
        options: What the data set itself offers.

    Raises:
        ValueError: If an argument is invalid, or a file is missing, damaged or cannot be downloaded; the
            message names it and a remedy.
    """
    if name in SEQUENCES:
        raise ValueError(f"The data set {name!r} has sequences, not images. Load it with `load_sequences`.")
    return cast(ImageData, _dataset(name, DATASETS)(split, limit, **options))


def load_sequences(
    name: str, split: str = "train", *, limit: int | None = None, **options: Any
) -> SequenceData:
    """Loads a split of a data set of sequences.

    Arguments:
        name: One of `SEQUENCES`.
        split: One of `SPLITS`; see `validation_rows`.
        limit: Largest number of sequences; None for all.
        options: What the data set itself offers.

    Raises:
        ValueError: As `load_data` does.
    """
    if name in DATASETS:
        raise ValueError(f"The data set {name!r} has images, not sequences. Load it with `load_data`.")
    return cast(SequenceData, _dataset(name, SEQUENCES)(split, limit, **options))


def load_pictures(name: str, split: str = "train", *, limit: int | None = None, **options: Any) -> ImageData:
    """Loads one image for each item of any data set: its images, or the last frames of its sequences.

    Arguments:
        name: One of `DATASETS` or `SEQUENCES`.
        split: One of `SPLITS`; see `validation_rows`.
        limit: Largest number of items; None for all.
        options: What the data set itself offers.

    Raises:
        ValueError: As `load_data` does.
    """
    if name in SEQUENCES:
        return load_sequences(name, split, limit=limit, **options).last()
    return load_data(name, split, limit=limit, **options)


def open_images(
    source: str | Path, labels: str | Path | None = None, report: Callable[[float, str], None] | None = None
) -> FoundImages:
    """Opens the images and labels in a folder or file of yours; see `models.data.own.opening.open_images`."""
    from models.data.own.opening import open_images as find

    return find(source, labels, report)


def data_available(name: str, /, **options: Any) -> str | None:
    """Returns why the data set cannot be loaded without a download; None if it can.

    Arguments:
        name: One of `DATASETS` or `SEQUENCES`.
        options: Options for loading it, such as the `source` of moving digits.

    Raises:
        ValueError: If `name` is unknown.
    """
    return _dataset(name, DATASETS | SEQUENCES).unavailable(options)


def validation_rows(name: str, /, **options: Any) -> NDArray[np.int64]:
    """Returns the rows of the training split that the validation split of a data set consists of, ascending.

    Such a data set's source has no validation split, and its training split stays that of the source: whoever chooses
    by validation images leaves these rows out of the training. Empty if no training image is a validation image.

    Arguments:
        name: One of `DATASETS` or `SEQUENCES`.
        options: Options for loading it, such as the `source` of moving digits.

    Raises:
        ValueError: If `name` is unknown.
    """
    return _dataset(name, DATASETS | SEQUENCES).validation_rows(options)


def _dataset(name: str, known: dict[str, Dataset]) -> Dataset:
    if name not in known:
        raise ValueError(f"Unknown data set {name!r}. Choose one of: {', '.join(known)}.")
    return known[name]
