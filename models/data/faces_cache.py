"""Keeps drawn faces in the cache folder, as one NumPy file a split that is read by mapping it.

A file is called `faces-SPLIT-KEY-COUNT.npy`; the key is made of all that decides the pixels, the
versions of sampling and drawing among it. A longer file serves a shorter request; a shorter one is
the start of the longer that replaces it. A file is written under another name and renamed when it
is complete, and some of its rows are drawn again when it is read, so a damaged one is found out.
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

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.data.faces_drawing import SIZE, render
from models.data.locations import cache_folder
from models.system.files import replaced

Images = NDArray[np.uint8]

KEEP = 1000  # images; fewer are drawn each time, which takes about a second
BATCH = 64  # images drawn at once: their layers stay in a core's own cache
CHECKED = 16  # rows of a file that are drawn again when it is read


class CacheError(ValueError):
    """A file of the cache can not be used; the message says why."""


@dataclass(frozen=True)
class Recipe:
    """What decides the pixels of a split beside the position of an image in it."""

    split: str
    options: dict[str, int | bool]

    def path(self, count: int) -> Path:
        """The file for the first `count` images."""
        return cache_folder() / f"{self.stem}-{count}.npy"

    @property
    def stem(self) -> str:
        """The file's name up to the count."""
        text = json.dumps([self.split, self.options], sort_keys=True)
        return f"faces-{self.split}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def files(self) -> dict[int, Path]:
        """The files there are, by their count, the shortest first."""
        found = {}
        for path in cache_folder().glob(f"{self.stem}-*.npy"):
            count = path.stem.removeprefix(f"{self.stem}-")
            if count.isdecimal():
                found[int(count)] = path
        return dict(sorted(found.items()))


def pictures(table: NDArray[np.float32], recipe: Recipe) -> Images:
    """The pictures of the factors in `table`, from the cache or drawn now.

    Arguments:
        table: Factors, float32, shape (N, 16): the first N of the recipe.
        recipe: What the file in the cache is named after.

    Returns:
        uint8, shape (N, 64, 64, 3); a read-only map of the file where there is one.
    """
    start: Images = np.empty((0, SIZE, SIZE, 3), np.uint8)
    for count, path in recipe.files().items():
        try:
            held = read(path, count, table)
        except CacheError as error:
            warnings.warn(f"{error} The faces are drawn again.", RuntimeWarning, stacklevel=4)
            continue
        if len(held) == len(table):
            return held
        start = held
    if len(table) < KEEP:
        return np.concatenate(list(drawn(table, start, recipe.split)))
    return write(table, start, recipe)


def read(path: Path, count: int, table: NDArray[np.float32]) -> Images:
    """The first N images of a file of `count`, or all it has if these are fewer.

    Raises:
        CacheError: If it is no such file, or some of its pictures are not those of `table`.
    """
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CacheError(f"{path} can not be read ({error}).") from error
    shape = (count, SIZE, SIZE, 3)
    if not isinstance(images, np.ndarray) or images.shape != shape or images.dtype != np.uint8:
        raise CacheError(f"{path} does not hold {count} faces.")
    images = images[: len(table)]
    rows = np.unique(np.linspace(0, len(images) - 1, CHECKED).astype(np.int64))
    if not np.array_equal(images[rows], render(table[rows])):
        raise CacheError(f"{path} holds other pictures than it should.")
    return images


def drawn(table: NDArray[np.float32], start: Images, split: str) -> Generator[Images, None, None]:
    """Gives `start` and then the rest of the pictures in batches, drawn on all cores."""
    yield start
    firsts = range(len(start), len(table), BATCH)
    # Threads suffice: NumPy lets go of the interpreter while it computes on whole layers.
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
    """Draws into a new file of the cache and maps it; into memory where no file can be written."""
    path = recipe.path(len(table))
    shape = (len(table), SIZE, SIZE, 3)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    try:
        with replaced(path) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            with closing(drawn(table, start, recipe.split)) as batches:
                for batch in batches:
                    file.write(batch.tobytes())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        warnings.warn(
            f"The faces are not kept. {error}",
            RuntimeWarning,
            stacklevel=5,
        )
        return np.concatenate(list(drawn(table, start, recipe.split)))
    for count, shorter in recipe.files().items():
        if count < len(table):
            with suppress(OSError):  # it is only in the way: another process may hold it open
                shorter.unlink()
    mapped: Images = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped
