"""Replaces the folder of a checkpoint: the new one is prepared beside it, then exchanged with it atomically."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Collection
from pathlib import Path

__all__ = ["recover", "replace_folder", "staging_folder"]

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # arguments of renameat2 (Linux)
UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}  # kernels and file systems that cannot exchange


def staging_folder(folder: Path) -> Path:
    """Returns the hidden folder beside a checkpoint's folder in which its successor is prepared."""
    folder = folder.resolve()
    return folder.parent / f".{folder.name}.new"


def replace_folder(folder: Path, new: Path, dropped: Collection[str]) -> None:
    """Replaces `folder` by `new` and deletes the old content.

    Arguments:
        folder: The folder to replace.
        new: Its successor, on the same file system.
        dropped: Names of files that are deleted with the old folder. All other files, such as notes, are kept.

    Raises:
        OSError: If the folders cannot be exchanged; then `folder` is not changed.
    """
    folder = folder.resolve()
    for path in folder.iterdir():
        if path.name not in dropped and not path.name.startswith(tuple(f".{name}." for name in dropped)):
            _carry(path, new / path.name)
    _exchange(new, folder)
    shutil.rmtree(new, ignore_errors=True)  # now holds the old content


def recover(folder: Path) -> None:
    """Restores a folder whose replacement by renames was interrupted."""
    aside = _aside(folder)
    if aside.is_dir() and not folder.exists():
        aside.rename(folder)


def _carry(path: Path, to: Path) -> None:
    """Links a file to the new folder, or copies it if links are not supported; folders recursively."""
    if os.path.lexists(to):
        return
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, to, symlinks=True, copy_function=_link)
    else:
        _link(path, to)


def _link(path: str | Path, to: str | Path) -> None:
    try:
        os.link(path, to, follow_symlinks=False)
    except OSError:
        shutil.copy2(path, to, follow_symlinks=False)


def _exchange(one: Path, other: Path) -> None:
    """Exchanges two folders: atomically if the system can, else by three renames."""
    if _exchanged(one, other):
        return
    aside = _aside(other)
    other.rename(aside)
    try:
        one.rename(other)
    except OSError:
        aside.rename(other)
        raise
    aside.rename(one)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchanges two folders with Linux's renameat2; returns False if it is not available."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _aside(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.old"
