"""Reads the page headers of an untrusted Parquet file, from which follows the memory that its columns take.

The footer's sizes and counts are only claims: a reader allocates what each page's own header says. So the headers are
read first, which takes no more memory than one of them, and each column is bounded by what they add up to.

    column chunk = [header, dictionary page]? [header, data page]*

References:
    | Apache Parquet, File Format, parquet.thrift
    | https://github.com/apache/parquet-format
    | Thrift compact protocol encoding
    | https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

__all__ = ["Extent", "extents", "leaves"]

SHORT, LONG = 1 << 10, 1 << 20  # bytes read for a header: first, and at most (it may hold the extreme values)
DEPTH = 8  # of nested values in a header
FIELDS = 100  # largest number of a field
DATA, DICTIONARY, DATA_V2 = 0, 2, 3  # kinds of pages
ABOUT = {DATA: 5, DICTIONARY: 7, DATA_V2: 8}  # kind -> the field that describes a page of it
BY_DICTIONARY = (2, 8)  # encodings by indices into the dictionary page
BY_PREFIX = 7  # the encoding that repeats the start of the text before: a page unpacks to any size
DAMAGED = "the header of a page is damaged"
Fields = dict[int, Any]


@dataclass(frozen=True)
class Extent:
    """What the pages of a column take, unpacked."""

    values: int = 0  # in data pages, with missing ones
    distinct: int = 0  # in dictionaries and in data pages without one
    unpacked: int = 0  # bytes of all pages
    largest: int = 0  # bytes of the largest page

    def __add__(self, other: Extent) -> Extent:
        return Extent(
            self.values + other.values,
            self.distinct + other.distinct,
            self.unpacked + other.unpacked,
            max(self.largest, other.largest),
        )


def leaves(metadata: Any, name: str) -> list[int]:
    """Numbers of the columns of a file that store a field of the schema: several for a struct.

    Arguments:
        metadata: `pyarrow.parquet.FileMetaData`.
        name: Path of the field, such as "image" or "image.bytes".
    """
    paths = [metadata.schema.column(number).path for number in range(metadata.num_columns)]
    return [number for number, path in enumerate(paths) if path == name or path.startswith(f"{name}.")]


def extents(
    file: BinaryIO, metadata: Any, columns: Iterable[int], groups: Iterable[int] | None = None
) -> dict[int, Extent]:
    """What columns take when they are read, in all row groups or in some.

    Arguments:
        file: The file, opened for reading.
        metadata: Its `pyarrow.parquet.FileMetaData`.
        columns: Numbers from `leaves`.
        groups: Numbers of row groups.

    Raises:
        ValueError: If the headers are damaged, or a text is encoded so that its size cannot be bounded.
    """
    wanted = list(columns)
    found = dict.fromkeys(wanted, Extent())
    end = file.seek(0, io.SEEK_END)
    for group in range(metadata.num_row_groups) if groups is None else groups:
        facts = metadata.row_group(group)
        for column in wanted:
            found[column] += _extent(file, facts.column(column), end)
    return found


def _extent(file: BinaryIO, chunk: Any, end: int) -> Extent:
    """What the pages of one column chunk take."""
    start, dictionary = int(chunk.data_page_offset), chunk.dictionary_page_offset
    if dictionary is not None and 0 < dictionary < start:
        start = int(dictionary)
    stop = start + int(chunk.total_compressed_size)
    if not 0 <= start <= stop <= end:
        raise ValueError(f"column {chunk.path_in_schema[:80]!r} must lie within the file")
    total = Extent()
    for header in _headers(file, start, stop):
        try:
            total += _of_page(header)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(DAMAGED) from error
    return total


def _of_page(header: Fields) -> Extent:
    """What one page takes."""
    kind, unpacked = header[1], header[2]
    about: Fields = header[ABOUT[kind]] if kind in ABOUT else {}
    count, encoding = about.get(1, 0), about.get(4 if kind == DATA_V2 else 2, 0)
    if unpacked < 0 or count < 0:
        raise ValueError(DAMAGED)
    if encoding == BY_PREFIX:
        raise ValueError("its texts must not be encoded by their prefixes (DELTA_BYTE_ARRAY)")
    data = kind in (DATA, DATA_V2)
    distinct = 0 if data and encoding in BY_DICTIONARY else count
    return Extent(count if data else 0, distinct, unpacked, unpacked)


def _headers(file: BinaryIO, start: int, stop: int) -> Iterator[Fields]:
    """The headers of the pages from byte `start` to `stop`."""
    while start < stop:
        fields, length = _header(file, start)
        packed = fields.get(3)
        if not isinstance(packed, int) or packed < 0:
            raise ValueError(DAMAGED)
        yield fields
        start += length + packed


def _header(file: BinaryIO, start: int) -> tuple[Fields, int]:
    """The header at a byte of the file, and its length."""
    for most in (SHORT, LONG):
        file.seek(start)
        with suppress(IndexError):  # it goes on behind what was read
            return _fields(file.read(most), 0, DEPTH)
    raise ValueError(DAMAGED)


def _fields(data: bytes, at: int, depth: int) -> tuple[Fields, int]:
    """A struct in Thrift's compact protocol: number of a field -> value, and the position behind it."""
    fields: Fields = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        if number in fields or not 0 < number <= FIELDS:
            raise ValueError(DAMAGED)  # readers differ in which of two they take
        kind = head & 15
        if kind in (1, 2):  # a truth value is in the head itself
            fields[number] = kind == 1
        else:
            fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """A value, and the position behind it; texts and lists are skipped, as None."""
    if depth == 0:
        raise ValueError("a page header is nested too deeply")
    if kind in (1, 2, 3):
        return data[at], at + 1
    if kind in (4, 5, 6):
        return _zigzag(data, at)
    if kind == 7:
        return struct.unpack("<d", data[at : at + 8].ljust(8, b"\0"))[0], at + 8
    if kind == 8:
        size, at = _varint(data, at)
        return None, at + size
    if kind in (9, 10):
        head, at = data[at], at + 1
        count, at = (head >> 4, at) if head >> 4 < 15 else _varint(data, at)
        for _ in range(count):
            _, at = _value(data, at, head & 15, depth - 1)
        return None, at
    if kind == 12:
        return _fields(data, at, depth - 1)
    raise ValueError(f"a page header must not hold a value of kind {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits per byte, the lowest first."""
    value = 0
    for shift in range(0, 70, 7):
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise ValueError("a number of a page header is too long")


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
