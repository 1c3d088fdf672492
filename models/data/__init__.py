"""The data sets, by name: real images and our own drawn faces, each with named attributes.

    from models.data import load_data
    data = load_data("fashion-mnist", "test", limit=1000)
    data.images          # uint8 (1000, 28, 28, 1)
    data.attributes      # {"garment": Attribute(...)}

A data set's module is imported when it is first asked for, so naming one costs nothing.
"""

from __future__ import annotations

__all__ = ["DATASETS", "Attribute", "Dataset", "ImageData", "data_available", "load_data"]

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, signature
from typing import Any

from models.data.base import SPLITS, Attribute, ImageData


@dataclass(frozen=True)
class Dataset:
    """Where the loader of a data set stands; calling it imports the module and loads."""

    module: str  # of this package
    function: str  # load(split, limit, **options) -> ImageData
    reason: str | None = None  # reason() -> why it can not be loaded now without a download, or None
    shape: tuple[int, int, int] = (1, 28, 28)  # of an image, (C, H, W)
    images: int = 60_000  # of its training split

    def __call__(self, split: str, limit: int | None = None, **options: Any) -> ImageData:
        """Loads the first `limit` images of `split`."""
        load = getattr(import_module(f"models.data.{self.module}"), self.function)
        _check_options(load, options)
        data: ImageData = load(split, limit, **options)
        return data

    def unavailable(self) -> str | None:
        """Why it can not be loaded at once, or None."""
        if self.reason is None:
            return None
        why: str | None = getattr(import_module(f"models.data.{self.module}"), self.reason)()
        return why


def _check_options(load: Callable[..., ImageData], options: dict[str, Any]) -> None:
    parameters = signature(load).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return  # it checks its options itself
    offered = [each.name for each in parameters if each.name not in ("split", "limit")]
    for name in options:
        if name not in offered:
            raise ValueError(
                f"Unknown option {name!r}. This data set offers: {', '.join(offered) or 'none'}."
            )


DATASETS: dict[str, Dataset] = {
    "digits": Dataset("digits", "load_digits", shape=(1, 8, 8), images=1_497),
    "mnist": Dataset("mnist", "load_mnist", "unavailable"),
    "fashion-mnist": Dataset("fashion_mnist", "load_fashion_mnist", "unavailable"),
    "lpc-sprites": Dataset("lpc_sprites", "load_lpc_sprites", "unavailable", (3, 64, 64), 20_000),
    "frey-faces": Dataset("frey_faces", "load_frey_faces", "unavailable", images=1_769),
    "faces": Dataset("faces", "load_faces", shape=(3, 64, 64), images=20_000),
}


def load_data(name: str, split: str = "train", *, limit: int | None = None, **options: Any) -> ImageData:
    """Loads a split of a data set.

    Where `LATENT_DATA_DIR` is not set, MNIST and Fashion-MNIST are downloaded to the cache once.

    Arguments:
        name: One of `DATASETS`.
        split: "train" or "test".
        limit: Load only the first so many images; None for all.
        options: What the data set itself offers.

    Raises:
        ValueError: If an argument is unknown or a file is missing, damaged or can not be
            downloaded; the message says which and what to do.
    """
    dataset = _dataset(name)
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of: {', '.join(SPLITS)}. Got {split!r}.")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise ValueError(f"`limit` must be an integer of at least 1, or None. Got {limit!r}.")
    return dataset(split, limit, **options)


def data_available(name: str) -> str | None:
    """None if the data set can be loaded now without a download, else the reason why not.

    Raises:
        ValueError: If `name` is unknown.
    """
    return _dataset(name).unavailable()


def _dataset(name: str) -> Dataset:
    if name not in DATASETS:
        raise ValueError(f"Unknown data set {name!r}. Choose one of: {', '.join(DATASETS)}.")
    return DATASETS[name]
