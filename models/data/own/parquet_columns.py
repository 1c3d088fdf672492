"""Reads the columns of labels of an untrusted Parquet file, in memory that is bounded whatever the file claims.

The pages' own headers say what a column takes (`models.system.parquet_pages`). A text that many rows share is stored once,
and stays so: a file of a few kilobytes may repeat a text of a megabyte in every row.
"""

from __future__ import annotations

__all__ = ["LabelColumns", "Unused", "largest_page"]

import io
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from models.data.own.records import CELL_AT_MOST, shown
from models.system.parquet_pages import Extent, extents, leaves

CELLS_AT_MOST = 10_000_000  # of all columns together
BYTES_AT_MOST = 1 << 28  # of all columns together, unpacked
LISTED_AT_MOST = 5_000_000  # values in the lists of a column


class Unused(ValueError):
    """A column is no column of labels, or would take too much memory; the message says so in a sentence."""


class LabelColumns:
    """The columns of one file; those that are read count together.

    Arguments:
        source: The file, or its bytes.

    Raises:
        ValueError, OSError or pyarrow.ArrowException: If it is not a Parquet file, or damaged.
    """

    def __init__(self, source: Path | bytes) -> None:
        self._source = source
        with closing(self._open()) as file:
            self._metadata = pq.read_metadata(file)
        schema = self._metadata.schema
        columns = [schema.column(number) for number in range(self._metadata.num_columns)]
        texts = [each.path for each in columns if each.physical_type == "BYTE_ARRAY"]
        self._file = pq.ParquetFile(self._open(), metadata=self._metadata, read_dictionary=texts)
        self._cells, self._bytes = CELLS_AT_MOST, BYTES_AT_MOST  # left

    def __enter__(self) -> LabelColumns:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close(force=True)

    def __len__(self) -> int:
        """Number of rows, as the file claims."""
        return int(self._metadata.num_rows)

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self._file.schema_arrow.names)

    def read(self, name: str) -> list[Any]:
        """The values of a column, one for each row: texts, shortened to a cell, numbers, or lists of these.

        Raises:
            Unused: If it is nested, or would take too much memory.
            ValueError, OSError or pyarrow.ArrowException: If it is damaged.
        """
        if not _holds_labels(self._file.schema_arrow.field(name).type):
            raise Unused(f"The column {shown(name)!r} is nested and not used.")
        return self._read(name)

    def read_paths(self, name: str) -> list[Any]:
        """The texts in the field `path` of a column of structs, one for each row; errors are those of `read`."""
        return self._read(f"{name}.path")

    def _read(self, path: str) -> list[Any]:
        rows = len(self)
        numbers = leaves(self._metadata, path)
        with closing(self._open()) as file:
            found = sum(extents(file, self._metadata, numbers).values(), Extent())
        if rows > self._cells or found.values > max(rows, LISTED_AT_MOST):
            raise Unused(f"The column {shown(path)!r} is not used: with it there are too many values.")
        if found.unpacked > self._bytes:
            raise Unused(f"The column {shown(path)!r} is not used: it takes too much memory.")
        self._cells -= rows
        self._bytes -= found.unpacked
        column = self._file.read(columns=[path], use_threads=False).column(0)
        return [value for chunk in column.chunks for value in _values(chunk)]

    def _open(self) -> BinaryIO:
        return io.BytesIO(self._source) if isinstance(self._source, bytes) else self._source.open("rb")


def largest_page(path: Path, metadata: Any, column: str, group: int) -> int:
    """Bytes of the largest page of a column in a row group, unpacked: no value in it is larger."""
    with path.open("rb") as file:
        found = extents(file, metadata, leaves(metadata, column), [group])
    return sum(found.values(), Extent()).largest


def _holds_labels(kind: pa.DataType) -> bool:
    """Whether a column holds one value per row, or a list of them; of texts, only such as are stored once."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    elif pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
        return not pa.types.is_nested(kind) and not pa.types.is_dictionary(kind)
    if pa.types.is_dictionary(kind):
        return not (pa.types.is_binary(kind.value_type) or pa.types.is_large_binary(kind.value_type))
    return not pa.types.is_nested(kind)


def _values(values: pa.Array) -> Sequence[Any]:
    """An array as Python values; equal texts of a dictionary are one object."""
    kind = values.type
    if pa.types.is_struct(kind):
        missing = values.is_null().to_pylist()
        return [
            None if gone else each for gone, each in zip(missing, _values(values.field("path")), strict=True)
        ]
    if pa.types.is_dictionary(kind):
        texts = [
            text if text is None else text.strip()[:CELL_AT_MOST] for text in values.dictionary.to_pylist()
        ]
        return [None if number is None else texts[number] for number in values.indices.to_pylist()]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        parts, ends = _values(values.values), values.offsets.to_pylist()
        spans = zip(values.is_valid().to_pylist(), ends, ends[1:], strict=False)
        return [parts[start:end] if known else None for known, start, end in spans]
    return list(values.to_pylist())
