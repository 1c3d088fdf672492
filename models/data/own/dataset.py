"""The data set "own-images": somebody's own images, as `models.data.load_data` gives any other."""

from __future__ import annotations

__all__ = ["load_own_images", "unavailable"]

from pathlib import Path
from typing import Any

from models.data.base import ImageData
from models.data.own.cache import prepare, prepared_folder
from models.data.own.preparation import Preparation
from models.data.own.records import shown


def load_own_images(split: str, limit: int | None = None, **options: Any) -> ImageData:
    """Loads the first `limit` images of `split`; they are decoded into the cache where they are not there yet.

    Arguments:
        split: "train", "validation" or "test".
        limit: At most so many images; None for all.
        options: The fields of `Preparation`.

    Raises:
        ValueError: If an option breaks its rule, or the images cannot be read.
    """
    return prepare(Preparation.from_options(options)).load(split, limit)


def unavailable(**options: Any) -> str | None:
    """Why the images can not be loaded, or None: the source is there, or was prepared before."""
    try:
        preparation = Preparation.from_options(options)
    except ValueError as error:
        return str(error)
    if not Path(preparation.path).exists() and prepared_folder(preparation) is None:
        return f"{shown(preparation.path)} does not exist any more. Put the images back, or open them anew."
    return None
