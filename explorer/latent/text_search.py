"""Many short texts, such as the file names of a million images, searched for a phrase in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["TextSearch"]


class TextSearch:
    """N texts, joined by line breaks, so that one search goes through all of them. Case does not count."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Joins the texts; white space in them becomes single spaces."""
        folded = [" ".join(each.casefold().split()) for each in texts]
        self._text = "\n" + "\n".join(folded) + "\n"
        lengths = np.fromiter((len(each) + 1 for each in folded), np.int64, len(folded))
        self._starts = np.cumsum(lengths) - lengths  # of the line break before each text

    def containing(self, phrase: str) -> NDArray[np.int64]:
        """Rows whose text contains a casefolded phrase without line breaks, ascending."""
        return self._rows(phrase)

    def equal(self, phrase: str) -> NDArray[np.int64]:
        """Rows whose text is a casefolded phrase without line breaks, ascending."""
        return self._rows(f"\n{phrase}\n")

    def _rows(self, needle: str) -> NDArray[np.int64]:
        text, rows = self._text, []
        at = text.find(needle)
        while at >= 0:
            rows.append(at)
            end = text.find("\n", at + 1)  # of the text in which the needle is
            at = text.find(needle, end)
        return np.searchsorted(self._starts, np.array(rows, np.int64), "right") - 1
