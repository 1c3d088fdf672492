"""Images of the user before they are prepared: usable pictures, refused files, and columns of labels."""

from __future__ import annotations

__all__ = ["FoundImages"]

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.data.own.columns import describe
from models.data.own.duplicates import Pair, near_duplicates
from models.data.own.records import Cell, Column, Item, Refused, Report
from models.data.own.sources import Pictures
from models.data.pictures import Reading

THUMBNAIL = 256  # px, largest side of the pictures of `read`


@dataclass(eq=False)
class FoundImages:
    """Images of the user before they are prepared; only headers are decoded.

    Lists have one entry per item, in the order of the source.
    """

    source: Path  # the folder or file, absolute
    form: str  # "folder", "zip", "parquet", "webdataset" or "array"
    items: list[Item]  # usable pictures
    refused: list[Refused]
    notes: list[str]  # sentences about how the source was read
    columns: dict[str, Column]  # by slug
    splits: dict[str, int]  # items in each split of the source; empty if it has no splits
    labels: Path | None  # the table that the user named
    fingerprint: str  # changes with the source and the table
    pictures: Pictures = field(repr=False)
    places: list[Any] = field(repr=False)
    cells: dict[str, list[Cell]] = field(repr=False)  # of the columns, by slug
    members: tuple[str, ...] = ()  # files and folders in `source` that were read; () for all
    comma: frozenset[str] = frozenset()  # slugs of columns whose numbers have decimal commas

    def __len__(self) -> int:
        """The number of usable pictures."""
        return len(self.items)

    def read(self, row: int) -> NDArray[np.uint8]:
        """Returns a picture on white, scaled to at most 256 pixels a side: uint8 (H, W, C), C is 1 or 3.

        Raises:
            PictureError: If its pixels are damaged.
        """
        image = self.pictures.picture(self.places[row], Reading.lenient())
        image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS, reducing_gap=3.0)
        pixels = np.asarray(image, np.uint8)
        return pixels[..., None] if pixels.ndim == 2 else pixels

    def column(self, slug: str, kind: str) -> Column:
        """Returns a column with another kind, such as "number".

        Raises:
            ValueError: If there is no such column, or it cannot be of this kind.
        """
        if slug not in self.columns:
            raise ValueError(
                f"Unknown column {slug[:40]!r}. Choose one of: {', '.join(self.columns) or 'none'}."
            )
        held = self.columns[slug]
        return describe(held.title, slug, self.cells[slug], slug in self.comma, kind)

    def near_duplicates(self, report: Report | None = None) -> list[Pair]:
        """Finds near-duplicates: (row, row, distance), the closest first.

        Arguments:
            report: Called with the share done, 0 to 1, and the current task.
        """
        return near_duplicates(self.pictures, self.places, report)

    @cached_property
    def sizes(self) -> list[tuple[tuple[int, int], int]]:
        """Sizes (width, height) with the number of pictures, the most frequent first."""
        return Counter(item.size for item in self.items).most_common()

    @cached_property
    def grey(self) -> bool:
        """Whether all pictures are grey."""
        return all(item.mode[0] == "L" for item in self.items)

    @cached_property
    def transparent(self) -> int:
        """Number of pictures with transparent parts."""
        return sum(item.mode.endswith("A") for item in self.items)
