"""Trees of files: a folder, a zip or a tar. Nothing is unpacked; unsafe names and sizes are refused."""

from __future__ import annotations

__all__ = ["FILES_AT_MOST", "File", "Folder", "Listing", "Tar", "Tree", "Zip", "is_inside", "size_of"]

import hashlib
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from models.data.locations import is_hidden
from models.data.own.records import Refused, shown
from models.data.pictures import FILE_AT_MOST, PictureError
from models.system.zip_members import METHODS, open_member

FILES_AT_MOST = 1_000_000
DEPTH_AT_MOST = 40  # nested folders
EXPANSION_AT_MOST = 100  # largest ratio of unpacked to packed size of an archive that unpacks to over `LARGE`
LARGE = 1 << 30  # bytes
DAMAGE = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    RuntimeError,
    NotImplementedError,
    EOFError,
    tarfile.TarError,
    ValueError,
)  # what the readers of archives raise
OUTSIDE = "It lies outside the folder. Copy it into the folder."


@dataclass(frozen=True)
class File:
    """A file of a tree."""

    name: str  # path inside the tree, with "/"; bytes that are not UTF-8 are surrogates
    size: int  # bytes
    place: int = 0  # index in a zip, offset in a tar
    stamp: int = 0  # time of the last change, ns


@dataclass
class Listing:
    """The files of a tree, without hidden ones."""

    files: list[File] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def add(self, file: File) -> None:
        """Adds a file.

        Raises:
            ValueError: If there are too many files.
        """
        if len(self.files) >= FILES_AT_MOST:
            raise ValueError(f"At most {FILES_AT_MOST:,} files are read. Open fewer of them.")
        self.files.append(file)

    def refuse(self, name: str, reason: str) -> None:
        """Adds a file that is not used."""
        self.refused.append(Refused(shown(name), reason))


class Tree(Protocol):
    """Files by name."""

    kind: str
    path: Path

    def listing(self) -> Listing:
        """Lists the files, sorted by name."""

    def fingerprint(self, listing: Listing) -> str:
        """Computes a hash that changes with the files."""

    def read(self, file: File, most: int = FILE_AT_MOST) -> bytes:
        """Reads the first `most` bytes of a file.

        Raises:
            PictureError: If it cannot be read.
        """


class Folder:
    """A folder of files; links that lead outside, and links to folders, are not followed.

    Arguments:
        path: The folder.
        members: Files and folders in it to read; () for all.
    """

    kind = "folder"

    def __init__(self, path: Path, members: Sequence[str] = ()) -> None:
        self.path = path.resolve()
        self.members = members

    def listing(self) -> Listing:
        """Its files, sorted by name.

        Raises:
            ValueError: If the folder cannot be read, or has too many files.
        """
        found = Listing()
        waiting = [("", 0)] if not self.members else []
        for member in self.members:
            if (self.path / member).is_dir():
                waiting.append((f"{member}/", 0))
            else:
                self._add(found, self.path / member, member)
        while waiting:
            inside, depth = waiting.pop()
            try:
                with os.scandir(self.path / inside) as entries:
                    here = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                reason = f"The folder cannot be read: {why(error)}. Change its permissions."
                if not inside:
                    raise ValueError(f"{shown(str(self.path))}: {reason}") from error
                found.refuse(inside.rstrip("/"), reason)
                continue
            for entry in here:
                name = f"{inside}{entry.name}"
                if is_hidden(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if depth >= DEPTH_AT_MOST:
                        found.refuse(name, f"It is more than {DEPTH_AT_MOST} folders deep. Move it up.")
                    else:
                        waiting.append((f"{name}/", depth + 1))
                else:
                    self._add(found, entry, name)
        found.files.sort(key=lambda file: file.name)
        return found

    def _add(self, found: Listing, entry: os.DirEntry[str] | Path, name: str) -> None:
        try:
            if entry.is_symlink() and (reason := self._bad_link(name)):
                return found.refuse(name, reason)
            about = entry.stat()
        except OSError as error:
            return found.refuse(name, f"The file cannot be read: {why(error)}.")
        if not stat.S_ISREG(about.st_mode):
            return found.refuse(name, "It is not a file.")
        return found.add(File(name, about.st_size, stamp=about.st_mtime_ns))

    def _bad_link(self, name: str) -> str:
        """Returns why a link is not followed; "" if it leads to a file in the folder."""
        target = Path(os.path.realpath(self.path / name))
        if not target.exists():
            return "The link points to nothing. Remove it."
        if target.is_dir():
            return "Links to folders are not followed. Copy the folder here."
        return "" if target.is_relative_to(self.path) else OUTSIDE

    def fingerprint(self, listing: Listing) -> str:
        return digest((file.name, file.size, file.stamp) for file in listing.files)

    def read(self, file: File, most: int = FILE_AT_MOST) -> bytes:
        try:
            with open(f"{self.path}/{file.name}", "rb", buffering=0) as stream:
                return stream.read(min(most, file.size))
        except OSError as error:
            raise PictureError(f"The file cannot be read: {why(error)}.") from error


class Zip:
    """The files of a zip, read in place."""

    kind = "zip"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: zipfile.ZipFile | None = None

    def listing(self) -> Listing:
        """Its files, sorted by name.

        Raises:
            ValueError: If it is not a zip, or unpacks to far more than its size.
        """
        found = Listing()
        for place, info in enumerate(self._archive().infolist()):
            name = info.filename.replace("\\", "/")
            if info.is_dir() or is_hidden(name):
                continue
            if stat.S_ISLNK(info.external_attr >> 16) or not is_inside(name):
                found.refuse(name, OUTSIDE)
            elif info.compress_type not in METHODS:
                found.refuse(
                    name, "It is compressed by another method than deflate. Save the zip with the usual one."
                )
            elif info.flag_bits & 1:
                found.refuse(name, "It is protected by a password. Save the zip without one.")
            else:
                found.add(File(name, info.file_size, place))
        check_expansion(self.path, found.files)
        found.files.sort(key=lambda file: file.name)
        return found

    def fingerprint(self, listing: Listing) -> str:
        return stamp(self.path)

    def read(self, file: File, most: int = FILE_AT_MOST) -> bytes:
        archive = self._archive()
        try:
            with open_member(archive, archive.infolist()[file.place]) as stream:
                return bytes(stream.read(most))
        except DAMAGE as error:
            raise PictureError(
                f"The zip is damaged at this file: {str(error)[:80]}. Save it again."
            ) from error

    def _archive(self) -> zipfile.ZipFile:
        if self._open is None:
            try:
                self._open = zipfile.ZipFile(self.path)
            except FileNotFoundError as error:
                raise ValueError(f"{shown(str(self.path))} does not exist.") from error
            except DAMAGE as error:
                raise ValueError(
                    f"{shown(str(self.path))} is not a zip, or damaged ({str(error)[:80]}). Save it again."
                ) from error
        return self._open


class Tar:
    """The files of an uncompressed tar, read in place."""

    kind = "tar"

    def __init__(self, path: Path) -> None:
        self.path = path

    def listing(self) -> Listing:
        """Lists the files, in their order.

        Raises:
            ValueError: If it is not a tar.
        """
        found, end = Listing(), size_of(self.path)
        try:
            with tarfile.open(self.path, "r:") as archive:
                while (member := archive.next()) is not None:
                    archive.members = []  # type: ignore[attr-defined]  # else all of them stay in memory
                    name = member.name.removeprefix("./")
                    if member.isdir() or is_hidden(name):
                        continue
                    if not member.isreg() or member.issparse() or not is_inside(name):
                        found.refuse(
                            name, OUTSIDE if member.issym() or member.islnk() else "It is not a regular file."
                        )
                    elif member.offset_data + member.size > end:
                        found.refuse(name, "The tar ends in the middle of this file. Copy the tar again.")
                    else:
                        found.add(File(name, member.size, member.offset_data))
        except DAMAGE as error:
            if not found.files:
                raise ValueError(
                    f"{shown(str(self.path))} is not a tar, or damaged ({str(error)[:80]}). Save it again."
                ) from error
            found.refuse(self.path.name, "The tar is damaged after the files that were read. Copy it again.")
        return found

    def fingerprint(self, listing: Listing) -> str:
        return stamp(self.path)

    def read(self, file: File, most: int = FILE_AT_MOST) -> bytes:
        try:
            with self.path.open("rb") as stream:
                stream.seek(file.place)
                return stream.read(min(most, file.size))
        except OSError as error:
            raise PictureError(f"The tar cannot be read: {why(error)}.") from error


def is_inside(name: str) -> bool:
    """Whether a name of an archive stays inside it."""
    return not name.startswith("/") and ".." not in name.split("/") and name[1:2] != ":"


def check_expansion(path: Path, files: Iterable[File]) -> None:
    """Raises ValueError if an archive declares to unpack to far more than its size (a zip bomb)."""
    total, own = sum(file.size for file in files), size_of(path)
    if total > LARGE and total > EXPANSION_AT_MOST * own:
        raise ValueError(
            f"{shown(str(path))} has {own:,} bytes and would unpack to {total:,}, more than {EXPANSION_AT_MOST} times "
            "as much; a collection of pictures does not. Open the folder that it was made from."
        )


def size_of(path: Path) -> int:
    """Returns the size of a file in bytes.

    Raises:
        ValueError: If it cannot be read.
    """
    try:
        return path.stat().st_size
    except OSError as error:
        raise ValueError(f"{shown(str(path))} cannot be read: {why(error)}.") from error


def stamp(*paths: Path) -> str:
    """Hashes the sizes and modification times of files."""
    return digest((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths)


def digest(facts: Iterable[tuple[Any, ...]] | Iterator[tuple[Any, ...]]) -> str:
    """Hashes tuples to 32 hexadecimal digits."""
    running = hashlib.blake2b(digest_size=16)
    for fact in facts:
        running.update(repr(fact).encode("utf-8", "surrogateescape"))
    return running.hexdigest()


def why(error: OSError) -> str:
    """Returns the reason of a system error, in lower case."""
    return (error.strerror or str(error)).rstrip(".").lower()
