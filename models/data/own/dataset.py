"""The data set "own-images": images of the user, which `models.data.load_data` loads like any other data set."""

from __future__ import annotations

__all__ = ["load_own_images", "unavailable"]

from pathlib import Path
from typing import Any

from models.data.base import ImageData
from models.data.own.cache import prepare, prepared_folder
from models.data.own.preparation import Preparation
from models.data.own.records import shown


def load_own_images(split: str, limit: int | None = None, **options: Any) -> ImageData:
    """Loads the first `limit` images of `split`; they are decoded to the cache if needed.

    Arguments:
        split: "train", "validation" or "test".
        limit: Largest number of images; None for all.
        options: The fields of `Preparation`.

    Raises:
        ValueError: If an option is invalid, or the images cannot be read.
    """
    return prepare(Preparation.from_options(options)).load(split, limit)


def unavailable(**options: Any) -> str | None:
    """Returns why the images cannot be loaded; None if the source exists, or was prepared before."""
    try:
        preparation = Preparation.from_options(options)
    except ValueError as error:
        return str(error)
    if not Path(preparation.path).exists() and prepared_folder(preparation) is None:
        return f"{shown(preparation.path)} no longer exists. Put the images back, or open them again."
    return None
