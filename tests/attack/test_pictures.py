"""Small files that a decoder would need minutes or gigabytes for: refused, or read, within a second."""

from __future__ import annotations

import io
import resource
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from models.data.pictures import PictureError, Reading, open_picture, read_header

PAGES, SCANS, ROWS = 60_000, 400, 50_000_000
SECONDS, MEMORY = 3.0, 200 << 10  # KiB beside what the process has


def many_pages() -> bytes:
    """A TIFF with one strip that all pages share."""
    entries = [(256, 4), (257, 4), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 4), (279, 16)]
    head = struct.pack("<2sHI", b"II", 42, 24) + bytes(range(16))
    pages = []
    for page in range(PAGES):
        at = 24 + page * (2 + 12 * len(entries) + 4)
        following = at + 2 + 12 * len(entries) + 4 if page < PAGES - 1 else 0
        fields = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
        pages.append(struct.pack("<H", len(entries)) + fields + struct.pack("<I", following))
    return head + b"".join(pages)


def many_scans() -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((2000, 2000), np.uint8)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:end] + data[last:end] * SCANS + data[end:]


def one_column() -> bytes:
    """The start of a PNG, one pixel wide."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 1, ROWS, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000)))


@pytest.mark.parametrize(
    ("make", "reason"),
    [(many_pages, "several pages"), (many_scans, "64 scans"), (one_column, "65,535 a side")],
)
def test_work_is_bounded_before_it_is_done(make: Callable[[], bytes], reason: str) -> None:
    data = make()
    assert len(data) < 10 << 20
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(PictureError, match=reason):
        open_picture(data)
    assert time.process_time() - began < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


def test_the_first_of_many_pages_is_read_at_once() -> None:
    data = many_pages()
    began = time.process_time()
    assert read_header(data).notes == ("several pages",)
    assert np.array_equal(np.asarray(open_picture(data, Reading.lenient())), np.arange(16).reshape(4, 4))
    assert time.process_time() - began < SECONDS
