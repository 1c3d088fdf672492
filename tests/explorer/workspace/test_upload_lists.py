"""Several pictures at once: loose, in a zip, and what is wrong with some of them."""

from __future__ import annotations

import io
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.sharing.exports import picture_png
from explorer.workspace import upload_lists
from explorer.workspace.upload_lists import gather

SHAPE = (1, 8, 8)


def picture(level: int) -> bytes:
    return picture_png(np.full((8, 8, 1), level, np.uint8))


def packed(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__SLASH__", "/"), data)
    return held.getvalue()


def test_loose_pictures_and_those_of_a_zip_are_taken_in_their_order() -> None:
    archive = packed(
        **{
            "in/b.png": picture(20),
            "readme.txt": b"hello",
            "__MACOSX/in/b.png": b"\0",
            "c.PNG": picture(30),
            "in/._b.png": b"\0",
            ".thumbs/d.png": picture(40),
        }
    )
    titles, pictures, problems = gather(
        [("a.png", picture(10)), ("me/._a.png", b"\0"), ("me/.DS_Store", b"\0"), ("some.ZIP", archive)], SHAPE
    )
    assert titles == ["a", "b", "c"] and problems == []
    assert pictures.shape == (3, 8, 8, 1) and pictures[:, 0, 0, 0].tolist() == [10, 20, 30]


def test_what_cannot_be_taken_is_told_and_the_rest_is_taken() -> None:
    archive = packed(**{"good.png": picture(9), "bad.png": b"no picture"})
    files = [
        ("letter.txt", b"Dear all"),
        ("z.zip", archive),
        ("cut.zip", archive[:-30]),
        ("none.zip", packed(a=b"")),
    ]
    titles, pictures, problems = gather(files, SHAPE)
    assert titles == ["good"] and len(pictures) == 1
    assert [problem.split(":")[0] for problem in problems] == ["letter.txt", "bad.png", "cut.zip", "none.zip"]
    assert "not a supported picture" in problems[0] and "cannot be read" in problems[2]
    assert "it contains no picture (png," in problems[3]
    titles, pictures, _ = gather([], SHAPE)
    assert titles == [] and pictures.shape == (0, 8, 8, 1)


def test_bombs_and_crowds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_lists, "UNPACKED_AT_MOST", 1 << 16)
    bomb = packed(**{f"{n}.png": bytes(1 << 15) for n in range(4)})
    assert len(bomb) < 2000
    _, _, problems = gather([("bomb.zip", bomb)], SHAPE)
    assert "unpacked it has more than" in problems[-1]
    monkeypatch.setattr(upload_lists, "ARCHIVE_MIB_AT_MOST", 0)
    assert "MiB; at most 0 are allowed" in gather([("bomb.zip", bomb)], SHAPE)[2][0]
    monkeypatch.undo()
    monkeypatch.setattr(upload_lists, "MEMBERS_AT_MOST", 3)
    assert "it has 4 files; at most 3" in gather([("bomb.zip", bomb)], SHAPE)[2][0]
    monkeypatch.setattr(upload_lists, "PICTURES_AT_MOST", 2)
    titles, _, problems = gather([(f"{n}.png", picture(n)) for n in range(4)], SHAPE)
    assert titles == ["0", "1"] and problems == [
        "Only the first 2 pictures were read. Upload the others separately."
    ]


def test_no_more_is_unpacked_than_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read = zipfile.ZipExtFile.read
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda file, n=-1: (asked.append(n), read(file, n))[1])
    monkeypatch.setattr(upload_lists, "UNPACKED_AT_MOST", 3000)
    monkeypatch.setattr(upload_lists, "BYTES_AT_MOST", 2000)
    _, _, problems = gather([("bomb.zip", packed(**{f"{n}.png": bytes(1 << 20) for n in range(4)}))], SHAPE)
    assert asked == [2001, 1000] and "unpacked it has more than" in problems[-1]


def test_a_locked_archive_is_told() -> None:
    raw = bytearray(packed(**{"a.png": picture(1)}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + place] |= 1  # says that it is encrypted
    _, _, problems = gather([("locked.zip", bytes(raw))], SHAPE)
    assert "encrypted" in problems[0] or "password" in problems[0]


def test_reading_ends_when_the_pictures_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.0, 31.0])
    monkeypatch.setattr(upload_lists, "time", SimpleNamespace(monotonic=lambda: next(times)))
    titles, pictures, problems = gather([("a.png", picture(0)), ("b.png", picture(0))], SHAPE)
    assert titles == ["a"] and len(pictures) == 1
    assert problems == ["After 30 s of decoding, the pictures read are 1. Upload the others separately."]
