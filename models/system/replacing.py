"""Replacing a checkpoint's folder: the new one is filled beside it, then takes its place at one stroke."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Collection
from pathlib import Path

__all__ = ["recover", "replace_folder", "staging_folder"]

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of renameat2, Linux
UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}  # kernels and file systems that cannot exchange


def staging_folder(folder: Path) -> Path:
    """Where the successor of a checkpoint's folder is filled: a hidden folder beside it."""
    folder = folder.resolve()
    return folder.parent / f".{folder.name}.new"


def replace_folder(folder: Path, new: Path, dropped: Collection[str]) -> None:
    """Puts `new` in the place of `folder` and deletes the old content.

    Arguments:
        folder: The folder to replace.
        new: Its successor, on the same file system.
        dropped: Names that end with the old folder. Everything else, such as notes, is carried over.

    Raises:
        OSError: If the folders cannot be exchanged; then `folder` is as it was.
    """
    folder = folder.resolve()
    for path in folder.iterdir():
        if path.name not in dropped and not path.name.startswith(tuple(f".{name}." for name in dropped)):
            _carry(path, new / path.name)
    _exchange(new, folder)
    shutil.rmtree(new, ignore_errors=True)  # the old content by now


def recover(folder: Path) -> None:
    """Brings back a folder whose replacement was killed half-way, where renames had to stand in for an exchange."""
    aside = _aside(folder)
    if aside.is_dir() and not folder.exists():
        aside.rename(folder)


def _carry(path: Path, to: Path) -> None:
    """Links a file into the new folder, or copies it where links are not possible; folders with all they hold."""
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
    """Swaps two folders: at one stroke where the system can, by three renames elsewhere."""
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
    """Swaps two folders with Linux's renameat2; False where it is not there."""
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
