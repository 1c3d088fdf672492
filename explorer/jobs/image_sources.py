"""The user's opened images: the job that reads them, and the choices made for them on the page.

They belong to the server, not to a page: a reload of the page keeps them with every choice.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from explorer.jobs.image_reading import ImageSummary, ReadRequest, read_images
from explorer.jobs.runner import Job, start
from models.data.locations import cache_folder
from models.system.files import replace_file

__all__ = ["UPLOAD_MIB", "ImageSource", "at_start", "keep_upload", "open_at_start", "opened"]

UPLOAD_MIB = 1024  # size of an uploaded file; the server's own limit may be lower
UPLOADED = (".zip", ".parquet", ".tar", ".npy", ".npz")  # allowed extensions
NAME_LENGTH = 100  # characters of an uploaded file's name

KEPT = 8  # sources that the server remembers; each has a few MiB of thumbnails

_sources: OrderedDict[tuple[str, str], ImageSource] = OrderedDict()
_guard = threading.Lock()
_at_start: list[tuple[str, str]] = []  # path and labels named on the command line


class ImageSource:
    """Images at a path, as far as known. Thread-safe to read."""

    def __init__(self, path: str, labels: str) -> None:
        """Starts reading.

        Arguments:
            path: Folder or file with the images.
            labels: Path of a table of labels; "" for none.
        """
        self.path, self.labels = path, labels
        self.choices: dict[str, Any] = {}  # choices that differ from the proposal, by name
        self.encoding: Job | None = None  # encoding by an existing checkpoint
        self._job = self._start()
        self._summary: tuple[dict[str, Any], ImageSummary] | None = None

    @property
    def running(self) -> bool:
        """Whether the images are being read."""
        return self._job.running

    @property
    def share(self) -> float:
        """Fraction read, 0 to 1."""
        return self._job.share

    @property
    def what(self) -> str:
        """Current step of reading, as text."""
        return self._job.what

    @property
    def error(self) -> str | None:
        """Why reading failed."""
        return None if self._job.running else self._job.error

    @property
    def summary(self) -> ImageSummary | None:
        """What is known so far; None before the first thumbnails."""
        message = self._job.result or self._job.partial
        if message is None:
            return None
        if self._summary is None or self._summary[0] is not message:
            self._summary = (message, ImageSummary.from_message(message))
        return self._summary[1]

    def cancel(self) -> None:
        """Stops reading."""
        self._job.cancel()

    def retry(self) -> None:
        """Reads again if the last attempt failed or was cancelled."""
        if self.error is not None:
            self.read_again()

    def read_again(self) -> None:
        """Reads again, for example after files were added; choices are kept."""
        self._job.cancel()
        self._job = self._start()

    def _start(self) -> Job:
        return start(read_images, ReadRequest(self.path, self.labels))


def opened(path: str, labels: str = "") -> ImageSource:
    """The images at a path; the first call starts reading."""
    with _guard:
        source = _sources.get((path, labels))
        if source is None:
            source = _sources[path, labels] = ImageSource(path, labels)
        _sources.move_to_end((path, labels))
        while len(_sources) > KEPT:
            _sources.popitem(last=False)[1].cancel()
        return source


def open_at_start(path: str, labels: str) -> None:
    """Opens the images named on the command line, so that reading starts before the page is opened."""
    opened(path, labels)
    _at_start[:] = [(path, labels)]


def at_start() -> tuple[str, str] | None:
    """The path and the labels named on the command line, or None."""
    return _at_start[0] if _at_start else None


def keep_upload(name: str, data: bytes) -> Path:
    """Stores an uploaded file in the cache folder under its name; an identical file is stored once.

    Raises:
        ValueError: If the file type is not supported.
        StorageError: If it cannot be written.
    """
    name = PurePosixPath(PureWindowsPath(name).name).name
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in UPLOADED:
        raise ValueError(
            f"An upload must be one of: {', '.join(UPLOADED)}. Got {name[:80]!r}. Pack a folder as a zip, or "
            "type its path."
        )
    stem = "".join(letter if letter.isprintable() else "_" for letter in name[: -len(suffix)])[-NAME_LENGTH:]
    folder = cache_folder() / "uploads" / hashlib.sha256(data).hexdigest()[:16]
    path = folder / f"{stem.strip(' .') or 'images'}{suffix}"
    if not path.is_file():
        replace_file(path, lambda temporary: temporary.write_bytes(data))
    return path
