"""Caches drawn faces in one memory-mapped NumPy file per split.

A file is called `faces-SPLIT-KEY-COUNT.npy`; the key is a hash of everything that determines the
pixels, including the versions of sampling and drawing. A longer file serves a shorter request; a
shorter one is extended to a longer one, which replaces it. Files are written atomically, and some
rows are drawn again when a file is read, to detect a damaged one.
"""

from __future__ import annotations

__all__ = ["KEEP", "Recipe", "pictures"]

import hashlib
import json
import os
import warnings
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.data.faces_drawing import SIZE, render
from models.data.locations import cache_folder
from models.system.files import replaced

Images = NDArray[np.uint8]

KEEP = 1000  # images; fewer are not cached, since drawing them takes about a second
BATCH = 64  # images per batch, so that their layers fit into the cache of a core
CHECKED = 16  # rows of a file that are drawn again to check it


class CacheError(ValueError):
    """A file of the cache cannot be used; the message gives the reason."""


@dataclass(frozen=True)
class Recipe:
    """The settings that determine the pixels of a split."""

    split: str
    options: dict[str, int | bool]

    def path(self, count: int) -> Path:
        """Returns the file for the first `count` images."""
        return cache_folder() / f"{self.stem}-{count}.npy"

    @property
    def stem(self) -> str:
        """The file's name up to the count."""
        text = json.dumps([self.split, self.options], sort_keys=True)
        return f"faces-{self.split}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def files(self) -> dict[int, Path]:
        """Returns the existing files by their number of images, the shortest first."""
        files = {}
        for path in cache_folder().glob(f"{self.stem}-*.npy"):
            count = path.stem.removeprefix(f"{self.stem}-")
            if count.isdecimal():
                files[int(count)] = path
        return dict(sorted(files.items()))


def pictures(table: NDArray[np.float32], recipe: Recipe) -> Images:
    """Returns the pictures of the factors in `table`, from the cache or newly drawn.

    Arguments:
        table: Factors, float32, shape (N, 16), of the first N images.
        recipe: Settings that determine the pixels.

    Returns:
        uint8, shape (N, 64, 64, 3); a read-only memory map if there is a file.
    """
    start: Images = np.empty((0, SIZE, SIZE, 3), np.uint8)
    for count, path in recipe.files().items():
        try:
            cached = read(path, count, table)
        except CacheError as error:
            warnings.warn(f"{error} The faces are drawn again.", RuntimeWarning, stacklevel=4)
            continue
        if len(cached) == len(table):
            return cached
        start = cached
    if len(table) < KEEP:
        return np.concatenate(list(draw_batches(table, start, recipe.split)))
    return write(table, start, recipe)


def read(path: Path, count: int, table: NDArray[np.float32]) -> Images:
    """Maps the first N images of a file of `count`, or all if there are fewer.

    Raises:
        CacheError: If it is not a valid file, or some of its pictures are not those of `table`.
    """
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CacheError(f"{path} cannot be read ({error}).") from error
    shape = (count, SIZE, SIZE, 3)
    if not isinstance(images, np.ndarray) or images.shape != shape or images.dtype != np.uint8:
        raise CacheError(f"{path} does not hold {count} faces.")
    images = images[: len(table)]
    rows = np.unique(np.linspace(0, len(images) - 1, CHECKED).astype(np.int64))
    if not np.array_equal(images[rows], render(table[rows])):
        raise CacheError(f"{path} holds the wrong pictures.")
    return images


def draw_batches(table: NDArray[np.float32], start: Images, split: str) -> Generator[Images, None, None]:
    """Yields `start`, then the remaining pictures in batches, drawn on all cores."""
    yield start
    firsts = range(len(start), len(table), BATCH)
    # Threads suffice: NumPy releases the interpreter lock while it computes.
    pool = ThreadPoolExecutor(os.cpu_count())
    bar = tqdm(
        total=len(table),
        initial=len(start),
        desc=f"Drawing faces ({split})",
        unit=" faces",
        disable=None if len(table) >= KEEP else True,
    )
    try:
        for batch in pool.map(lambda first: render(table[first : first + BATCH]), firsts):
            bar.update(len(batch))
            yield batch
    finally:
        bar.close()
        pool.shutdown(cancel_futures=True)


def write(table: NDArray[np.float32], start: Images, recipe: Recipe) -> Images:
    """Draws to a new file of the cache and maps it, or to memory if no file can be written."""
    path = recipe.path(len(table))
    shape = (len(table), SIZE, SIZE, 3)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    try:
        with replaced(path) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            with closing(draw_batches(table, start, recipe.split)) as batches:
                for batch in batches:
                    file.write(batch.tobytes())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        warnings.warn(
            f"The faces are not cached. {error}",
            RuntimeWarning,
            stacklevel=5,
        )
        return np.concatenate(list(draw_batches(table, start, recipe.split)))
    for count, shorter in recipe.files().items():
        if count < len(table):
            with suppress(OSError):  # another process may have it open
                shorter.unlink()
    return cast(Images, np.load(path, mmap_mode="r", allow_pickle=False))
