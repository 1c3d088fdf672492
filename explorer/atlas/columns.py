"""Reads the columns of an atlas from an untrusted table; anything but the expected layout is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.data import Attribute, Texts

__all__ = ["TEXT_AT_MOST", "Columns", "FileColumns", "vectors_of"]

Array = NDArray[np.float32]

TEXT_AT_MOST = 4_000  # characters of one text
# Letters -> bytes that each letter of a text with one takes.
WIDE = ((r"[^\x{00}-\x{ff}]", 2), (r"[^\x{00}-\x{ffff}]", 4))
TEXTS_AT_MOST = 1 << 27  # bytes of the distinct texts of a column as Python holds them


class Columns:
    """The columns of a table of N rows. Methods raise ValueError or LookupError for an invalid column."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return len(self.table)

    def __contains__(self, name: str) -> bool:
        return name in self.table.column_names

    def chunks(self, name: str) -> pa.ChunkedArray:
        """The values of a column as they are stored."""
        return self.table[name]

    def column(self, name: str, kind: pa.DataType | None = None, *, missing: bool = False) -> Any:
        """A column.

        Arguments:
            name: Its name.
            kind: Its type; None for any.
            missing: Whether values may be null.
        """
        values = self.chunks(name).combine_chunks()
        values.validate(full=True)
        if values.null_count and not missing:
            raise ValueError(f"column {name!r} must have a value in every row")
        if kind is not None and values.type != kind:
            raise ValueError(f"column {name!r} must be of type {kind}. Got {values.type}")
        return values

    def numbers(self, name: str, *, missing: bool = False) -> Array:
        """Finite float32 numbers, shape (N,); NaN for missing ones."""
        held = self.column(name, pa.float32(), missing=missing)
        values: Array = np.array(held.to_numpy(zero_copy_only=False))  # null becomes NaN
        if not np.isfinite(values[np.asarray(held.is_valid())]).all():
            raise ValueError(f"column {name!r} must hold finite numbers")
        return values

    def lists(self, name: str, kind: pa.DataType) -> NDArray[Any]:
        """Vectors of one length, shape (N, D)."""
        values = self.column(name)
        if not pa.types.is_fixed_size_list(values.type) or values.type.value_type != kind:
            raise ValueError(f"column {name!r} must contain vectors")
        flat = values.flatten()
        if flat.null_count or not len(flat) or len(flat) % len(self):
            raise ValueError(f"column {name!r} must contain one vector per row")
        return np.array(flat.to_numpy()).reshape(len(self), -1)

    def vectors(self, name: str) -> Array:
        """Vectors of finite float32 numbers, shape (N, D)."""
        rows: Array = self.lists(name, pa.float32())
        if not np.isfinite(rows).all():
            raise ValueError(f"column {name!r} must hold finite numbers")
        return rows

    def words(self, name: str, *, missing: bool = False) -> tuple[list[str], NDArray[np.int32]]:
        """The K distinct texts of a column, and each row's index among them, (N,); K if missing."""
        values = self.column(name, missing=missing)
        if not pa.types.is_dictionary(values.type):
            raise ValueError(f"column {name!r} must hold names")
        _check_texts(name, values.dictionary)
        held = values.dictionary.to_pylist()
        return held, np.asarray(pc.fill_null(values.indices.cast(pa.int32()), len(held)))

    def places(self, name: str, labels: tuple[str, ...], *, missing: bool = False) -> NDArray[np.int16]:
        """The index of each row's label, shape (N,); -1 if it is missing."""
        held, rows = self.words(name, missing=missing)
        order = {label: place for place, label in enumerate(labels)}
        known = np.array([*(order.get(each, -1) for each in held), -1], np.int16)
        index: NDArray[np.int16] = known[rows]
        if (index[rows < len(held)] < 0).any():
            raise ValueError(f"column {name!r} must hold only {', '.join(labels)}"[:200])
        return index

    def texts(self, fact: dict[str, Any]) -> Texts:
        """The texts whose name, title and column are given by a fact of the file's metadata."""
        held, rows = self.words(fact["column"])
        return Texts(fact["name"], fact["title"], tuple(np.array(held, object)[rows].tolist()))

    def attribute(self, fact: dict[str, Any]) -> Attribute:
        """The attribute described by a fact: name, kind, labels; in newer files also title and column."""
        name, kind, labels = fact["name"], fact["kind"], tuple(fact["labels"])
        column, title = fact.get("column", name), fact.get("title", "")
        values: NDArray[Any]
        if kind == "categorical":
            values = self.places(column, labels, missing=True)
        elif kind == "continuous":
            values = self.numbers(column, missing=True)
        else:
            values = np.array(pc.fill_null(self.column(column, pa.uint8(), missing=True), 255))
        return Attribute(name, kind, values, labels, title)


class FileColumns(Columns):
    """The columns of a Parquet file, each read when it is asked for."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self.file = file

    def __len__(self) -> int:
        return int(self.file.metadata.num_rows)

    def __contains__(self, name: str) -> bool:
        return name in self.file.schema_arrow.names

    def chunks(self, name: str) -> pa.ChunkedArray:
        return self.file.read(columns=[name])[name]


def _check_texts(name: str, texts: pa.Array) -> None:
    """Checks the lengths of texts before they become Python's, one of whose letters may take four bytes."""
    lengths = np.asarray(pc.utf8_length(texts).drop_null(), np.int64)
    if texts.null_count or (lengths > TEXT_AT_MOST).any():
        raise ValueError(f"column {name!r} must hold texts of at most {TEXT_AT_MOST} characters")
    if 4 * lengths.sum() <= TEXTS_AT_MOST:
        return
    for letters, size in WIDE:
        wide = np.asarray(pc.match_substring_regex(texts, letters).cast(pa.uint8()), bool)
        lengths[wide] = np.maximum(lengths[wide], size * np.asarray(pc.utf8_length(texts), np.int64)[wide])
    if lengths.sum() > TEXTS_AT_MOST:
        raise ValueError(
            f"the distinct texts of column {name!r} must not take more than {TEXTS_AT_MOST >> 20} MiB"
        )


def vectors_of(rows: NDArray[Any], kind: pa.DataType | None = None) -> pa.FixedSizeListArray:
    """Vectors (N, D) as a column, float32 by default."""
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), kind or pa.float32()), rows.shape[1])
