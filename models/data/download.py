"""Downloads a pinned file to the cache; broken connections are resumed.

A file is pinned by its compressed length and by the SHA-256 of its unpacked content (valid gzip
files of the same content differ in the time stamp of their header). A resumed download needs no
ETag, since the file is kept only if its content is correct. An incomplete file is called
`NAME.part` and is renamed atomically when it is complete.
"""

from __future__ import annotations

__all__ = ["DownloadError", "Remote", "fetch"]

import gzip
import hashlib
import http.client
import os
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from filelock import FileLock
from tqdm import tqdm

CHUNK = 1 << 16
TIMEOUT = 30.0  # seconds without data
ATTEMPTS = 5
PAUSE = 1.0  # seconds before the second attempt, doubled before each later one
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class DownloadError(ValueError):
    """A file cannot be downloaded; the message gives the reason and a remedy."""


class _BrokenError(Exception):
    """The connection failed after the server was reached; another attempt may succeed."""


class _UnreachableError(_BrokenError):
    """The server cannot be reached; another attempt may succeed if it was reached before."""


@dataclass(frozen=True)
class Remote:
    """A gzip file with known length and content."""

    name: str
    length: int  # bytes, compressed
    unpacked: int  # bytes, unpacked
    sha256: str  # of the unpacked bytes, in hexadecimal


def fetch(
    remote: Remote,
    mirror: str,
    folder: Path,
    *,
    hint: str = "",
    timeout: float = TIMEOUT,
    attempts: int = ATTEMPTS,
    pause: float = PAUSE,
    progress: bool = True,
) -> Path:
    """Downloads a file to `folder` unless it exists.

    An incomplete earlier download is resumed.

    Arguments:
        remote: The file to download.
        mirror: Address of the folder of the file, http or https.
        folder: Target folder; created if needed.
        hint: Another remedy to name if the download fails.
        timeout: Seconds without data after which a connection counts as broken.
        attempts: Number of connections to try; each resumes where the last one broke.
        pause: Seconds to wait before the second attempt, doubled before each later one.
        progress: Whether to show a progress bar.

    Returns:
        The path of the file.

    Raises:
        DownloadError: If the file cannot be downloaded, or has the wrong content. A wrong file is deleted,
            an incomplete one is kept for the next call.
    """
    target = folder / remote.name
    if target.is_file():
        return target
    address = mirror.rstrip("/") + "/" + remote.name
    if urlsplit(address).scheme not in ("http", "https"):
        raise DownloadError(f"`mirror` must be an http or https address. Got {mirror!r}.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):  # other threads and processes wait
            if not target.is_file():
                job = _Job(remote, address, folder / f"{remote.name}.part", timeout, progress)
                job.run(attempts, pause)
                os.replace(job.part, target)
    except DownloadError as error:
        otherwise = f"{hint}, or " if hint else ""
        raise DownloadError(f"{error} Try again later, {otherwise}place the file at {target}.") from error
    except OSError as error:  # of the disk; those of the network are handled above
        raise DownloadError(
            f"Could not write {remote.name} to {folder} ({error}). Free some space, make the folder "
            "writable, or set LATENT_CACHE_DIR to another folder."
        ) from error
    return target


@dataclass(frozen=True)
class _Job:
    """The download of one file."""

    remote: Remote
    address: str
    part: Path
    timeout: float
    progress: bool

    def run(self, attempts: int, pause: float) -> None:
        """Downloads the file to `part` and checks its content."""
        resumed = self._size() > 0
        self._complete(attempts, pause)
        problem = self._content_problem()
        if problem and resumed:  # the earlier part may have been of another file: start from zero
            self.part.unlink()
            self._complete(attempts, pause)
            problem = self._content_problem()
        if problem:
            self.part.unlink()
            raise DownloadError(f"{self.address} is not the expected file: {problem}. Removed it.")

    def _complete(self, attempts: int, pause: float) -> None:
        """Connects until `part` is complete."""
        for attempt in range(attempts):
            if self._size() == self.remote.length:
                return
            if attempt:
                time.sleep(pause * 2 ** (attempt - 1))
            try:
                self._connect()
                return
            except _BrokenError as error:
                reason = error
                if attempt == 0 and isinstance(error, _UnreachableError):
                    break  # offline: fail at once
        raise DownloadError(
            f"Could not download {self.remote.name} from {self.address} ({reason}); "
            f"{self._size()} of {self.remote.length} bytes are downloaded."
        )

    def _size(self) -> int:
        """Returns the number of downloaded bytes; deletes a part that is too long."""
        size = self.part.stat().st_size if self.part.is_file() else 0
        if size > self.remote.length:
            self.part.unlink()
            return 0
        return size

    def _connect(self) -> None:
        """Requests the missing bytes and appends them to `part`."""
        start = self._size()
        headers = {"User-Agent": "latent-explorer", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with self._opened(Request(self.address, headers=headers)) as response:
            start = self._start(response, start)
            with self.part.open("r+b" if start else "wb") as part:
                part.seek(start)
                part.truncate()
                missing = self._copy(response, part, start)
                part.flush()
                os.fsync(part.fileno())
        if missing < 0:
            self.part.unlink()
            raise DownloadError(
                f"{self.address} is not the expected file: it has more than "
                f"{self.remote.length} bytes. Removed it."
            )
        if missing > 0:
            raise _BrokenError("the connection was interrupted")

    @contextmanager
    def _opened(self, request: Request) -> Iterator[http.client.HTTPResponse]:
        try:
            response = urlopen(request, timeout=self.timeout)
        except HTTPError as error:
            error.close()
            if error.code == 416:  # the server has fewer bytes than `part`: start again
                self.part.unlink(missing_ok=True)
                raise _BrokenError("the server has fewer bytes than were downloaded") from error
            if error.code >= 500 or error.code in (408, 429):
                raise _BrokenError(f"HTTP {error.code} {error.reason}") from error
            raise DownloadError(
                f"{self.address} cannot be downloaded: HTTP {error.code} {error.reason}."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise _UnreachableError(str(getattr(error, "reason", error))) from error
        with response:
            yield response

    def _start(self, response: http.client.HTTPResponse, requested: int) -> int:
        """Returns the position in the file at which the response starts; checks its announced length."""
        start, total = 0, response.headers.get("Content-Length", "")
        if response.status == 206:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if not requested or not match or int(match[1]) != requested:
                self.part.unlink(missing_ok=True)
                raise _BrokenError("the server sent another range than requested")
            start, total = requested, match[3]
        elif response.status != 200:
            raise DownloadError(f"{self.address} answers with HTTP {response.status}.")
        if total.isdecimal() and int(total) != self.remote.length:
            self.part.unlink(missing_ok=True)
            raise DownloadError(
                f"{self.address} is not the expected file: it has {total} bytes instead of "
                f"{self.remote.length}."
            )
        return start

    def _copy(self, response: http.client.HTTPResponse, part: BinaryIO, start: int) -> int:
        """Copies the body, at most the length of the file.

        Returns:
            The number of missing bytes; negative if the body has too many.
        """
        missing = self.remote.length - start
        with tqdm(
            desc=self.remote.name,
            total=self.remote.length,
            initial=start,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            disable=not self.progress,
        ) as bar:
            while chunk := self._chunk(response, min(CHUNK, missing + 1)):
                if len(chunk) > missing:
                    return -1
                part.write(chunk)
                missing -= len(chunk)
                bar.update(len(chunk))
        return missing

    def _chunk(self, response: http.client.HTTPResponse, size: int) -> bytes:
        try:
            return response.read1(size)
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenError(str(error) or type(error).__name__) from error

    def _content_problem(self) -> str:
        """Returns what is wrong with the content of `part`; "" if it is correct."""
        digest, size = hashlib.sha256(), 0
        try:
            with gzip.open(self.part, "rb") as stream:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if size > self.remote.unpacked:
                        return f"it unpacks to more than {self.remote.unpacked} bytes"
                    digest.update(chunk)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            return f"it cannot be unpacked ({error})"
        if digest.hexdigest() != self.remote.sha256:
            return f"its SHA-256 is {digest.hexdigest()} instead of {self.remote.sha256}"
        return ""
