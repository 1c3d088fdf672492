"""Zips whose members unpack to far more than is asked for: refused by every reader, in little memory."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.sharing.session_archive import ABOUT, read_archive
from explorer.workspace import upload_lists
from models.data.npz import NpzReader
from models.data.own.opening import open_images
from models.data.own.trees import File
from models.data.own.unpacking import unpack_members

SIZE = 32 << 20  # of a member, bytes
MOST = 8 << 20  # that a reader may take for it
PICTURE = "pictures/a.png"


def bomb(method: int, member: str) -> bytes:
    """A zip with one member of zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, archive.open(member, "w") as file:
        for _ in range(SIZE >> 20):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


def read_pictures(path: Path) -> None:
    _, _, problems = upload_lists.gather([("a.zip", path.read_bytes())], (1, 8, 8))
    raise ValueError(problems[0])


def read_array(path: Path) -> None:
    with NpzReader(path) as reader:
        reader.array("images", "uint8", (None,))


def unpack(path: Path) -> None:
    unpack_members(path, [File(PICTURE, SIZE, 0)])


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "session": (ABOUT, lambda path: read_archive(path.read_bytes())),
    "uploads": (PICTURE, read_pictures),
    "collection": (PICTURE, open_images),
    "unpacking": (PICTURE, unpack),
    "npz": ("images.npy", read_array),
}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
@pytest.mark.parametrize("reader", READERS)
def test_a_member_that_is_inflated_whole_is_refused(
    reader: str, method: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    member, read = READERS[reader]
    path = tmp_path / "bomb.zip"
    path.write_bytes(bomb(method, member))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="deflate"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()
