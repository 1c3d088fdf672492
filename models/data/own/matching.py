"""Joins a table of labels to pictures by the column that names the files, whatever its title."""

from __future__ import annotations

__all__ = ["Joined", "join"]

from collections.abc import Sequence
from dataclasses import dataclass

from models.data.own.records import Cell, shown
from models.data.own.tables import Table
from models.data.own.values import as_text

SAMPLED = 500  # rows that are checked for names of pictures
NAMES = ("file_name", "filename", "file", "filepath", "file_path", "image", "img", "path", "image_id", "name")


@dataclass
class Joined:
    """A table with one row per picture."""

    column: str  # the column that names the files
    columns: dict[str, list[Cell]]  # the other columns, one cell per picture, None if it has no row
    matched: int  # number of pictures with a row
    notes: list[str]


class Names:
    """Finds pictures by a path, the end of one, or a file name with or without its ending."""

    def __init__(self, names: Sequence[str]) -> None:
        self.paths: dict[str, int] = {}
        self.lasts: dict[str, int] = {}
        self.stems: dict[str, int] = {}
        for row, name in enumerate(names):
            path = name.lower()
            last = path.rpartition("/")[2]
            self.paths.setdefault(path, row)
            for index, key in ((self.lasts, last), (self.stems, last.rpartition(".")[0] or last)):
                index[key] = -1 if key in index else row  # -1: not unique

    def find(self, text: str, folder: str = "") -> int:
        """Returns the row of a picture; -1 if no picture, or several, have this name."""
        path = text.replace("\\", "/").lower()
        while path.startswith("./"):
            path = path[2:]
        if folder and (row := self.paths.get(f"{folder}{path}", -1)) >= 0:
            return row
        rest = path
        while rest:
            if (row := self.paths.get(rest, -1)) >= 0:
                return row
            _, slash, rest = rest.partition("/")
            if not slash:
                break
        last = path.rpartition("/")[2]
        if last in self.lasts:
            return self.lasts[last]
        return self.stems.get(last, self.stems.get(last.rpartition(".")[0], -1))


def join(table: Table, table_name: str, names: Sequence[str], folder: str = "") -> Joined | None:
    """Joins a table to pictures; None if no column names any.

    Arguments:
        table: The table.
        table_name: Name of the table in messages.
        names: Names of the pictures, paths with "/".
        folder: Folder of the table in the source, "" or ending in "/"; paths may be relative to it.
    """
    index = Names(names)
    best = ""
    found: list[int] = []
    for title in sorted(table.columns, key=_likely):
        cells = table.columns[title]
        if any(isinstance(value, list | float) for value in cells[:100]):
            continue
        some = cells[:: max(1, len(cells) // SAMPLED)]
        if best and all(value is None or index.find(as_text(value), folder.lower()) < 0 for value in some):
            continue  # another column names pictures, and this one probably does not
        rows = [-1 if value is None else index.find(as_text(value), folder.lower()) for value in cells]
        if len(set(rows) - {-1}) > len(set(found) - {-1}):
            best, found = title, rows
    if not best:
        return None
    places = [-1] * len(names)
    twice: list[str] = []
    for place, row in enumerate(found):
        if row < 0:
            continue
        if places[row] < 0:
            places[row] = place
        elif any(cells[place] != cells[places[row]] for cells in table.columns.values()):
            twice.append(names[row])
    columns = {
        title: [None if place < 0 else cells[place] for place in places]
        for title, cells in table.columns.items()
        if title != best
    }
    matched = sum(place >= 0 for place in places)
    return Joined(best, columns, matched, _notes(table_name, names, found, matched, twice))


def _likely(title: str) -> tuple[int, str]:
    """Returns a sort key that puts columns with typical titles for file names first."""
    name = title.lower()
    return (NAMES.index(name) if name in NAMES else len(NAMES), name)


def _notes(
    table: str, names: Sequence[str], found: Sequence[int], matched: int, twice: Sequence[str]
) -> list[str]:
    notes = []
    if lost := sum(row < 0 for row in found):
        notes.append(f"{lost:,} rows of {shown(table)} belong to no picture.")
    if matched < len(names):
        notes.append(f"{len(names) - matched:,} pictures have no row in {shown(table)}.")
    if twice:
        notes.append(
            f"{shown(table)} has different rows for one file ({len(twice):,}, such as {shown(twice[0])}): the first "
            "one is used."
        )
    return notes
