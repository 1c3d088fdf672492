"""Records of opened images: items, refused files, and columns of labels."""

from __future__ import annotations

__all__ = ["CELL_AT_MOST", "KINDS", "Cell", "Column", "Item", "Refused", "Report", "shown"]

from collections.abc import Callable
from dataclasses import dataclass

from models.system.printable import printable

KINDS = ("category", "classes", "number", "date", "binary", "id", "caption", "ignore")  # of columns

# A value of a column in its source: a text, several labels, a number, or None if missing.
Cell = str | int | float | bool | list[str] | None

Report = Callable[[float, str], None]  # called with the share done, 0 to 1, and the current task

SHOWN = 120  # characters of a name in a message
CELL_AT_MOST = 4000  # characters of a cell; longer ones are truncated


@dataclass(frozen=True)
class Item:
    """A usable picture."""

    key: str  # name inside the source, printable and unique
    split: str  # "train", "validation" or "test"; "" if the source has no splits
    size: tuple[int, int]  # width and height in pixels, upright
    mode: str  # "L", "LA", "RGB" or "RGBA", the mode of the decoded picture


@dataclass(frozen=True)
class Refused:
    """A file that is not used."""

    name: str
    reason: str  # the reason and a remedy, in sentences


@dataclass(frozen=True)
class Column:
    """A column of labels.

    Its chart has bars of heights `counts`: one for each of `labels`, or one between each two of `edges`.
    """

    slug: str  # name of the attribute that it becomes
    title: str  # its name in the source
    kind: str  # one of `KINDS`
    kinds: tuple[str, ...]  # possible kinds
    labels: tuple[str, ...]  # the most frequent values; empty for numbers and dates
    counts: tuple[int, ...]
    edges: tuple[float, ...]  # of the bins of numbers, or of dates as decimal years
    distinct: int  # number of distinct values
    missing: int  # number of items without a value
    why: str  # reason for the kind, one sentence


def shown(name: str) -> str:
    """Formats a name for a message: one line, printable, not too long."""
    text = printable(name)
    return text if len(text) <= SHOWN else f"…{text[1 - SHOWN :]}"
