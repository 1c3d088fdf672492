"""Unpacks files that cannot be read in place, such as a Parquet file in a zip, to the cache folder; bounded."""

from __future__ import annotations

__all__ = ["check_disk", "unpack_members", "unpack_stream"]

import bz2
import gzip
import lzma
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from models.data.locations import cache_folder
from models.data.own.records import shown
from models.data.own.trees import DAMAGE, EXPANSION_AT_MOST, LARGE, File, digest, size_of, stamp, why
from models.system.files import StorageError, make_folder
from models.system.zip_members import open_member

CHUNK = 1 << 20
SPARE = 1 << 28  # bytes to leave free on the disk
OPENERS: dict[str, Any] = {"gz": gzip.open, "tgz": gzip.open, "bz2": bz2.open, "xz": lzma.open}


def check_disk(needed: int, what: str) -> None:
    """Raises StorageError if the disk of the cache folder has too little free space.

    Arguments:
        needed: Space needed, in bytes.
        what: What needs the space, such as "The decoded pictures".
    """
    folder = cache_folder()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise StorageError(
            f"The cache folder {cache_folder()} cannot be written: {why(error)}. "
            "Set LATENT_CACHE_DIR to a folder that can be written."
        ) from error
    if free < needed + SPARE:
        raise StorageError(
            f"{what} need {_megabytes(needed)}, and {cache_folder()} has {_megabytes(free)} left. Free some space, "
            "choose a smaller size, or set LATENT_CACHE_DIR to a folder on another disk."
        )


def unpack_members(path: Path, files: Sequence[File]) -> Path:
    """Unpacks members of a zip, once.

    Arguments:
        path: The zip.
        files: Its members, from `Zip.listing`.

    Returns:
        The folder in the cache that holds them, under the last parts of their names.

    Raises:
        ValueError: If a member is damaged or larger than declared.
        StorageError: If the disk is full or cannot be written.
    """

    def fill(folder: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            for file in files:
                target = folder / file.name.rpartition("/")[2]
                if target.exists():
                    raise ValueError(f"two files are called {shown(target.name)}")
                with open_member(archive, archive.infolist()[file.place]) as stream:
                    _copy(stream, target, file.size)

    return _unpacked(path, "-".join(file.name for file in files), sum(file.size for file in files), fill)


def unpack_stream(path: Path) -> Path:
    """Decompresses a .tar.gz, .tgz, .tar.bz2 or .tar.xz, once; returns the tar in the cache.

    Raises:
        ValueError: If it is damaged, or unpacks to far more than its size.
        StorageError: If the disk is full or cannot be written.
    """
    most = max(LARGE, EXPANSION_AT_MOST * size_of(path))
    opener = OPENERS[path.name.rpartition(".")[2].lower()]

    def fill(folder: Path) -> None:
        with opener(path) as stream:
            _copy(stream, folder / "unpacked.tar", most)

    return _unpacked(path, "stream", 4 * size_of(path), fill) / "unpacked.tar"


def _unpacked(path: Path, what: str, needed: int, fill: Callable[[Path], None]) -> Path:
    """Returns a folder in the cache that `fill` fills once, atomically."""
    folder = cache_folder() / "own" / f"unpacked-{digest([(stamp(path), what)])}"
    if folder.is_dir():
        return folder
    check_disk(needed, f"The files in {shown(path.name)}")
    make_folder(folder.parent)
    staging = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        make_folder(staging)
        fill(staging)
        staging.rename(folder)
    except StorageError:
        raise
    except DAMAGE as error:
        if folder.is_dir():
            return folder  # another process was faster
        raise ValueError(f"{shown(str(path))} is damaged: {str(error)[:120]}. Save it again.") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _copy(stream: IO[bytes], target: Path, most: int) -> None:
    done = 0
    try:
        with target.open("xb") as out:
            while chunk := stream.read(CHUNK):
                done += len(chunk)
                if done > most:
                    raise ValueError(f"it unpacks to more than {_megabytes(most)}")
                out.write(chunk)
    except OSError as error:
        if error.errno is None or isinstance(error, gzip.BadGzipFile):
            raise
        raise StorageError(
            f"The cache folder {cache_folder()} cannot be written: {why(error)}. Free some space, or set "
            "LATENT_CACHE_DIR to a folder on another disk."
        ) from error


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"
