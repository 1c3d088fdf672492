"""Reads Parquet files with a column of pictures in the format of Hugging Face, {bytes, path}, or plain bytes."""

from __future__ import annotations

__all__ = ["ParquetPictures", "holds_pictures", "scan_parquet"]

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from models.data.own.parquet_columns import LabelColumns, Unused, largest_page
from models.data.own.records import Cell, shown
from models.data.own.sources import Scan, split_of
from models.data.own.tables import cell
from models.data.own.trees import FILES_AT_MOST, OUTSIDE, is_inside, stamp
from models.data.pictures import FILE_AT_MOST, Header, PictureError, Reading, open_picture, read_header

BATCH, BATCH_BYTES = 64, 1 << 26  # rows, and bytes, per read
BUFFER = 1 << 20  # bytes per read
COLUMNS_AT_MOST = 1000
DAMAGE = (pa.ArrowException, OSError, ValueError)
Place = Sequence[int]  # file, row group, row of it


class ParquetPictures:
    """The pictures of Parquet files, read in small batches; fastest in the order of the rows."""

    def __init__(self, files: Sequence[Path], column: str) -> None:
        self.files, self.column = list(files), column
        self._group = (-1, -1)  # current file and row group
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._start, self._batch = 0, None  # first row of the last batch, and the batch

    def about(self) -> dict[str, Any]:
        return {"kind": "parquet", "files": [str(path) for path in self.files], "column": self.column}

    def header(self, place: Place) -> Header:
        return read_header(self._bytes(place))

    def picture(self, place: Place, reading: Reading) -> Image.Image:
        return open_picture(self._bytes(place), reading)

    def _bytes(self, place: Place) -> bytes:
        file, group, row = place
        try:
            value = self._value(file, group, row)
        except (*DAMAGE, StopIteration) as error:
            self._group = (-1, -1)
            raise PictureError(f"The Parquet file is damaged: {str(error)[:80]}. Save it again.") from error
        if isinstance(value, dict):
            value = value.get("bytes") or self._beside(self.files[file], value.get("path"))
        if not isinstance(value, bytes) or not value:
            raise PictureError("The row has no picture.")
        return value

    def _value(self, file: int, group: int, row: int) -> Any:
        """Reads the value of a row; reads forward to it, or from the start of the row group if it was passed."""
        if self._group != (file, group) or row < self._start:
            opened = pq.ParquetFile(self.files[file], buffer_size=BUFFER)
            largest = largest_page(self.files[file], opened.metadata, self.column, group)
            if largest > FILE_AT_MOST:
                raise ValueError(f"a page has more than {FILE_AT_MOST >> 20} MiB")
            count = min(BATCH, max(1, BATCH_BYTES // max(1, largest)))
            self._batches = opened.iter_batches(
                count, row_groups=[group], columns=_stored(opened, self.column), use_threads=False
            )
            self._group, self._start, self._batch = (file, group), 0, None
        while self._batch is None or row >= self._start + len(self._batch):
            self._start += 0 if self._batch is None else len(self._batch)
            self._batch = next(self._batches)
        return self._batch.column(0)[row - self._start].as_py()

    def _beside(self, file: Path, name: object) -> bytes:
        """Reads a picture file that a row refers to by its path."""
        if not isinstance(name, str) or not name:
            raise PictureError("The row has no picture.")
        path = (file.parent / name).resolve()
        if not is_inside(name) or not path.is_relative_to(file.parent.resolve()):
            raise PictureError(OUTSIDE)
        try:
            return path.read_bytes()
        except OSError as error:
            raise PictureError(f"{shown(name)} cannot be read.") from error


def holds_pictures(path: Path) -> bool:
    """Whether a Parquet file has a column of pictures."""
    try:
        return _picture_column(pq.read_schema(path)) is not None
    except DAMAGE:
        return False


def scan_parquet(files: Sequence[Path]) -> Scan:
    """Lists the rows of Parquet files with the same layout, and reads their other columns.

    Raises:
        ValueError: If a file is damaged, or has no column of pictures.
    """
    column = ""
    places: list[Place] = []
    names: list[str] = []
    splits: list[str] = []
    cells: dict[str, list[Cell]] = {}
    notes: list[str] = []
    for number, path in enumerate(files):
        opened = _opened(path)
        found = _picture_column(opened.schema_arrow)
        if found is None or (column and found != column):
            raise ValueError(
                f"{shown(str(path))} has no column {column or 'of pictures'}: binary, or a struct with `bytes`. "
                f"It has: {', '.join(opened.schema_arrow.names)[:200]}."
            )
        column = found
        start = len(places)
        for group in range(opened.num_row_groups):
            rows = opened.metadata.row_group(group).num_rows
            if len(places) + rows > FILES_AT_MOST:
                raise ValueError(f"At most {FILES_AT_MOST:,} rows are read. Open fewer of the files.")
            places += [(number, group, row) for row in range(rows)]
        with _labels(path) as labels:
            names += _names(opened, labels, column, path, len(places) - start, len(files) > 1)
            _add_columns(opened, labels, column, cells, start, len(places), notes)
        splits += [split_of(path.name)] * (len(places) - start)
    for values in cells.values():
        values += [None] * (len(places) - len(values))
    return Scan(
        "parquet",
        ParquetPictures(files, column),
        stamp(*files),
        places,
        names,
        splits,
        cells,
        notes=list(dict.fromkeys(notes)),
    )


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except DAMAGE as error:
        raise ValueError(
            f"{shown(str(path))} is not a Parquet file, or damaged ({str(error)[:80]}). Save it again."
        ) from error


def _labels(path: Path) -> LabelColumns:
    try:
        return LabelColumns(path)
    except DAMAGE as error:
        raise ValueError(
            f"{shown(str(path))} is not a Parquet file, or damaged ({str(error)[:80]}). Save it again."
        ) from error


def _stored(opened: pq.ParquetFile, column: str) -> list[str]:
    """The fields of a column of pictures that are read."""
    kind = opened.schema_arrow.field(column).type
    if not pa.types.is_struct(kind):
        return [column]
    return [f"{column}.{name}" for name in ("bytes", "path") if kind.get_field_index(name) >= 0]


def _picture_column(schema: pa.Schema) -> str | None:
    """Returns the first column of pictures: a struct with `bytes`, else a binary one."""
    binary = None
    for each in schema:
        if pa.types.is_struct(each.type) and each.type.get_field_index("bytes") >= 0:
            return str(each.name)
        if binary is None and (pa.types.is_binary(each.type) or pa.types.is_large_binary(each.type)):
            binary = str(each.name)
    return binary


def _names(
    opened: pq.ParquetFile, labels: LabelColumns, column: str, path: Path, count: int, several: bool
) -> list[str]:
    """Returns names of the rows: the paths of their pictures if these are unique, else numbers."""
    prefix = f"{path.stem}/" if several else ""
    numbered = [f"{prefix}{row}" for row in range(count)]
    if not pa.types.is_struct(opened.schema_arrow.field(column).type):
        return numbered
    try:
        paths = labels.read_paths(column)
    except (*DAMAGE, KeyError, IndexError):
        return numbered
    named = [name for name in paths if isinstance(name, str) and name]
    return [prefix + str(name) for name in paths] if len(set(named)) == count else numbered


def _add_columns(
    opened: pq.ParquetFile,
    labels: LabelColumns,
    column: str,
    cells: dict[str, list[Cell]],
    start: int,
    end: int,
    notes: list[str],
) -> None:
    """Reads the other columns; indices of classes, as Hugging Face stores them, are replaced by names."""
    schema = opened.schema_arrow
    if len(schema) > COLUMNS_AT_MOST:
        raise ValueError(f"A Parquet file has {len(schema):,} columns; at most {COLUMNS_AT_MOST} are read.")
    classes = _class_names(schema)
    for each in schema:
        if each.name == column:
            continue
        try:
            values = labels.read(each.name)
        except Unused as reason:
            notes.append(str(reason))
            continue
        except DAMAGE as error:
            raise ValueError(
                f"A Parquet file is damaged at {each.name[:40]!r}: {str(error)[:80]}."
            ) from error
        names = classes.get(each.name)
        held = cells.setdefault(each.name, [])
        held += [None] * (start - len(held))
        held += [_named(value, names) for value in values[: end - start]]


def _named(value: Any, names: list[str] | None) -> Cell:
    if names is None:
        return cell(value)
    if isinstance(value, list):
        return [names[each] for each in value if isinstance(each, int) and 0 <= each < len(names)]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Reads the names of classes in Hugging Face's metadata, by column."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        found = {}
        for name, feature in features.items():
            inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
            labels = inner.get("names") if isinstance(inner, dict) else None
            if isinstance(labels, dict):
                labels = list(labels.values())
            if isinstance(labels, list) and all(isinstance(label, str) for label in labels):
                found[name] = labels
        return found
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
