"""Vectors of a large atlas, unpacked once into a file of the cache and memory-mapped from there.

Parquet is compressed, so it cannot be mapped itself. The file is written whole, from validated blocks of rows, and named
after the atlas that it was unpacked from; files of an older atlas of the same checkpoint are deleted.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.atlas.columns import Columns
from models.card import Entry
from models.data.locations import cache_folder
from models.system.files import make_folder, replaced

__all__ = ["fill", "mapped_vectors", "vectors_path"]

Array = NDArray[np.float32]

ROWS, BLOCK = 1 << 14, 1 << 25  # unpacked at once, at most: rows, and bytes
SPARE = 1.1  # times the size of the vectors must be free on the disk


def vectors_path(entry: Entry, atlas: Path, column: str) -> Path:
    """The cache file of the vectors in a column of an atlas."""
    facts = atlas.stat()
    mark = repr((str(atlas.resolve()), entry.version, facts.st_mtime_ns, facts.st_size))
    name = f"{hashlib.sha256(mark.encode()).hexdigest()[:16]}-{column}.npy"
    return cache_folder() / "atlases" / entry.name / name


def mapped_vectors(
    file: Any, column: str, path: Path, shape: tuple[int, int], vectors: Callable[[Columns], Array]
) -> Array:
    """The vectors of a column, memory-mapped and read-only; unpacked first if the cache does not hold them.

    Arguments:
        file: The opened Parquet file.
        column: The column to read.
        path: From `vectors_path`.
        shape: (N, D) of the vectors.
        vectors: Reads and validates the vectors of some rows.

    Returns:
        float32, shape (N, D).

    Raises:
        ValueError: If a row is invalid, or the disk is too full; the message says which.
        StorageError: If the cache cannot be written.
    """
    mapped = _mapped(path, shape)
    if mapped is not None:
        return mapped
    make_folder(path.parent)
    needed, free = 4 * shape[0] * shape[1], shutil.disk_usage(path.parent).free
    if free < SPARE * needed:
        raise ValueError(
            f"its column {column!r} needs {needed >> 20} MiB in {path.parent}, where {free >> 20} MiB are free: "
            "free some space, or set LATENT_CACHE_DIR to a folder on another disk"
        )
    with replaced(path) as temporary:
        rows = np.lib.format.open_memmap(temporary, "w+", np.dtype("<f4"), shape)
        fill(rows, file, column, vectors)
        rows.flush()
        del rows
    digest = path.name.partition("-")[0]
    for old in path.parent.glob("*.npy"):
        if not old.name.startswith(digest):
            with suppress(OSError):  # in use, on Windows
                old.unlink()
    mapped = _mapped(path, shape)
    if mapped is None:
        raise ValueError(f"{path} cannot be read")
    return mapped


def fill(rows: Array, file: Any, column: str, vectors: Callable[[Columns], Array]) -> None:
    """Reads the vectors of a column into `rows`, shape (N, D), block by block; the arguments are those of `mapped_vectors`."""
    start = 0
    count = min(ROWS, max(1, BLOCK // (4 * rows.shape[1])))
    for batch in file.iter_batches(count, columns=[column]):
        part = vectors(Columns(pa.Table.from_batches([batch])))
        rows[start : start + len(part)] = part
        start += len(part)


def _mapped(path: Path, shape: tuple[int, int]) -> Array | None:
    """The file, mapped; None if it is missing or has another shape."""
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(rows) if rows.dtype == np.dtype("<f4") and rows.shape == shape else None
