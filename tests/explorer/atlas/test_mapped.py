"""Tests of atlases whose vectors are memory-mapped, against the same atlases in memory."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.atlas import mapped, storage
from explorer.atlas.storage import AtlasError, load_atlas, save_atlas
from models import checkpoint
from models.base import Level
from models.card import ATLAS
from models.data import Texts


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The cache folder of mapped vectors; every atlas counts as large, and is read in several blocks."""
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(storage, "MAPPED_FROM", 1)
    monkeypatch.setattr(mapped, "ROWS", 64)
    return tmp_path / "cache" / "atlases"


def test_mapped_vectors_are_those_in_memory(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    entry = checkpoint.read(copy_of_tiny)
    found = load_atlas(entry)
    files = sorted(cache.glob("*/*.npy"))
    assert [file.name.partition("-")[2] for file in files] == ["mean.npy", "std.npy"]
    monkeypatch.setattr(storage, "MAPPED_FROM", 1 << 28)
    whole = load_atlas(entry)
    assert found.mapped and not whole.mapped
    assert found.std is not None and whole.std is not None
    np.testing.assert_array_equal(found.mean, whole.mean)
    np.testing.assert_array_equal(found.std, whole.std)
    np.testing.assert_array_equal(found.maps["umap"], whole.maps["umap"])
    assert found.split == whole.split
    with pytest.raises(ValueError, match="read-only"):
        found.mean[0] = 0


def test_codes_are_unpacked_to_vectors(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    entry = checkpoint.read(copy_of_tiny)
    monkeypatch.setattr(storage, "MAPPED_FROM", 1 << 28)
    few = np.round(load_atlas(entry).mean)
    atlas = replace(load_atlas(entry), mean=few, std=None)
    save_atlas(copy_of_tiny / ATLAS, atlas, codebook=(Level("codes", (2, 1, few.shape[1] // 2)),))
    monkeypatch.setattr(storage, "MAPPED_FROM", 1)
    found = load_atlas(entry)
    assert found.mapped
    np.testing.assert_array_equal(found.mean, few)


def test_vectors_are_unpacked_once_for_each_atlas(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    atlas = load_atlas(checkpoint.read(copy_of_tiny))
    before = {file: file.stat().st_mtime_ns for file in cache.glob("*/*.npy")}
    load_atlas(checkpoint.read(copy_of_tiny))
    assert {file: file.stat().st_mtime_ns for file in cache.glob("*/*.npy")} == before
    save_atlas(copy_of_tiny / ATLAS, replace(atlas, mean=atlas.mean + 1))
    np.testing.assert_array_equal(load_atlas(checkpoint.read(copy_of_tiny)).mean, atlas.mean + 1)
    assert len(list(cache.glob("*/*.npy"))) == 2 and not before.keys() & set(cache.glob("*/*.npy"))


def test_an_atlas_in_several_row_groups(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """Each group has its own dictionary of the labels and texts that occur in it."""
    atlas = load_atlas(checkpoint.read(copy_of_tiny))
    texts = Texts("file", "File", tuple(f"{row}.png" for row in range(len(atlas))))
    monkeypatch.setattr(storage, "GROUP", 32)
    save_atlas(copy_of_tiny / ATLAS, replace(atlas, texts={"file": texts}))
    assert pq.read_metadata(copy_of_tiny / ATLAS).num_row_groups > 5
    found = load_atlas(checkpoint.read(copy_of_tiny))
    np.testing.assert_array_equal(found.mean, atlas.mean)
    assert found.split == atlas.split and found.texts["file"].values == texts.values
    for name, attribute in atlas.attributes.items():
        np.testing.assert_array_equal(found.attributes[name].values, attribute.values)


@pytest.mark.parametrize("damage", [b"", b"no array"])
def test_a_damaged_file_is_written_again(copy_of_tiny: Path, cache: Path, damage: bytes) -> None:
    mean = load_atlas(checkpoint.read(copy_of_tiny)).mean.copy()
    for file in cache.glob("*/*.npy"):
        file.write_bytes(damage)
    np.testing.assert_array_equal(load_atlas(checkpoint.read(copy_of_tiny)).mean, mean)


@pytest.mark.parametrize(
    ("column", "value", "reason"), [("mean", np.nan, "finite"), ("std", -1.0, "negative")]
)
def test_an_invalid_row_leaves_no_file(
    copy_of_tiny: Path, cache: Path, column: str, value: float, reason: str
) -> None:
    table = pq.read_table(copy_of_tiny / ATLAS)
    rows = np.array(table[column].combine_chunks().flatten())
    rows[-1] = value
    lists = pa.FixedSizeListArray.from_arrays(pa.array(rows), len(rows) // len(table))
    changed = table.set_column(table.column_names.index(column), column, [lists])
    pq.write_table(changed, copy_of_tiny / ATLAS)
    with pytest.raises(AtlasError, match=reason):
        load_atlas(checkpoint.read(copy_of_tiny))
    assert not list(cache.glob(f"*/*{column}*"))


def test_a_full_disk(copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(AtlasError, match="0 MiB are free: free some space, or set LATENT_CACHE_DIR"):
        load_atlas(checkpoint.read(copy_of_tiny))
