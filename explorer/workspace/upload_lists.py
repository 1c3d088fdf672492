"""Uploads of several pictures: loose files, a folder, or a zip archive.

Nothing is unpacked to disk, and reading stops at the size limit, whatever size the archive declares for a
member.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from explorer.workspace.uploads import BYTES_AT_MOST, read_picture, title_of
from models.data.apart import SECONDS
from models.data.locations import is_hidden
from models.data.pictures import KINDS
from models.system.zip_members import open_member

__all__ = ["ARCHIVE_MIB_AT_MOST", "PICTURES_AT_MOST", "gather"]

PICTURES_AT_MOST = 100
SECONDS_AT_MOST = 30.0  # for all pictures together
ARCHIVE_MIB_AT_MOST = 80  # packed
MEMBERS_AT_MOST = 2000  # of an archive
UNPACKED_AT_MOST = 128 << 20  # bytes of an archive
PICTURE = re.compile(rf".*[^/\\]\.({'|'.join(KINDS)})", re.IGNORECASE)
BROKEN = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError, ValueError)


def gather(
    files: Iterable[tuple[str, bytes]], shape: tuple[int, int, int]
) -> tuple[list[str], NDArray[np.uint8], list[str]]:
    """Reads the pictures in some files.

    Arguments:
        files: Name and contents of each.
        shape: Image shape of the model, (C, H, W).

    Returns:
        Titles (M), pictures uint8 (M, H, W, C), and a sentence for each file that was rejected.
    """
    titles: list[str] = []
    pictures: list[NDArray[np.uint8]] = []
    problems: list[str] = []
    began = time.monotonic()
    for name, data in _loose(files, problems):
        if len(pictures) >= PICTURES_AT_MOST:
            problems.append(
                f"Only the first {PICTURES_AT_MOST} pictures were read. Upload the others separately."
            )
            break
        left = SECONDS_AT_MOST - (time.monotonic() - began)
        if left <= 0:
            problems.append(
                f"After {SECONDS_AT_MOST:.0f} s of decoding, the pictures read are {len(pictures)}. Upload the others separately."
            )
            break
        try:
            pictures.append(read_picture(data, shape, min(SECONDS, left)))
            titles.append(title_of(name))
        except ValueError as error:
            problems.append(f"{name[-80:]}: {error}")
    channels, height, width = shape
    empty = np.empty((0, height, width, channels), np.uint8)
    return titles, np.stack(pictures) if pictures else empty, problems


def _loose(files: Iterable[tuple[str, bytes]], problems: list[str]) -> Iterator[tuple[str, bytes]]:
    """Name and contents of every picture, including those in archives."""
    for name, data in files:
        if is_hidden(name):  # for example in a folder
            continue
        if name.lower().endswith(".zip"):
            try:
                yield from _members(name, data)
            except BROKEN as error:
                problems.append(f"{name[-80:]}: The archive cannot be read: {str(error)[:160].rstrip('.')}.")
        else:
            yield name, data


def _members(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and contents of every picture in an archive.

    Raises:
        ValueError: If it is too large, or has no picture.
    """
    if len(data) > ARCHIVE_MIB_AT_MOST << 20:
        raise ValueError(f"it has {len(data) / 2**20:.1f} MiB; at most {ARCHIVE_MIB_AT_MOST} are allowed")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MEMBERS_AT_MOST:
            raise ValueError(f"it has {len(members)} files; at most {MEMBERS_AT_MOST} are allowed")
        wanted = [m for m in members if PICTURE.fullmatch(m.filename) and not is_hidden(m.filename)]
        if not wanted:
            raise ValueError(f"it contains no picture ({', '.join(KINDS)})")
        left = UNPACKED_AT_MOST
        for member in wanted:
            with open_member(archive, member) as file:
                held = file.read(min(BYTES_AT_MOST, left) + 1)
            left -= len(held)
            if left < 0:
                raise ValueError(f"unpacked it has more than {UNPACKED_AT_MOST >> 20} MiB")
            yield member.filename, held
