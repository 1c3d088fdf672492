"""Item names: an item is named by its split and its number in the data set, such as "test 3518".

test 3518   on pages, in exports and in searches
test-3518   in a URL, which also accepts a bare row of the atlas, as older links have it
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ItemNames", "read_item", "row_of"]

NAME = re.compile(r"([A-Za-z_]{1,40})[\s-]{1,3}#?([0-9]{1,18})")
ROW = re.compile(r"[0-9]{1,10}")


class ItemNames:
    """Names of the N items of an atlas."""

    def __init__(self, split: Sequence[str], ids: NDArray[np.int64]) -> None:
        """Stores splits and numbers.

        Arguments:
            split: Split of each of the N items.
            ids: Number of each item in its split of the data set, shape (N,).
        """
        self.splits = tuple(dict.fromkeys(split))
        self._split, self._ids = split, ids
        places = {each: place for place, each in enumerate(self.splits)}
        self._place = np.fromiter((places[each] for each in split), np.int16, len(split))

    def __len__(self) -> int:
        """The number of items."""
        return len(self._ids)

    def name(self, row: int) -> str:
        """The name of a row, such as "test 3518"."""
        return f"{self._split[row]} {self._ids[row]}"

    def token(self, row: int) -> str:
        """The name of a row in a URL, such as "test-3518"."""
        return f"{self._split[row]}-{self._ids[row]}"

    def rows(self, first: int, last: int, split: str = "") -> NDArray[np.int64]:
        """Rows whose number lies in first..last, ascending, in one split, or in all if it is ""."""
        inside = (self._ids >= first) & (self._ids <= last)
        if split:
            inside &= self._place == (self.splits.index(split) if split in self.splits else -1)
        return np.flatnonzero(inside)

    def find(self, text: str) -> int | None:
        """The row with a name such as "test 3518" or "test-3518"; None if the text is not a name.

        Raises:
            ValueError: If it names a split of this collection but there is no such number.
        """
        match = NAME.fullmatch(text.strip())
        split = match[1].lower() if match else ""
        if match is None or split not in self.splits:
            return None
        rows = self.rows(int(match[2]), int(match[2]), split)
        if not len(rows):
            raise ValueError(f"There is no item {split} {match[2]} in this collection. {self.extent}")
        return int(rows[0])

    def from_address(self, text: str) -> int:
        """The item that a URL names: "test-3518", or a bare row or upload number such as "12".

        Raises:
            ValueError: If the text is neither, or there is no such item. A bare number is not checked.
        """
        row = self.find(text[:80])
        return row_of(text) if row is None else row

    @property
    def extent(self) -> str:
        """The available items in one sentence: "It has test 0 to test 3999 and train 0 to train 3999."."""
        parts = []
        for place, split in enumerate(self.splits):
            own = self._ids[self._place == place]
            parts.append(f"{split} {own.min()} to {split} {own.max()}")
        return f"It has {' and '.join(parts)}."

    def columns(self, rows: Iterable[int]) -> dict[str, list[Any]]:
        """The columns that name items in an exported table: `item`, `split`, `id`, and `row` of the atlas."""
        chosen = [int(row) for row in rows]
        return {
            "item": [self.name(row) for row in chosen],
            "split": [self._split[row] for row in chosen],
            "id": [int(self._ids[row]) for row in chosen],
            "row": chosen,
        }


def read_item(text: str, name: str, read: Callable[[str], int], has: Callable[[int], bool]) -> int:
    """Reads the item that a URL parameter names.

    Arguments:
        text: The parameter.
        name: The parameter's name.
        read: Parses an item, such as `ItemNames.from_address`.
        has: Whether an item exists.

    Raises:
            ValueError: If there is no such item; the message gives the parameter's name.
    """
    try:
        item = read(text)
    except ValueError as error:
        raise ValueError(f"`{name}` must be an image of this model. {error}") from None
    if not has(item):
        raise ValueError(f"`{name}` must be an image of this model. Got {text[:40]!r}.")
    return item


def row_of(text: str) -> int:
    """Parses a bare item number in a URL.

    Raises:
        ValueError: If the text is not a whole number of at most 10 digits.
    """
    if not ROW.fullmatch(text):
        raise ValueError(f"An item must be named such as test-12. Got {text[:40]!r}.")
    return int(text)
