"""Tests of the IDX reader, on generated files, and of the data sets made of them."""

from __future__ import annotations

import gzip
import hashlib
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data.download import Remote
from models.data.fashion_mnist import FASHION_MNIST
from models.data.idx import MAX_BYTES, IdxDataset, read_idx
from models.data.mnist import MNIST
from tests.models.data.server import Mirror, serve

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
LABELS = np.arange(12, dtype=np.uint8) % 10


def idx(values: Any, shape: tuple[int, ...] | None = None, code: int = 8) -> bytes:
    shape = values.shape if shape is None else shape
    head = struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)
    return head + bytes(values.tobytes())


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0))
    return path


@pytest.mark.parametrize("values", [IMAGES, LABELS, IMAGES[:1]])
def test_reads_what_was_written(values: Any, tmp_path: Path) -> None:
    read = read_idx(write(tmp_path / "a.gz", idx(values)), values.ndim)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must begin with the bytes 00 00 08 03 .* Got nothing"),
        (b"PK\3\4" + bytes(100), "Got 50 4b 03 04"),
        (idx(IMAGES, code=13), "Got 00 00 0d 03"),
        (idx(LABELS), "3 dimensions.* Got 00 00 08 01"),
        (idx(IMAGES)[:9], "ends within its header"),
        (idx(IMAGES)[:-1], f"must hold {IMAGES.size} values.* Got {IMAGES.size - 1}"),
        (idx(IMAGES) + b"\0", f"must hold {IMAGES.size} values.* Got more"),
        (idx(IMAGES, (0, 28, 28)), r"header says \(0, 28, 28\)"),
        (idx(IMAGES, (2**32 - 1,) * 3), f"1 to {MAX_BYTES} values"),
    ],
)
def test_wrong_content(content: bytes, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "wrong.gz", content)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path, 3)
    assert str(caught.value).startswith(str(path))


def test_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = write(tmp_path / "bomb.gz", idx(LABELS) + bytes(20_000_000))
    with pytest.raises(ValueError, match="Got more"):
        read_idx(path, 1)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.gz is missing"):
        read_idx(tmp_path / "none.gz", 1)


@pytest.mark.parametrize("cut", [0, 1, 9, 12, 200, -9, -8, -1])
def test_truncated_file(cut: int, tmp_path: Path) -> None:
    path = write(tmp_path / "cut.gz", idx(IMAGES))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"cut\.gz"):
        read_idx(path, 3)


PACKED = gzip.compress(idx(LABELS), mtime=0)


@given(st.integers(0, len(PACKED) - 1), st.integers(1, 255))
def test_damaged_byte_is_found_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.gz"
    path.write_bytes(PACKED[:place] + bytes([PACKED[place] ^ change]) + PACKED[place + 1 :])
    try:
        read = read_idx(path, 1)
    except ValueError as error:
        assert str(error).startswith(str(path))
    else:
        np.testing.assert_array_equal(read, LABELS)  # a byte of the header that says nothing


def data_folder(folder: Path, images: Any = IMAGES, labels: Any = LABELS) -> Path:
    write(folder / "mnist" / "t10k-images-idx3-ubyte.gz", idx(images))
    write(folder / "mnist" / "t10k-labels-idx1-ubyte.gz", idx(labels))
    return folder


def test_loads_from_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", str(data_folder(tmp_path)))
    data = MNIST.load("test", 5)
    np.testing.assert_array_equal(data.images[..., 0], IMAGES[:5])
    np.testing.assert_array_equal(data.attributes["digit"].values, LABELS[:5])
    reason = MNIST.unavailable()  # the other split is not there
    assert reason is not None
    assert str(tmp_path / "mnist" / "train-images-idx3-ubyte.gz") in reason


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[:, :20], LABELS, "must hold images of 28x28 pixels. Got 20x28"),
        (IMAGES[:9], LABELS, "as many images as labels. Got 9 and 12"),
        (IMAGES, LABELS + 1, r"labels-idx1-ubyte.gz must hold labels in 0..9. Got 10"),
    ],
)
def test_files_that_do_not_fit(
    images: Any, labels: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", str(data_folder(tmp_path, images, labels)))
    with pytest.raises(ValueError, match=message):
        MNIST.load("test")


def served(files: dict[str, bytes]) -> IdxDataset:
    """MNIST, but small."""

    def remote(name: str) -> Remote:
        plain = gzip.decompress(files[name])
        return Remote(name, len(files[name]), len(plain), hashlib.sha256(plain).hexdigest())

    return replace(MNIST, files={"test": (remote("images.gz"), remote("labels.gz"))})


def test_downloads_to_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "images.gz": gzip.compress(idx(IMAGES), mtime=0),
        "labels.gz": gzip.compress(idx(LABELS), mtime=0),
    }
    dataset = served(files)
    monkeypatch.delenv("LATENT_DATA_DIR", raising=False)
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(Mirror(files)) as mirror:
        monkeypatch.setenv("LATENT_MNIST_MIRROR", mirror.address)
        reason = dataset.unavailable()
        assert reason is not None
        assert "images.gz of mnist is not on this machine" in reason
        assert mirror.requests == []
        np.testing.assert_array_equal(dataset.load("test").images[..., 0], IMAGES)
        assert len(mirror.requests) == 2
    assert dataset.unavailable() is None
    np.testing.assert_array_equal(dataset.load("test").images[..., 0], IMAGES)  # now offline
    assert (tmp_path / "mnist" / "images.gz").read_bytes() == files["images.gz"]


def test_offline_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LATENT_DATA_DIR", raising=False)
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(Mirror({})) as mirror:
        monkeypatch.setenv("LATENT_MNIST_MIRROR", mirror.address)
    file = "mnist/t10k-labels-idx1-ubyte.gz"
    with pytest.raises(ValueError, match="Could not download t10k-labels") as caught:
        MNIST.load("test")
    assert f"set LATENT_DATA_DIR to a folder with {file}" in str(caught.value)
    assert f"place the file at {tmp_path / file}" in str(caught.value)


@pytest.mark.parametrize("data", [MNIST, FASHION_MNIST], ids=lambda data: data.name)
def test_downloads_are_encrypted_and_pinned(data: IdxDataset) -> None:
    assert data.mirror.startswith("https://") and data.mirror.endswith("/")
    assert all(len(remote.sha256) == 64 for pair in data.files.values() for remote in pair)
