"""Sources of pictures: a tree of files, Parquet files, or arrays. A place identifies a picture of a source."""

from __future__ import annotations

__all__ = ["ENDINGS_OF_CONTAINERS", "SPLIT_NAMES", "Pictures", "Scan", "TreePictures", "split_of"]

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from models.data.own.records import Cell, Refused
from models.data.own.trees import File, Listing, Tree
from models.data.pictures import FILE_AT_MOST, Header, PictureError, Reading, open_picture, read_header

ENDINGS_OF_CONTAINERS = ("parquet", "tar", "npz", "npy")
HEAD = 1 << 16  # bytes of a file that usually contain its header
TOO_LARGE = f"The file has more than {FILE_AT_MOST >> 20} MiB. Save the picture smaller."
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


class Pictures(Protocol):
    """A reader of pictures by their places, which are lists of numbers and texts."""

    def about(self) -> dict[str, Any]:
        """Describes the reader in JSON values, from which `models.data.own.readers.build` builds it."""

    def header(self, place: Any) -> Header:
        """Reads the size and mode of a picture.

        Raises:
            PictureError: If it cannot be read.
        """

    def picture(self, place: Any, reading: Reading) -> Image.Image:
        """Reads a picture with `open_picture`.

        Raises:
            PictureError: If it cannot be read.
        """


@dataclass
class Scan:
    """The contents of a source. Lists have one entry per picture."""

    form: str  # "folder", "zip", "parquet", "webdataset" or "array"
    pictures: Pictures
    fingerprint: str  # changes with the source
    places: list[Any]
    names: list[str]
    splits: list[str]  # splits of the source; "" if it has none
    cells: dict[str, list[Cell]] = field(default_factory=dict)  # columns of the source, by title
    comma: set[str] = field(default_factory=set)  # columns whose numbers have decimal commas
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tree: Tree | None = None  # may contain tables of labels
    listing: Listing | None = None


class TreePictures:
    """The picture files of a tree; a place is the fields of a `File`."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def about(self) -> dict[str, Any]:
        return {"kind": self.tree.kind, "path": str(self.tree.path)}

    def header(self, place: Sequence[Any]) -> Header:
        file = _file(place)
        if file.size > HEAD:
            try:
                return read_header(self.tree.read(file, HEAD))
            except PictureError:
                pass  # the header is longer
        return read_header(self.tree.read(file))

    def picture(self, place: Sequence[Any], reading: Reading) -> Image.Image:
        return open_picture(self.tree.read(_file(place)), reading)


def _file(place: Sequence[Any]) -> File:
    file = File(*place)
    if file.size > FILE_AT_MOST:
        raise PictureError(TOO_LARGE)
    return file


def split_of(name: str) -> str:
    """Returns the split at the start of a file name such as "train-00000-of-00001.parquet"; "" if there is none."""
    first = re.split(r"[^a-z]", Path(name).name.lower(), maxsplit=1)[0]
    return SPLIT_NAMES.get(first, "")
