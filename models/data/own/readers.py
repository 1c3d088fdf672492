"""Builds the reader of a source from its description, so that worker processes can read what the parent listed."""

from __future__ import annotations

__all__ = ["JoinedPictures", "build"]

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from models.data.own.arrays import ArrayPictures, Stack
from models.data.own.parquet import ParquetPictures
from models.data.own.sources import Pictures, TreePictures
from models.data.own.trees import Folder, Tar, Zip
from models.data.pictures import Header, Reading


class JoinedPictures:
    """The pictures of several sources; a place is the index of a source and a place in it."""

    def __init__(self, parts: Sequence[Pictures]) -> None:
        self.parts = list(parts)

    def about(self) -> dict[str, Any]:
        return {"kind": "joined", "parts": [part.about() for part in self.parts]}

    def header(self, place: Sequence[Any]) -> Header:
        return self.parts[int(place[0])].header(place[1])

    def picture(self, place: Sequence[Any], reading: Reading) -> Image.Image:
        return self.parts[int(place[0])].picture(place[1], reading)


def build(about: Mapping[str, Any]) -> Pictures:
    """Builds a reader from the description that `about()` returns."""
    return BUILDERS[about["kind"]](about)


def _arrays(about: Mapping[str, Any]) -> Pictures:
    stacks = [
        Stack(Path(path), name, first, scale, Path(palette) if palette else None)
        for path, name, first, scale, palette in about["stacks"]
    ]
    return ArrayPictures(stacks)


BUILDERS: dict[str, Callable[[Mapping[str, Any]], Pictures]] = {
    "folder": lambda about: TreePictures(Folder(Path(about["path"]))),
    "zip": lambda about: TreePictures(Zip(Path(about["path"]))),
    "tar": lambda about: TreePictures(Tar(Path(about["path"]))),
    "parquet": lambda about: ParquetPictures([Path(path) for path in about["files"]], about["column"]),
    "array": _arrays,
    "joined": lambda about: JoinedPictures([build(part) for part in about["parts"]]),
}
