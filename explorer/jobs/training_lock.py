"""The lock that lets one training run at a time in a folder of runs, whichever server has started it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from models.data.locations import printable
from models.system.files import StorageError, make_folder

__all__ = ["LOCK", "TrainingBusy", "TrainingLock"]

LOCK = ".training.lock"
NAME_BYTES = 64


class TrainingBusy(ValueError):
    """Another training is going on."""


class TrainingLock:
    """A lock that is held. Where the system allows, the processes that inherit it hold it too, until the last has ended.

    Arguments:
        root: The folder of runs.
        name: Of the run, for the message of those who find the lock taken.

    Raises:
        TrainingBusy: If another training holds it, here or in another server.
        StorageError: If the folder of runs cannot be written.
    """

    def __init__(self, root: Path, name: str) -> None:
        make_folder(root)
        try:
            self._release, self.keep_open = _locked(root / LOCK, name)
        except OSError as error:
            raise StorageError(
                f"{printable(root)} cannot be written: {error.strerror}. Change its permissions, or set "
                "LATENT_CHECKPOINT_DIR to a folder that can be written."
            ) from error

    def release(self) -> None:
        """Releases it; processes that have inherited it still hold it."""
        self._release()


def _locked(path: Path, name: str) -> tuple[Callable[[], None], tuple[int, ...]]:
    """What releases the lock, and the file descriptors through which a child process inherits it."""
    try:
        fcntl: Any = importlib.import_module("fcntl")
    except ImportError:  # on Windows, where a lock belongs to one process
        return _locked_alone(path)
    place = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        busy = os.pread(place, NAME_BYTES, 0).decode(errors="replace") or "another run"
        os.close(place)
        raise _busy(busy) from error
    os.ftruncate(place, 0)
    os.pwrite(place, name.encode(), 0)
    return lambda: os.close(place), (place,)


def _locked_alone(path: Path) -> tuple[Callable[[], None], tuple[int, ...]]:
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise _busy("Another run") from error
    return lock.release, ()


def _busy(name: str) -> TrainingBusy:
    return TrainingBusy(f"{name} is being trained. Wait until it has ended, or cancel it.")
