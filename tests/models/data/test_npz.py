"""Tests of the NPZ reader."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data.npz import NpzReader

STACK = np.random.default_rng(0).integers(0, 256, (10, 3, 2), np.uint8)
NAMES = np.array(["red", "green"])


def save(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def test_reads_what_numpy_wrote(tmp_path: Path) -> None:
    with NpzReader(save(tmp_path / "a.npz", stack=STACK, names=NAMES)) as reader:
        np.testing.assert_array_equal(reader.array("stack", "uint8", (10, 3, 2)), STACK)
        np.testing.assert_array_equal(reader.array("stack", "uint8", (None, 3, 2)), STACK)
        assert reader.array("names", "text", (2,)).tolist() == ["red", "green"]


@pytest.mark.parametrize("rows", [1, 3, 10, 99])
def test_reads_in_blocks(rows: int, tmp_path: Path) -> None:
    with NpzReader(save(tmp_path / "a.npz", stack=STACK)) as reader:
        blocks = list(reader.blocks("stack", STACK.shape, rows))
    assert {len(block) for block in blocks[:-1]} <= {rows}
    np.testing.assert_array_equal(np.concatenate(blocks), STACK)


@pytest.mark.parametrize(
    ("array", "dtype", "shape", "message"),
    [
        (STACK, "uint8", (10, 3, 3), r"'x' must be uint8 of shape \(10, 3, 3\).*\(10, 3, 2\)"),
        (STACK, "uint8", (10, 6), "'x' must be uint8"),
        (STACK[:0], "uint8", (None, 3, 2), "'x' must be uint8 of shape \\('any', 3, 2\\)"),
        (STACK.astype(np.int16), "uint8", (10, 3, 2), "Got int16"),
        (np.asfortranarray(STACK), "uint8", (10, 3, 2), "in C order"),
        (STACK, "text", (10, 3, 2), "'x' must be text"),
        (np.array(["a" * 65]), "text", (1,), "'x' must be text"),
        (np.array([None]), "text", (1,), "Got object"),
    ],
)
def test_wrong_array(array: Any, dtype: str, shape: Any, message: str, tmp_path: Path) -> None:
    path = save(tmp_path / "wrong.npz", x=array)
    with NpzReader(path) as reader, pytest.raises(ValueError, match=message) as caught:
        reader.array("x", dtype, shape)
    assert str(caught.value).startswith(str(path))


def test_missing_array(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", stack=STACK)
    with NpzReader(path) as reader, pytest.raises(ValueError, match="an array 'stacks'"):
        reader.array("stacks", "uint8", (10, 3, 2))


def member(shape: str, values: bytes) -> bytes:
    """A file in NPY format with any header."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + values


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged at x"),
        (b"no array at all", "damaged at x"),
        (member("(10, 3, 2)", bytes(59)), "'x' ends too early"),
        (member("(10, 3, 2)", bytes(61)), "'x' goes on after its end"),
        (member("(10**12, 3, 2)", b""), "damaged at x"),
        (member("(1000000000000, 3, 2)", b""), "must be uint8"),
        (member("(10, 3, 2", bytes(60)), "damaged at x"),
        (b"\x93NUMPY\x03\x00" + bytes(100), r"unknown format version \(3, 0\)"),
    ],
)
def test_wrong_member(content: bytes, message: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with NpzReader(tmp_path / "a.npz") as reader, pytest.raises(ValueError, match=message):
        reader.array("x", "uint8", (10, 3, 2))


@pytest.mark.parametrize("content", [b"", b"PK\3\4", bytes(500)])
def test_no_archive(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz is damaged at the file"):
        NpzReader(tmp_path / "a.npz")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.npz is missing"):
        NpzReader(tmp_path / "a.npz")


BUFFER = io.BytesIO()
np.savez_compressed(BUFFER, stack=STACK)
PACKED = BUFFER.getvalue()


@given(st.integers(0, len(PACKED) - 1), st.integers(1, 255))
def test_damaged_byte_is_found_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(PACKED[:place] + bytes([PACKED[place] ^ change]) + PACKED[place + 1 :])
    try:
        with NpzReader(path) as reader:
            read = reader.array("stack", "uint8", STACK.shape)
    except ValueError as error:
        assert str(error).startswith(str(path))
    else:
        np.testing.assert_array_equal(read, STACK)  # a time stamp, or the like
