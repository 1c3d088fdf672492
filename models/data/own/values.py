"""Converts cells to numbers, dates and labels, in the notations of several countries."""

from __future__ import annotations

__all__ = ["Numbers", "as_dates", "as_labels", "as_numbers", "as_text", "separator"]

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.data.own.records import Cell

LARGEST = float(np.finfo(np.float32).max)
TRIED = 50  # values from which the format of dates is inferred
SEPARATORS = ("|", ";", ",")
TOKENS_AT_MOST, TOKEN_LENGTH = 100, 40  # distinct labels in a column with several per row; characters of one
FORMATS = (
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y:%m:%d %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%d-%m-%Y",
    "%b %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%B %d, %Y",
)  # beside ISO 8601; where day and month can be exchanged, the month comes first
_PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[-+]?\d{1,3}(\.\d{3})*,\d+|[-+]?\d+,\d+")
_INFINITE = re.compile(r"[-+]?inf(inity)?", re.IGNORECASE)


class Numbers(NamedTuple):
    """A column of numbers."""

    values: NDArray[np.float64]  # (N,), NaN if there is none
    unread: NDArray[np.bool_]  # (N,), cells that are not numbers
    infinite: NDArray[np.bool_]  # (N,), numbers that are infinite or too large


def as_text(value: Cell) -> str:
    """Converts a cell to text; "" if it is missing."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def as_numbers(cells: Sequence[Cell], comma: bool = False) -> Numbers:
    """Reads numbers: 3.5, 3,5, 1,234.5, 1.234,5, 1e-3, 45 %.

    Arguments:
        cells: One cell per item.
        comma: Whether the table uses decimal commas.
    """
    texts = [value.replace("\u2212", "-") for value in cells if isinstance(value, str)]
    comma = comma or any(_DECIMAL_COMMA.fullmatch(t) and not _THOUSANDS.fullmatch(t) for t in texts)
    values = np.full(len(cells), np.nan)
    unread, infinite = np.zeros(len(cells), bool), np.zeros(len(cells), bool)
    for row, value in enumerate(cells):
        if value is None:
            continue
        number = _number(value, comma)
        if number is None:
            unread[row] = True
        elif abs(number) > LARGEST:
            infinite[row] = True
        else:
            values[row] = number
    return Numbers(values, unread, infinite)


def _number(value: Cell, comma: bool) -> float | None:
    if isinstance(value, int | float):
        return float(value) if abs(value) <= LARGEST else float("inf")
    if not isinstance(value, str):
        return None
    text = value.replace("\u2212", "-").replace("\u00a0", "").removesuffix("%").replace(" ", "")
    if _INFINITE.fullmatch(text):
        return float("inf")
    if comma and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    return float(text) if _PLAIN.fullmatch(text) and len(text) < 400 else None


def as_dates(cells: Sequence[Cell]) -> NDArray[np.float64]:
    """Reads dates as decimal years, shape (N,), NaN if a cell is not a date."""
    values = np.full(len(cells), np.nan)
    known = [value for value in cells if isinstance(value, str)]
    found = _date_format(known[:TRIED] if len(known) <= TRIED else known[:: len(known) // TRIED])
    for row, value in enumerate(cells):
        when = _date(value, found) if isinstance(value, str) and found is not None else None
        if when is not None:
            values[row] = _decimal_year(when)
    return values


def _date_format(texts: Sequence[str]) -> str | None:
    """Returns the date format that fits most texts: "" for ISO 8601; None if none fits half of them."""
    best, most = None, len(texts) / 2
    for pattern in ("", *FORMATS):
        count = sum(_date(text, pattern) is not None for text in texts)
        if count > most:
            best, most = pattern, float(count)
    return best


def _date(text: str, pattern: str) -> datetime | None:
    if not 6 <= len(text) <= 40 or text.isdecimal():
        return None
    try:
        when = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)
    except ValueError:
        return None
    return when.replace(tzinfo=None)


def _decimal_year(when: datetime) -> float:
    start = datetime(when.year, 1, 1)
    days = 366 if when.year % 4 == 0 and (when.year % 100 != 0 or when.year % 400 == 0) else 365
    return when.year + (when - start).total_seconds() / (days * 86_400)


def separator(cells: Sequence[Cell]) -> str | None:
    """Infers the separator of several labels in a cell; None if a cell is one label, "" if cells are lists."""
    if any(isinstance(value, list) for value in cells):
        return ""
    texts = {value for value in cells if isinstance(value, str)}
    for mark in SEPARATORS:
        if sum(mark in text for text in texts) < max(1, len(texts) // 10):
            continue
        tokens = Counter(part for text in texts for part in as_labels(text, mark))
        if (
            2 <= len(tokens) <= TOKENS_AT_MOST
            and len(tokens) <= len(texts)
            and sum(tokens.values()) >= 1.5 * len(tokens)
            and max(map(len, tokens)) <= TOKEN_LENGTH
        ):
            return mark
    return None


def as_labels(value: Cell, mark: str) -> list[str]:
    """Splits a cell into its labels."""
    if isinstance(value, list):
        return value
    if value is None:
        return []
    parts = as_text(value).split(mark) if mark else [as_text(value)]
    return [part.strip() for part in parts if part.strip()]
