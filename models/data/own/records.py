"""What is found in somebody's images: items, files that are refused, and columns of labels."""

from __future__ import annotations

__all__ = ["KINDS", "Cell", "Column", "Item", "Refused", "Report", "shown"]

from collections.abc import Callable
from dataclasses import dataclass

KINDS = ("category", "classes", "number", "date", "binary", "id", "caption", "ignore")  # of a column

# One value of a column as its source has it: a text, several labels, a number, or None where it is missing.
Cell = str | int | float | bool | list[str] | None

Report = Callable[[float, str], None]  # called with the share done, 0 to 1, and what is being done

SHOWN = 120  # characters of a name in a message


@dataclass(frozen=True)
class Item:
    """One sound picture."""

    key: str  # its name inside the source, printable and unique
    split: str  # "" where the source has no splits, else "train", "validation" or "test"
    size: tuple[int, int]  # width and height in pixels, upright
    mode: str  # "L", "LA", "RGB" or "RGBA": what it is once it is decoded


@dataclass(frozen=True)
class Refused:
    """A file that is not used."""

    name: str
    reason: str  # a sentence with what to do


@dataclass(frozen=True)
class Column:
    """One column of labels.

    A chart of it has `counts` bars: one for each of `labels`, or one between each two of `edges`.
    """

    slug: str  # name of the attribute that it becomes
    title: str  # its name in the source
    kind: str  # one of `KINDS`
    kinds: tuple[str, ...]  # those that it can be
    labels: tuple[str, ...]  # the most frequent values; empty for numbers and dates
    counts: tuple[int, ...]
    edges: tuple[float, ...]  # of the bins of numbers, or of dates as decimal years
    distinct: int  # values that differ
    missing: int  # items without a value
    why: str  # one sentence: why it is of this kind


def shown(name: str) -> str:
    """A name as a message shows it: one line, printable, not too long."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    text = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
    return text if len(text) <= SHOWN else f"…{text[1 - SHOWN :]}"
