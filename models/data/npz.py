"""Reads arrays from an untrusted NPZ file: headers are checked before any value is read.

`numpy.load` allocates the size that a header declares, and reads a large array at once. Here the type
and shape of a member are first compared with those that the data set must have, and a stack of images
can be read in blocks, so that only the selected images are in memory. Nothing is unpickled.
"""

from __future__ import annotations

__all__ = ["NpzReader"]

import tokenize
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from models.system.zip_members import open_member

CHUNK = 1 << 20
DAMAGE = (  # errors that zipfile and numpy raise on invalid files
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    EOFError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
)


class NpzReader:
    """An open NPZ file; a context manager.

    Arguments:
        path: The file.

    Raises:
        ValueError: If the file is missing or not an NPZ file. All methods raise it, naming the file, if
            an array is missing, damaged, or of another type or shape.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file."""
        self.path = path
        with self._naming("the file"):
            self._archive = zipfile.ZipFile(path)

    def __enter__(self) -> Self:
        """Returns the reader."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        self._archive.close()

    def array(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        """Reads a whole array.

        Arguments:
            name: Name of the array in the file.
            dtype: Expected type, such as "uint8"; "text" is any fixed-width text of up to 64 characters.
            shape: Expected shape; None stands for any size from 1 to 65,536.
        """
        with self._open(name, dtype, shape) as (stream, actual, sizes):
            values = self._read(stream, name, actual, sizes)
            self._end(stream, name)
        return values

    def blocks(
        self, name: str, shape: tuple[int, ...], rows: int
    ) -> Generator[NDArray[np.uint8], None, None]:
        """Reads a uint8 array of exactly `shape` in blocks of `rows` rows, the last one shorter.

        Close the generator if it is not exhausted.
        """
        with self._open(name, "uint8", shape) as (stream, actual, _):
            for start in range(0, shape[0], rows):
                count = min(rows, shape[0] - start)
                yield self._read(stream, name, actual, (count, *shape[1:]))
            self._end(stream, name)

    @contextmanager
    def _open(
        self, name: str, dtype: str, shape: tuple[int | None, ...]
    ) -> Iterator[tuple[IO[bytes], np.dtype[Any], tuple[int, ...]]]:
        """Yields the stream of a member after its header, with its checked type and shape."""
        if f"{name}.npy" not in self._archive.namelist():
            raise ValueError(f"{self.path} must hold an array {name!r}. {self._remedy()}")
        with self._naming(name):
            stream = open_member(self._archive, self._archive.getinfo(f"{name}.npy"))
        with stream:
            with self._naming(name):
                actual, sizes, fortran = _header(stream)
            if not _fits(actual, dtype, sizes, shape) or fortran:
                expected = tuple("any" if size is None else size for size in shape)
                raise ValueError(
                    f"{self.path}: {name!r} must be {dtype} of shape {expected}, in C order. "
                    f"Got {actual} of shape {sizes}. {self._remedy()}"
                )
            yield stream, actual, sizes

    def _read(
        self, stream: IO[bytes], name: str, dtype: np.dtype[Any], shape: tuple[int, ...]
    ) -> NDArray[Any]:
        size = prod(shape) * dtype.itemsize
        values = np.empty(size, np.uint8)
        filled = 0
        while filled < size:
            with self._naming(name):
                chunk = stream.read(min(CHUNK, size - filled))
            if not chunk:
                raise ValueError(f"{self.path}: {name!r} ends too early. {self._remedy()}")
            values[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
            filled += len(chunk)
        return values.view(dtype).reshape(shape)

    def _end(self, stream: IO[bytes], name: str) -> None:
        with self._naming(name):
            more = stream.read(1)  # also compares the checksum
        if more:
            raise ValueError(f"{self.path}: {name!r} goes on after its end. {self._remedy()}")

    @contextmanager
    def _naming(self, what: str) -> Iterator[None]:
        """Turns errors of a damaged file into a ValueError that names the file."""
        try:
            yield
        except FileNotFoundError as error:
            raise ValueError(f"{self.path} is missing. Put it there.") from error
        except DAMAGE as error:
            raise ValueError(f"{self.path} is damaged at {what} ({error}). {self._remedy()}") from error

    def _remedy(self) -> str:
        return f"Put the original {self.path.name} in its place."


def _header(stream: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"unknown format version {version}")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    return dtype, shape, fortran


def _fits(dtype: np.dtype[Any], kind: str, sizes: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    if kind == "text":
        type_fits = dtype.kind == "U" and dtype.isnative and 0 < dtype.itemsize <= 4 * 64
    else:
        type_fits = dtype == np.dtype(kind)
    if not type_fits or len(sizes) != len(shape):
        return False
    return all(
        1 <= size <= 65_536 if expected is None else size == expected
        for size, expected in zip(sizes, shape, strict=True)
    )
