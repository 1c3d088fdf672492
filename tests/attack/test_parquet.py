"""Parquet files whose columns unpack to far more than the file: labels are read in little memory, or left out."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.data.own import parquet_columns
from models.data.own.opening import open_images
from models.data.own.records import CELL_AT_MOST
from models.data.own.tables import read_table
from tests.models.data.own import picture, saved

ROWS, LENGTH = 200, 1 << 20
MOST = 24 << 20  # bytes that a reader may take


def shared_text(**columns: object) -> pa.Table:
    """A text of a megabyte that every row has, stored once."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * ROWS, pa.int32()), pa.array(["x" * LENGTH]))
    return pa.table({"text": text, **columns})


def taken() -> int:
    return int(tracemalloc.get_traced_memory()[1] + pa.default_memory_pool().max_memory())


@pytest.mark.parametrize("form", ["table", "pictures"])
def test_a_text_that_all_rows_share_is_held_once(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = pa.array([saved(picture(0))] * ROWS, pa.binary())
    table = shared_text() if form == "table" else shared_text(image=pictures)
    held = io.BytesIO()
    pq.write_table(table, held, compression="zstd", store_schema=False)  # which would keep it a dictionary
    assert len(held.getvalue()) < 1 << 20
    (tmp_path / "a.parquet").write_bytes(held.getvalue())
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    before = pa.default_memory_pool().max_memory()
    tracemalloc.start()
    try:
        if form == "table":
            values = read_table(held.getvalue(), "a.parquet").columns["text"]
            assert values == ["x" * CELL_AT_MOST] * ROWS
        else:
            assert len(open_images(tmp_path / "a.parquet").items) == ROWS
        assert taken() - before < MOST
    finally:
        tracemalloc.stop()


def test_columns_beyond_the_limits_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_columns, "CELLS_AT_MOST", 2 * ROWS)
    monkeypatch.setattr(parquet_columns, "BYTES_AT_MOST", LENGTH)
    held = io.BytesIO()
    numbers = range(ROWS)
    pq.write_table(shared_text(first=numbers, second=numbers, third=numbers, nested=[{"a": 1}] * ROWS), held)
    table = read_table(held.getvalue(), "a.parquet")
    assert list(table.columns) == ["first", "second"]
    assert table.notes == [
        "The column 'text' is not used: it takes too much memory.",
        "The column 'third' is not used: with it there are too many values.",
        "The column 'nested' is nested and not used.",
    ]
