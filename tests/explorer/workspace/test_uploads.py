"""Tests of uploaded pictures: how large one may be, and what it is called; `tests/models/test_pictures.py` has the rest."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from explorer.workspace import uploads
from explorer.workspace.uploads import BYTES_AT_MOST, read_picture, title_of
from models.data.pictures import PictureError


def test_an_upload_is_read_as_any_picture_is() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (9, 99, 200)).save(buffer, "PNG")
    taken = read_picture(buffer.getvalue(), (3, 64, 64))
    assert taken.shape == (64, 64, 3) and taken.dtype == np.uint8 and (taken == (9, 99, 200)).all()
    with pytest.raises(PictureError, match="The file is empty"):
        read_picture(b"", (3, 64, 64))


def test_a_file_that_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "open_apart", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(PictureError, match=r"has 20.0 MiB; at most 20 are allowed. Save it smaller"):
        read_picture(bytes(BYTES_AT_MOST + 1), (3, 64, 64))


def test_titles_come_from_file_names() -> None:
    assert title_of("C:\\faces\\Anna Smith.final.jpeg") == "Anna Smith.final"
    assert title_of("\x00\x01.png") == "Picture"
    assert len(title_of("x" * 500)) == 60
