"""Writes files atomically, with the permissions of the umask and errors that name a remedy."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from models.system.settings import cache_folder, cache_name, cache_problem

__all__ = ["StorageError", "make_folder", "remove_file", "replace_file", "replaced"]

FULL = (errno.ENOSPC, errno.EDQUOT)


class StorageError(OSError, ValueError):
    """A file or folder cannot be written; the message gives the reason and a remedy."""


def make_folder(path: Path) -> None:
    """Creates a folder and its parents unless it exists.

    Raises:
        StorageError: If it cannot be created.
    """
    with _explained(path):
        path.mkdir(parents=True, exist_ok=True)


def replace_file(path: Path, fill: Callable[[Path], Any]) -> None:
    """Writes a file beside `path` with `fill`, then moves it into place atomically.

    A reader sees the old file or the new one, never a partial one, even if the writer is killed. A link is
    followed; a device such as /dev/stdout is written directly.

    Arguments:
        path: The file; its folder is created if needed.
        fill: Function that writes to the given path.

    Raises:
        StorageError: If the file cannot be written.
    """
    with _explained(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            fill(path)
            return
        with replaced(path) as temporary:
            fill(temporary)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yields an empty file beside `path` to write to, and moves it into place if the body succeeds.

    Raises:
        StorageError: If the file cannot be written.
    """
    with _explained(path):
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        # `tempfile` always sets the permissions 0600; here the umask applies.
        os.close(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        )
        try:
            yield temporary
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def remove_file(path: Path) -> None:
    """Deletes a file if it exists.

    Raises:
        StorageError: If it cannot be deleted.
    """
    with _explained(path, "deleted"):
        path.unlink(missing_ok=True)


@contextmanager
def _explained(path: Path, verb: str = "written") -> Iterator[None]:
    """Turns an OSError into a StorageError with a reason and a remedy."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error) or type(error).__name__).rstrip(".").lower()
        cached = path.is_relative_to(cache_folder())
        if cached and (problem := cache_problem()):
            raise StorageError(problem) from error
        target = f"The cache folder {cache_name()}" if cached else str(path)
        alternative = "set LATENT_CACHE_DIR to a folder" if cached else "choose a place"
        if error.errno in FULL:
            remedy = f"Free some space, or {alternative} on another disk."
        else:
            remedy = f"Change its permissions, or {alternative} that can be written."
        raise StorageError(f"{target} cannot be {verb}: {reason}. {remedy}") from error
