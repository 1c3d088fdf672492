"""Pictures that another process opens: the same as here, and given up in time."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image

from models.data import apart
from models.data.apart import open_apart
from models.data.pictures import PictureError, Reading, open_picture
from models.system import child


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The code of each process that is started."""
    codes: list[str] = []

    def start(code: str, **options: object) -> object:
        codes.append(code)
        return child.start_python(code, **options)

    monkeypatch.setattr(apart, "start_python", start)
    return codes


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_usual_picture_is_opened_here(started: list[str]) -> None:
    assert open_apart(file_of(Image.new("RGB", (4000, 3000)), "JPEG")).size == (4000, 3000)
    assert not started


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_picture_opened_apart_is_the_same(
    mode: str, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "HERE", 0)
    levels = np.random.default_rng(0).integers(0, 256, (9, 7, 4), np.uint8)
    data, reading = file_of(Image.fromarray(levels).convert(mode)), Reading(alpha=mode == "RGBA")
    found, wanted = open_apart(data, reading), open_picture(data, reading)
    assert started and found.mode == wanted.mode
    np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted))


def test_reasons_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "HERE", 0)
    frames = [Image.new("L", (4, 4), level) for level in (0, 255)]
    data = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(PictureError, match="The picture is animated"):
        open_apart(data)
    with pytest.raises(PictureError, match="not a supported picture"):
        open_apart(b"no picture")


def test_too_much_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "HERE", 0)
    monkeypatch.setattr(apart, "START", "import os; os._exit(1)")
    with pytest.raises(PictureError, match="too much memory to decode"):
        open_apart(file_of(Image.new("L", (4, 4))))


def test_a_slow_picture_is_given_up_in_time() -> None:
    """A progressive JPEG of 36 million pixels in 60 scans."""
    data = file_of(Image.new("L", (6000, 6000)), "JPEG", progressive=True)
    last, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    data = data[:end] + data[last:end] * 54 + data[end:]
    began = time.monotonic()
    with pytest.raises(PictureError, match="more than 1 s to decode"):
        open_apart(data, seconds=1.0)
    assert time.monotonic() - began < 4.0
