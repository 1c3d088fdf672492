"""Atlases that take more memory than their footers claim: refused, or read without the part that does, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.atlas.storage import KEY
from models.card import ATLAS
from models.system.parquet_pages import extents, leaves
from tests.explorer.conftest import NAME, make_checkpoint

ROWS, LENGTH = 16_000, 4_000  # of the texts: 64 MB, which compress to a few kilobytes
LIMIT = 24 << 20  # bytes that an atlas may take in this test
LOAD = """
import json, resource, sys
import explorer.atlas.storage as storage
from models import checkpoint
from pathlib import Path
storage.BYTES_AT_MOST = {limit}
entry = checkpoint.read(Path(sys.argv[1]))
before, error = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, ""
try:
    storage.load_atlas(entry)
except storage.AtlasError as refusal:
    error = str(refusal)
print(json.dumps([error, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10]))
"""


def forged(path: Path, column: int) -> None:
    """Makes the footer claim that a column takes two bytes, in a number as long as the true one."""
    chunk = pq.read_metadata(path).row_group(0).column(column)
    raw = path.read_bytes()
    size = int.from_bytes(raw[-8:-4], "little")
    footer = raw[-8 - size : -8]
    true = varint(2 * chunk.total_uncompressed_size)
    assert footer.count(true) >= 1
    small = b"\x84" + b"\x80" * (len(true) - 2) + b"\x00"
    path.write_bytes(raw[: -8 - size] + footer.replace(true, small) + raw[-8:])
    assert pq.read_metadata(path).row_group(0).column(column).total_uncompressed_size == 2


def varint(value: int) -> bytes:
    """A number of seven bits per byte, the lowest first."""
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


@pytest.mark.parametrize("named", [False, True], ids=["unused column", "column of texts"])
def test_a_forged_footer_takes_little_memory(named: bool, tmp_path: Path) -> None:
    folder = tmp_path / NAME
    make_checkpoint(folder)
    path = folder / ATLAS
    table = pq.read_table(path)
    table = table.take(pa.array(np.arange(ROWS) % len(table)))
    table = table.set_column(table.column_names.index("id"), "id", [pa.array(np.arange(ROWS))])
    texts = pa.array([f"{number:x}".ljust(LENGTH) for number in range(ROWS)]).dictionary_encode()
    about = json.loads(table.schema.metadata[KEY])
    if named:
        about["texts"] = [{"name": "file", "title": "File", "column": "long"}]
    table = table.append_column("long", texts).replace_schema_metadata({KEY: json.dumps(about)})
    pq.write_table(table, path, compression="zstd", use_dictionary=["split", "digit"])
    facts = pq.read_metadata(path)
    (column,) = leaves(facts, "long")
    with path.open("rb") as file:
        assert extents(file, facts, [column])[column].unpacked > ROWS * LENGTH
    forged(path, column)
    assert path.stat().st_size < 2 << 20
    result = subprocess.run(
        [sys.executable, "-c", LOAD.format(limit=LIMIT), str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    error, taken = json.loads(result.stdout)
    assert ("unpacked it must not be larger than 24 MiB" in error) == named, error
    assert named or not error
    assert taken < 2 * LIMIT
