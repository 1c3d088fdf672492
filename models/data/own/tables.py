"""Reads tables of labels as columns of cells: CSV in its dialects, JSON lines, Parquet and CelebA's lists."""

from __future__ import annotations

__all__ = ["ENDINGS", "Table", "cell", "column_names", "read_table"]

import csv
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from models.data.own.records import CELL_AT_MOST, Cell, shown
from models.system.json_input import read_json

ENDINGS = ("csv", "tsv", "txt", "jsonl", "ndjson", "json", "parquet")
BYTES_AT_MOST = 1 << 29
ROWS_AT_MOST = 2_000_000
COLUMNS_AT_MOST = 1000
LINE_AT_MOST = 1 << 20  # characters of a line of JSON
DELIMITERS = (",", ";", "\t", "|")
CACHED = 10_000  # values of a column
SNIFFED = 50  # lines from which the delimiter is inferred
MISSING = frozenset(("", "na", "n/a", "nan", "null", "#n/a", "<na>"))  # in lower case


@dataclass
class Table:
    """Columns of one length."""

    columns: dict[str, list[Cell]]
    comma: bool = False  # whether numbers have decimal commas
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()), []))


def read_table(data: bytes, name: str) -> Table:
    """Reads a table; the ending of its name determines the format.

    Arguments:
        data: The file's bytes, untrusted.
        name: Name of the file, for its ending and for messages.

    Raises:
        ValueError: If it is too large, empty, or not a table; the message names the file.
    """
    if len(data) > BYTES_AT_MOST:
        raise ValueError(
            f"{shown(name)} has more than {BYTES_AT_MOST >> 20} MiB. Leave out what is no label."
        )
    ending = name.rpartition(".")[2].lower()
    try:
        if ending == "parquet":
            table = _parquet(data)
        elif ending in ("jsonl", "ndjson", "json"):
            table = _from_records(_records(data, lines=ending != "json"))
        else:
            table = _delimited(_decoded(data))
    except (ValueError, csv.Error, OSError) as error:
        raise ValueError(f"{shown(name)} cannot be read as a table: {error}") from error
    if not len(table):
        raise ValueError(f"{shown(name)} has no rows. It needs one for each picture, below a line of names.")
    if len(table.columns) > COLUMNS_AT_MOST:
        raise ValueError(
            f"{shown(name)} has {len(table.columns):,} columns, at most {COLUMNS_AT_MOST} are read. Leave out those "
            "that are no labels."
        )
    return table


def cell(value: Any) -> Cell:
    """Converts a value to a cell; None if it is missing, not finite or nested."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        text = value.strip()
        return None if text.lower() in MISSING else text[:CELL_AT_MOST]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        parts = [part for each in value if isinstance(part := cell(each), str | int | float)]
        if value and not parts:
            return None  # nested
        return [str(part)[:CELL_AT_MOST] for part in parts][:1000]
    return None


def _decoded(data: bytes) -> tuple[str, list[str]]:
    """Decodes the text of a file; returns it with notes."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16"), []
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), ["The table is not UTF-8; it was read as Windows-1252."]


def _delimited(decoded: tuple[str, list[str]]) -> Table:
    text, notes = decoded
    text = text.replace("\0", "")
    if celeba := _celeba(text):
        return Table(celeba, notes=notes)
    delimiter = _delimiter(text)
    csv.field_size_limit(1 << 20)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows = [row for row in _bounded(reader) if any(part.strip() for part in row)]
    if not rows:
        return Table({})
    header, body = (rows[0], rows[1:]) if _is_header(rows) else ([], rows)
    width = len(header) or len(body[0])
    names = column_names(header, width)
    ragged = sum(len(row) != width for row in body)
    if ragged:
        notes.append(
            f"{ragged:,} rows have more or fewer cells than the first line; absent cells count as missing."
        )
    columns = {title: _cells(body, place) for place, title in enumerate(names)}
    return Table(columns, comma=delimiter in (";", "\t"), notes=notes)


def _cells(rows: list[list[str]], place: int) -> list[Cell]:
    """Converts a column; repeated values are converted once."""
    known: dict[str, Cell] = {}
    found: list[Cell] = []
    for row in rows:
        text = row[place] if place < len(row) else ""
        if text not in known:
            if len(known) > CACHED:
                known.clear()
            known[text] = cell(text)
        found.append(known[text])
    return found


def _bounded(rows: Iterable[Any]) -> Iterable[Any]:
    for count, row in enumerate(rows):
        if count > ROWS_AT_MOST:
            raise ValueError(f"it has more than {ROWS_AT_MOST:,} rows.")
        yield row


def _delimiter(text: str) -> str:
    """Infers the delimiter that splits the first lines into the same number of cells, more than one."""
    lines = [line for line in text[: 1 << 16].splitlines()[:SNIFFED] if line.strip()]
    best, most = ",", 0
    for delimiter in DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)]
        alike = sum(count == counts[0] for count in counts) if counts and counts[0] > 1 else 0
        if alike > most:
            best, most = delimiter, alike
    return best


PICTURE = re.compile(r"\.(png|jpe?g|webp|gif|bmp|tiff?)$", re.IGNORECASE)
NUMBER = re.compile(r"[-+]?[\d.,]+")


def _is_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: it has no name of a picture file, and no number."""
    return (
        not any(PICTURE.search(part.strip()) or NUMBER.fullmatch(part.strip()) for part in rows[0])
        or len(rows) == 1
    )


def column_names(header: list[str], width: int) -> list[str]:
    """Returns unique names of columns; those without a name are numbered."""
    names: list[str] = []
    for place in range(width):
        name = header[place].strip()[:80] if place < len(header) else ""
        name = "".join(letter if letter.isprintable() else " " for letter in name) or f"column {place + 1}"
        count = 2
        unique = name
        while unique in names:
            unique, count = f"{name} {count}", count + 1
        names.append(unique)
    return names


def _celeba(text: str) -> dict[str, list[Cell]] | None:
    """Reads lists in the format of CelebA, separated by blanks: a count, the names, then a file and its values per line.

    Lists without names, with a file and a value per line, are read too.
    """
    lines = text.splitlines()
    if lines and lines[0].strip().isdecimal() and len(lines) > 2:
        names, body = lines[1].split(), lines[2:]
    else:
        names, body = [], lines
    rows = [line.split() for line in _bounded(body) if line.strip()]
    if (
        not rows
        or not PICTURE.search(rows[0][0])
        or len(rows[0]) < 2
        or any(mark in text[:4096] for mark in ",;\t")
    ):
        return None
    width = len(rows[0])
    if len(names) == width - 1 or not names:
        names = ["file", *names]
    if any(len(row) != width for row in rows):
        return None
    return {title: [cell(row[n]) for row in rows] for n, title in enumerate(column_names(names, width))}


def _records(data: bytes, lines: bool) -> list[dict[str, Any]]:
    """Reads the objects of JSON lines, or of a JSON list."""
    if not lines:
        found = read_json(data, "It", BYTES_AT_MOST)
        if isinstance(found, dict):
            raise ValueError("it must hold a list of objects, one per picture.")
    else:
        text, _ = _decoded(data)
        found = []
        for count, line in enumerate(_bounded(text.split("\n"))):
            if line.strip():
                found.append(read_json(line, f"Line {count + 1}", LINE_AT_MOST))
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise ValueError("it must hold objects, one per picture.")
    return found


def _from_records(records: list[dict[str, Any]]) -> Table:
    titles = dict.fromkeys(str(title) for record in records for title in record)
    if len(titles) > COLUMNS_AT_MOST:
        raise ValueError(f"it has more than {COLUMNS_AT_MOST} columns.")
    names = column_names(list(titles), len(titles))
    return Table({n: [cell(r.get(t)) for r in records] for n, t in zip(names, titles, strict=True)})


def _parquet(data: bytes) -> Table:
    import pyarrow as pa

    from models.data.own.parquet_columns import LabelColumns, Unused

    columns: dict[str, list[Cell]] = {}
    notes: list[str] = []
    try:
        with LabelColumns(data) as file:
            if len(file) > ROWS_AT_MOST:
                raise ValueError(f"it has more than {ROWS_AT_MOST:,} rows.")
            for name, title in zip(file.names, column_names(file.names, len(file.names)), strict=True):
                try:
                    columns[title] = [cell(value) for value in file.read(name)]
                except Unused as reason:
                    notes.append(str(reason))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"it is not a Parquet file, or damaged ({str(error)[:80]}).") from error
    return Table(columns, notes=notes)
