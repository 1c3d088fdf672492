"""Page headers of Parquet files, against what pyarrow counted when it wrote them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.system.parquet_pages import extents, leaves

ROWS = 3_000
TABLE = pa.table(
    {
        "number": np.arange(ROWS, dtype=np.float32),
        "word": [f"word {number % 7}" for number in range(ROWS)],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(4 * ROWS, np.float32)), 4),
        "pair": [{"a": number, "b": None} for number in range(ROWS)],
        "lists": [[1, 2, 3][: number % 4] or None for number in range(ROWS)],
    }
)


def written(**options: Any) -> tuple[io.BytesIO, Any]:
    file = io.BytesIO()
    pq.write_table(TABLE, file, row_group_size=1_000, data_page_size=1 << 10, **options)
    return file, pq.read_metadata(file)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"data_page_version": "2.0"},
        {"use_dictionary": False, "compression": "zstd"},
        {"use_dictionary": False, "column_encoding": {"number": "BYTE_STREAM_SPLIT"}},
        {"write_page_index": True, "write_page_checksum": True},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_extents_are_what_pyarrow_counted(options: dict[str, Any]) -> None:
    file, facts = written(**options)
    for column, found in extents(file, facts, range(facts.num_columns)).items():
        chunks = [facts.row_group(group).column(column) for group in range(facts.num_row_groups)]
        assert found.values == sum(chunk.num_values for chunk in chunks)
        claimed = sum(chunk.total_uncompressed_size for chunk in chunks)
        assert 0.5 * claimed - 200 <= found.unpacked <= claimed  # the claim has the headers, too
        assert 0 < found.largest <= found.unpacked
        by_group = [extents(file, facts, [column], [group])[column] for group in range(len(chunks))]
        assert sum(each.unpacked for each in by_group) == found.unpacked
    (word,) = leaves(facts, "word")
    distinct = ROWS if options.get("use_dictionary") is False else 7 * facts.num_row_groups
    assert extents(file, facts, [word])[word].distinct == distinct


def test_leaves_of_nested_fields() -> None:
    _, facts = written()
    assert [len(leaves(facts, name)) for name in ("number", "vector", "pair", "pair.a", "pai")] == [
        1,
        1,
        2,
        1,
        0,
    ]


def test_texts_encoded_by_prefixes_are_refused() -> None:
    file, facts = written(use_dictionary=False, column_encoding={"word": "DELTA_BYTE_ARRAY"})
    with pytest.raises(ValueError, match="must not be encoded by their prefixes"):
        extents(file, facts, leaves(facts, "word"))


def test_damaged_headers_are_refused_or_read() -> None:
    """A header of random bytes gives an error of one kind, in little time."""
    file, facts = written(compression="none")
    raw, rng, refused = file.getvalue(), np.random.default_rng(0), 0
    start = facts.row_group(0).column(0).dictionary_page_offset
    for _ in range(300):
        spoilt = bytearray(raw)
        spoilt[start : start + 40] = rng.integers(0, 256, 40, np.uint8).tobytes()
        try:
            extents(io.BytesIO(spoilt), facts, [0])
        except ValueError:
            refused += 1
    assert refused > 200
