"""Decodes pictures into one array on disk, in worker processes; a decoding that was stopped goes on where it was."""

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

CHUNK = 256  # pictures decoded between two notes of what is done
DONE = "done.jsonl"


@dataclass(frozen=True, eq=False)
class Plan:
    """What is decoded where."""

    path: Path  # of the array
    pictures: Pictures
    places: Sequence[Any]  # N of them, in the source's order
    order: NDArray[np.int64]  # (N,), row n of the array is the picture `order[n]`
    shape: tuple[int, int, int]  # (C, H, W)
    fit: str
    background: str


def decode(plan: Plan, tell: Report) -> tuple[dict[int, str], int]:
    """Fills the array; pictures that cannot be decoded are left out of it.

    Arguments:
        plan: What is decoded where.
        tell: Called with the share done and what is being done.

    Returns:
        Why pictures are left out, by their place in the source's order, and how many images differ.

    Raises:
        StorageError: If the disk is full.
    """
    count = len(plan.places)
    _allocate(plan)
    rows = np.empty(count, np.int64)
    rows[plan.order] = np.arange(count)  # of the array, by the source's order
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
    notes.unlink()  # what is cut short from here on is decoded anew
    _compact(plan, {int(rows[row]) for row in reasons})
    return reasons, len({each for found in done.values() for each in found if isinstance(each, str)})


def _allocate(plan: Plan) -> None:
    """Creates the array, with all of its space reserved: a mapped write to a full disk would end the process."""
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
            f"The decoded pictures need {np.prod(shape) / 1e6:,.0f} MB, and {plan.path.parent} cannot take them: "
            f"{reason}. Free some space, choose a smaller size, or set LATENT_CACHE_DIR to a folder on another disk."
        ) from error


def _notes(path: Path) -> dict[int, list[Any]]:
    """The results of the chunks that are done, by their start; a line that was cut short is passed over."""
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
