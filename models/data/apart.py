"""Opens a picture whose decoding may take long in a process of its own, which is ended in time.

A decoder cannot be interrupted, and the work that a file asks for cannot be told from its size. Of nearly all pictures it
is small, and those are opened in this process.
"""

from __future__ import annotations

__all__ = ["SECONDS", "open_apart"]

import io
import json
import subprocess
import sys
import warnings
from dataclasses import asdict
from typing import Any

from PIL import Image

from models.data.pictures import FORMATS, SCAN, STRICT, PictureError, Reading, open_picture
from models.system.child import start_python
from models.system.priority import lower_priority
from models.system.settings import job_niceness

SECONDS = 10.0  # that a picture may take
HERE = 25_000_000  # pixels times scans up to which it is decoded in this process, within a second
MEMORY = 2 << 30  # bytes of address space of the other process
START = "from models.data.apart import main; raise SystemExit(main())"


def open_apart(data: bytes, reading: Reading = STRICT, seconds: float = SECONDS) -> Image.Image:
    """Opens a picture file as `open_picture` does.

    Arguments:
        data: The file's bytes, untrusted.
        reading: Treatment of transparency and animations.
        seconds: How long it may take.

    Raises:
        PictureError: As `open_picture` does, or if it takes too long or too much memory.
    """
    if _work(data) <= HERE:
        return open_picture(data, reading)
    with start_python(START, stderr=subprocess.DEVNULL) as process:
        lower_priority(process.pid, job_niceness())
        try:
            result, _ = process.communicate(json.dumps(asdict(reading)).encode() + b"\n" + data, seconds)
        except subprocess.TimeoutExpired as error:
            raise PictureError(
                f"The picture takes more than {seconds:.0f} s to decode. Save it again as a PNG, or smaller."
            ) from error
        finally:
            process.kill()
    head, _, pixels = result.partition(b"\n")
    if process.returncode or not head:
        raise PictureError("The picture takes too much memory to decode. Save it smaller.")
    about: dict[str, Any] = json.loads(head)
    if "error" in about:
        raise PictureError(about["error"])
    return Image.frombytes(about["mode"], tuple(about["size"]), pixels)


def _work(data: bytes) -> int:
    """The pixels of a picture times the scans that a decoder applies to them; 0 if it cannot be opened."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as file:
                scans = data.count(SCAN) if file.format in ("JPEG", "MPO") else 1
                return file.width * file.height * max(1, scans)
    except Exception:  # `open_picture` says what is wrong
        return 0


def main() -> int:
    """Opens the picture on standard input; writes its mode and size, and its pixels, or why it cannot be opened."""
    _limit_memory()
    options = json.loads(sys.stdin.buffer.readline())
    try:
        image = open_picture(sys.stdin.buffer.read(), Reading(**options))
    except PictureError as error:
        sys.stdout.buffer.write(json.dumps({"error": str(error)}).encode() + b"\n")
        return 0
    sys.stdout.buffer.write(json.dumps({"mode": image.mode, "size": image.size}).encode() + b"\n")
    sys.stdout.buffer.write(image.tobytes())
    return 0


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
