"""Downloads a pinned file to the cache, over broken connections too.

A file is pinned by its length on the wire and by the SHA-256 of what it unpacks to (not of the
gzip wrapper: good copies of one file differ in the time stamp of its header). So a resumed
download needs no ETag: whatever a server sends, the file is kept only if its content is right.
While under way it is called `NAME.part`; it takes its own name in one step when it is complete.
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
TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 5
PAUSE = 1.0  # seconds before the second attempt, doubled before each further one
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class DownloadError(ValueError):
    """A file can not be downloaded; the message says why and what to do."""


class _BrokenError(Exception):
    """The connection failed after the server was reached: trying again may help."""


class _UnreachableError(_BrokenError):
    """The server can not be reached: trying again may help once it has been."""


@dataclass(frozen=True)
class Remote:
    """A gzipped file that is known before it is downloaded."""

    name: str
    length: int  # bytes on the wire
    unpacked: int  # bytes after unpacking
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
    """Downloads a file into `folder` unless it is there already.

    A part that an earlier, broken download left is continued.

    Arguments:
        remote: What to download.
        mirror: Address of the folder it stands in, http or https.
        folder: Where to put it; made if needed.
        hint: What else a person can do when the download fails, added to the message.
        timeout: Seconds without a byte after which a connection counts as broken.
        attempts: How many connections to try, each going on where the last one broke.
        pause: Seconds to wait before the second attempt, doubled before each further one.
        progress: Whether to show a progress bar.

    Returns:
        The path of the file.

    Raises:
        DownloadError: If the file can not be had, or is not the one expected. What is wrong is
            removed; what is right so far is kept for the next call.
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
        raise DownloadError(
            f"{error} To go on: try again later, {otherwise}place the file at {target}."
        ) from error
    except OSError as error:  # of the disk: those of the network are turned above
        raise DownloadError(
            f"Could not write {remote.name} to {folder} ({error}). Make room or allow writing "
            "there, or set LATENT_CACHE_DIR to another folder."
        ) from error
    return target


@dataclass(frozen=True)
class _Job:
    """One file under way."""

    remote: Remote
    address: str
    part: Path
    timeout: float
    progress: bool

    def run(self, attempts: int, pause: float) -> None:
        """Leaves the whole, checked file in `part`."""
        resumed = self._kept() > 0
        self._complete(attempts, pause)
        wrong = self._wrong()
        if wrong and resumed:  # the old part may have been of another file: once more from zero
            self.part.unlink()
            self._complete(attempts, pause)
            wrong = self._wrong()
        if wrong:
            self.part.unlink()
            raise DownloadError(f"{self.address} is not the expected file: {wrong}. Removed it.")

    def _complete(self, attempts: int, pause: float) -> None:
        """Connects until `part` has its full length."""
        for attempt in range(attempts):
            if self._kept() == self.remote.length:
                return
            if attempt:
                time.sleep(pause * 2 ** (attempt - 1))
            try:
                self._connect()
                return
            except _BrokenError as error:
                reason = error
                if attempt == 0 and isinstance(error, _UnreachableError):
                    break  # offline: say so at once
        raise DownloadError(
            f"Could not download {self.remote.name} from {self.address} ({reason}); "
            f"{self._kept()} of {self.remote.length} bytes are here."
        )

    def _kept(self) -> int:
        """Bytes of the file that are here already; a part that is too long is removed."""
        size = self.part.stat().st_size if self.part.is_file() else 0
        if size > self.remote.length:
            self.part.unlink()
            return 0
        return size

    def _connect(self) -> None:
        """Asks for what is missing and appends it to `part`."""
        start = self._kept()
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
            raise _BrokenError("the connection broke off")

    @contextmanager
    def _opened(self, request: Request) -> Iterator[http.client.HTTPResponse]:
        try:
            response = urlopen(request, timeout=self.timeout)
        except HTTPError as error:
            error.close()
            if error.code == 416:  # the server has less than we have: start over
                self.part.unlink(missing_ok=True)
                raise _BrokenError("the server has less than is here") from error
            if error.code >= 500 or error.code in (408, 429):
                raise _BrokenError(f"HTTP {error.code} {error.reason}") from error
            raise DownloadError(
                f"{self.address} can not be downloaded: HTTP {error.code} {error.reason}."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise _UnreachableError(str(getattr(error, "reason", error))) from error
        with response:
            yield response

    def _start(self, response: http.client.HTTPResponse, asked: int) -> int:
        """Where in the file the answer's body begins; its announced length must fit."""
        start, total = 0, response.headers.get("Content-Length", "")
        if response.status == 206:
            found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if not asked or not found or int(found[1]) != asked:
                self.part.unlink(missing_ok=True)
                raise _BrokenError("the server sent another range than asked for")
            start, total = asked, found[3]
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
        """Copies the body, never more than the file's length.

        Returns:
            How many bytes are missing then; less than 0 if the body has too many.
        """
        left = self.remote.length - start
        with tqdm(
            desc=self.remote.name,
            total=self.remote.length,
            initial=start,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            disable=not self.progress,
        ) as bar:
            while chunk := self._chunk(response, min(CHUNK, left + 1)):
                if len(chunk) > left:
                    return -1
                part.write(chunk)
                left -= len(chunk)
                bar.update(len(chunk))
        return left

    def _chunk(self, response: http.client.HTTPResponse, size: int) -> bytes:
        try:
            return response.read1(size)
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenError(str(error) or type(error).__name__) from error

    def _wrong(self) -> str:
        """What is wrong with the content of `part`; nothing if it is right."""
        digest, size = hashlib.sha256(), 0
        try:
            with gzip.open(self.part, "rb") as stream:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if size > self.remote.unpacked:
                        return f"it unpacks to more than {self.remote.unpacked} bytes"
                    digest.update(chunk)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            return f"it can not be unpacked ({error})"
        if digest.hexdigest() != self.remote.sha256:
            return f"its SHA-256 is {digest.hexdigest()} instead of {self.remote.sha256}"
        return ""
