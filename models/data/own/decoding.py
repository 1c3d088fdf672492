"""Decodes pictures to one array on disk, in worker processes; an interrupted run is resumed."""

from __future__ import annotations

__all__ = ["Plan", "decode"]

import errno
import json
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.own.records import Report
from models.data.own.sources import Pictures
from models.data.own.tasks import Task
from models.data.own.workers import in_chunks, spread
from models.system.files import StorageError

CHUNK = 256  # pictures per task
DONE = "done.jsonl"


@dataclass(frozen=True, eq=False)
class Plan:
    """The pictures to decode and the array to write."""

    path: Path  # of the array
    pictures: Pictures
    places: Sequence[Any]  # N places, in the order of the source
    order: NDArray[np.int64]  # (N,), row n of the array is the picture `order[n]`
    shape: tuple[int, int, int]  # (C, H, W)
    fit: str
    background: str


def decode(plan: Plan, tell: Report) -> tuple[dict[int, str], int]:
    """Fills the array; pictures that cannot be decoded are removed from it.

    Arguments:
        plan: The pictures and the array.
        tell: Called with the share done, 0 to 1, and the current task.

    Returns:
        Why pictures were removed, by their position in the source, and the number of different images.

    Raises:
        StorageError: If the disk is full.
    """
    count = len(plan.places)
    _allocate(plan)
    rows = np.empty(count, np.int64)
    rows[plan.order] = np.arange(count)  # position in the source -> row of the array
    notes = plan.path.with_name(DONE)
    done = _notes(notes)
    chunks = [chunk for chunk in in_chunks(count, CHUNK) if chunk.start not in done]
    tasks: list[Task] = [
        {
            "do": "decode",
            "places": plan.places[chunk.start : chunk.stop],
            "path": str(plan.path),
            "rows": rows[chunk].tolist(),
            "shape": list(plan.shape),
            "fit": plan.fit,
            "background": plan.background,
        }
        for chunk in chunks
    ]
    finished = sum(len(found) for found in done.values())
    with notes.open("a", encoding="utf-8") as file, closing(spread(plan.pictures, tasks)) as results:
        for number, found in results:
            done[chunks[number].start] = found
            file.write(json.dumps([chunks[number].start, found]) + "\n")
            file.flush()
            finished += len(found)
            tell(finished / count, "Decoding the pictures")
    reasons = {
        start + n: str(each[0])
        for start, found in done.items()
        for n, each in enumerate(found)
        if isinstance(each, list)
    }
    notes.unlink()  # if interrupted from here on, all pictures are decoded again
    _compact(plan, {int(rows[row]) for row in reasons})
    return reasons, len({each for found in done.values() for each in found if isinstance(each, str)})


def _allocate(plan: Plan) -> None:
    """Creates the array with reserved disk space, since a mapped write to a full disk would end the process."""
    channels, height, width = plan.shape
    shape = (len(plan.places), height, width, channels)
    notes = plan.path.with_name(DONE)
    if plan.path.is_file() and notes.is_file():
        held = np.load(plan.path, mmap_mode="r", allow_pickle=False)
        if held.shape == shape:
            return
    notes.unlink(missing_ok=True)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    try:
        with plan.path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            file.flush()
            start, size = file.tell(), int(np.prod(shape))
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), start, size)
            else:
                file.truncate(start + size)
        notes.touch()
    except OSError as error:
        plan.path.unlink(missing_ok=True)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = "the disk is full" if full else (error.strerror or str(error)).lower()
        raise StorageError(
            f"The decoded pictures need {np.prod(shape) / 1e6:,.0f} MB, and {plan.path.parent} cannot store them: "
            f"{reason}. Free some space, choose a smaller size, or set LATENT_CACHE_DIR to a folder on another disk."
        ) from error


def _notes(path: Path) -> dict[int, list[Any]]:
    """Reads the results of finished chunks by their start; a truncated line is ignored."""
    done = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            start, found = json.loads(line)
            done[int(start)] = list(found)
        except (ValueError, TypeError):
            continue
    return done


def _compact(plan: Plan, without: set[int]) -> None:
    """Removes rows from the array, in place."""
    if not without:
        return
    images = np.load(plan.path, mmap_mode="r+", allow_pickle=False)
    kept = 0
    for row in range(len(images)):
        if row not in without:
            if row != kept:
                images[kept] = images[row]
            kept += 1
    images.flush()
    shape = (kept, *images.shape[1:])
    del images
    with plan.path.open("r+b") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        start = file.tell()
        file.seek(0)
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        if file.tell() != start:
            raise ValueError("The header of an array has changed its length.")
        file.truncate(start + int(np.prod(shape)))
