"""Reads arrays from an NPZ file that is not trusted: headers are checked before any value is read.

`numpy.load` reserves what a header asks for, and reads a large array as a whole. Here a member's
type and shape are compared with what the data set must have first, and a stack of images can be
read in blocks, so that only the images that are wanted are ever held. Nothing is unpickled.
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

CHUNK = 1 << 20
DAMAGE = (  # what zipfile and numpy raise on files that are not what they should be
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
    """An open NPZ file; use it in a `with` statement.

    Arguments:
        path: The file.

    Raises:
        ValueError: If the file is missing or no NPZ; as do all its methods, naming the file, if an
            array is missing, of another type or shape, or damaged.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file."""
        self.path = path
        with self._naming("the file"):
            self._archive = zipfile.ZipFile(path)

    def __enter__(self) -> Self:
        """The reader itself."""
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
        """Reads an array as a whole.

        Arguments:
            name: Its name in the file.
            dtype: Type it must have, such as "uint8"; "text" is any fixed-width text up to 64
                characters.
            shape: Shape it must have; None stands for any size from 1 to 65,536.
        """
        with self._open(name, dtype, shape) as (stream, found, sizes):
            values = self._read(stream, name, found, sizes)
            self._end(stream, name)
        return values

    def blocks(
        self, name: str, shape: tuple[int, ...], rows: int
    ) -> Generator[NDArray[np.uint8], None, None]:
        """Reads a uint8 array of exactly `shape` in blocks of `rows` rows, the last one shorter.

        Close the generator where it is left before its end.
        """
        with self._open(name, "uint8", shape) as (stream, found, _):
            for start in range(0, shape[0], rows):
                count = min(rows, shape[0] - start)
                yield self._read(stream, name, found, (count, *shape[1:]))
            self._end(stream, name)

    @contextmanager
    def _open(
        self, name: str, dtype: str, shape: tuple[int | None, ...]
    ) -> Iterator[tuple[IO[bytes], np.dtype[Any], tuple[int, ...]]]:
        """A member's stream behind its header, with its type and shape, both checked."""
        if f"{name}.npy" not in self._archive.namelist():
            raise ValueError(f"{self.path} must hold an array {name!r}. {self._remedy()}")
        with self._naming(name):
            stream = self._archive.open(f"{name}.npy")
        with stream:
            with self._naming(name):
                found, sizes, fortran = _header(stream)
            if not _fits(found, dtype, sizes, shape) or fortran:
                wanted = tuple("any" if size is None else size for size in shape)
                raise ValueError(
                    f"{self.path}: {name!r} must be {dtype} of shape {wanted}, in C order. "
                    f"Got {found} of shape {sizes}. {self._remedy()}"
                )
            yield stream, found, sizes

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
        """Turns what a damaged file may raise into an error that names the file."""
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
        right = dtype.kind == "U" and dtype.isnative and 0 < dtype.itemsize <= 4 * 64
    else:
        right = dtype == np.dtype(kind)
    return (
        right
        and len(sizes) == len(shape)
        and all(
            1 <= size <= 65_536 if want is None else size == want
            for size, want in zip(sizes, shape, strict=True)
        )
    )
