"""Tests of reading embeddings: every format gives the same vectors, and what is no embedding is refused with the rule."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from models.embeddings import reading
from models.embeddings.reading import is_embeddings, read_embeddings

COUNT, SIZE = 7, 3
VECTORS = np.random.default_rng(0).normal(size=(COUNT, SIZE)).astype(np.float32)
NAMES = [f"b{row}" for row in range(COUNT)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache folder, to which arrays are unpacked."""
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16])
def test_an_array_of_any_type_of_numbers_is_read(tmp_path: Path, dtype: type) -> None:
    values = (10 * VECTORS).astype(dtype)
    np.save(tmp_path / "E.npy", np.asfortranarray(values))
    found = read_embeddings(tmp_path / "E.npy")
    assert found.vectors.dtype == np.float32 and found.vectors.flags.c_contiguous and not found.columns
    np.testing.assert_array_equal(found.vectors, values.astype(np.float32))


def test_an_npz_gives_vectors_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "E.npz"
    other = np.zeros((COUNT, 50), np.float32)  # larger, but of another name
    np.savez(
        path, other=other, embeddings=VECTORS, name=np.array(NAMES), code=np.arange(COUNT), odd=np.ones(2)
    )
    found = read_embeddings(path)
    np.testing.assert_array_equal(found.vectors, VECTORS)
    assert found.columns == {"name": NAMES, "code": list(range(COUNT))}
    assert found.notes == ("The vectors are 'embeddings'; not used: other.",)


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float32(), SIZE)]
)
def test_the_list_column_of_a_parquet_file_is_found_by_its_type(tmp_path: Path, kind: pa.DataType) -> None:
    listed = pa.array(VECTORS.tolist(), kind)
    tokens = pa.array([[1, 2]] * COUNT, pa.list_(pa.int64()))
    path = parquet(
        tmp_path / "E.parquet", name=NAMES, tokens=tokens, v=listed, raw=[b"x"] * COUNT, n=range(COUNT)
    )
    found = read_embeddings(path)
    np.testing.assert_array_equal(found.vectors, VECTORS)
    assert found.columns == {"name": NAMES, "n": list(range(COUNT))} and not found.notes


def test_of_several_list_columns_that_of_a_typical_name_is_read(tmp_path: Path) -> None:
    wide = pa.array(np.zeros((COUNT, 9)).tolist())
    path = parquet(tmp_path / "E.parquet", deviations=wide, mean=pa.array(VECTORS.tolist()))
    found = read_embeddings(path)
    assert found.vectors.shape == (COUNT, SIZE) and "not used: deviations" in found.notes[0]


def broken(**rows: float) -> NDArray[np.float64]:
    values = VECTORS.astype(np.float64)
    for row, value in rows.items():
        values[int(row.removeprefix("row")), 1] = value
    return values


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (broken(row2=np.nan, row5=np.inf), r"in 2 of 7 rows: 2, 5 \(counted from 0\)"),
        (broken(row6=1e300), r"too large in 1 of 7 rows: 6 "),
        (VECTORS[:, 0], r"must have the shape \(N, D\) .* Got \(7,\)"),
        (VECTORS[:1], r"must be 2 to 1,000,000 vectors\. Got 1"),
        (np.zeros((2, 0)), r"1 to 16,384 dimensions\. Got \(2, 0\)"),
        (np.zeros((2, 16_385), np.int8), r"1 to 16,384 dimensions\. Got \(2, 16385\)"),
        (VECTORS.astype(complex), r"must be numbers of at most 64 bits\. Got complex"),
        (VECTORS > 0, r"must be numbers of at most 64 bits\. Got bool"),
        (np.array([[{}, 1], [2, 3]], object), r"E\.npy holds Python objects, which could run code"),
    ],
)
def test_an_array_that_is_no_embedding_is_refused(tmp_path: Path, values: NDArray[Any], reason: str) -> None:
    np.save(tmp_path / "E.npy", values, allow_pickle=True)
    with pytest.raises(ValueError, match=reason):
        read_embeddings(tmp_path / "E.npy")


def test_a_declared_size_is_refused_before_memory_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 20, 1 << 14)}
    )
    (tmp_path / "E.npy").write_bytes(header.getvalue())
    with pytest.raises(ValueError, match=r"E\.npy is not an \.npy file, or damaged"):
        read_embeddings(tmp_path / "E.npy")
    monkeypatch.setattr(reading, "BYTES_AT_MOST", 4 * COUNT * SIZE - 1)
    np.save(tmp_path / "F.npy", VECTORS)
    with pytest.raises(ValueError, match="must take at most 0 MiB in 32 bits"):
        read_embeddings(tmp_path / "F.npy")
    path = parquet(tmp_path / "E.parquet", v=pa.array(VECTORS.tolist()))
    with pytest.raises(ValueError, match=r"E\.parquet cannot be read as embeddings: its vectors must take"):
        read_embeddings(path)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"n": [1, 2]}, "it has no column of lists of numbers, only n"),
        ({"v": [[1.0, 2.0], [1.0]]}, r"its vectors must have one length\. Got 1, 2"),
        ({"v": [[1.0], None]}, "1 rows have no vector"),
        ({"v": [[1.0], [None]]}, "its vectors hold 1 missing numbers"),
        ({"v": [[1.0], [float("nan")]]}, "in 1 of 2 rows: 1 "),
    ],
)
def test_a_parquet_file_without_one_vector_a_row_is_refused(
    tmp_path: Path, columns: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        read_embeddings(parquet(tmp_path / "E.parquet", **columns))


@pytest.mark.parametrize("ending", ["npy", "npz", "parquet"])
def test_a_damaged_file_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"E.{ending}"
    for content in (b"", pickle.dumps([1.0]), b"PK\x03\x04" + bytes(50), b"PAR1" + bytes(50)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"E\.|The file"):
            read_embeddings(path)


def test_a_path_is_recognised_by_its_ending(tmp_path: Path) -> None:
    for name in ("E.npy", "E.PARQUET", "projector_config.pbtxt", "model.onnx"):
        (tmp_path / name).touch()
        assert is_embeddings(tmp_path / name) == (name != "model.onnx")
    assert is_embeddings(tmp_path) and not is_embeddings(tmp_path / "none.npy")
    with pytest.raises(ValueError, match=r"none\.npy does not exist"):
        read_embeddings(tmp_path / "none.npy")
