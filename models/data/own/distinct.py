"""The distinct values of a column with their counts, since a column of a million rows often has only ten."""

from __future__ import annotations

__all__ = ["Distinct"]

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.data.own.records import Cell
from models.data.own.values import Numbers, as_dates, as_labels, as_numbers, as_text, separator


class Distinct:
    """The K distinct values of a column, in the order of their first occurrence, without missing ones.

    Arguments:
        cells: One cell per item.
        comma: Whether the table uses decimal commas.
    """

    def __init__(self, cells: Sequence[Cell], comma: bool) -> None:
        keys = Counter(
            tuple(value) if isinstance(value, list) else value for value in cells if value is not None
        )
        self.cells: list[Cell] = [list(key) if isinstance(key, tuple) else key for key in keys]
        self.weights: NDArray[np.int64] = np.array(list(keys.values()), np.int64)
        self.comma = comma
        self.counts: Counter[str] = Counter()
        for value, count in zip(self.cells, keys.values(), strict=True):
            self.counts[as_text(value)] += count

    @property
    def known(self) -> int:
        """Number of items that have a value."""
        return int(self.weights.sum())

    @cached_property
    def numbers(self) -> Numbers:
        """The values as numbers."""
        return as_numbers(self.cells, self.comma)

    @cached_property
    def dates(self) -> NDArray[np.float64]:
        """The values as dates in decimal years, shape (K,), NaN if a value is not a date."""
        return as_dates(self.cells)

    @cached_property
    def mark(self) -> str | None:
        """The separator of several labels in a cell; see `separator`."""
        return separator(self.cells)

    def weight(self, chosen: NDArray[np.bool_]) -> int:
        """Counts the items with the chosen values, shape (K,)."""
        return int(self.weights[chosen].sum())

    def histogram(self, values: NDArray[np.float64], bins: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Computes counts and edges of bins of equal width."""
        finite = np.isfinite(values)
        bars, edges = np.histogram(values[finite], bins=bins, weights=self.weights[finite])
        return tuple(int(bar) for bar in bars), tuple(edges.tolist())

    def labels(self) -> Counter[str]:
        """Counts the items with each label; a cell may have several."""
        found: Counter[str] = Counter()
        for value, count in zip(self.cells, self.weights.tolist(), strict=True):
            for label in set(as_labels(value, self.mark or "")):
                found[label] += count
        return found
