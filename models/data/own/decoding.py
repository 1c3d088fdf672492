"""Decodes pictures into one array on disk, in worker processes; a decoding that was stopped goes on where it was."""

from __future__ import annotations

__all__ = ["Plan", "decode"]

import errno
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.own.records import Report
from models.data.own.sources import Pictures
from models.data.own.workers import in_chunks, spread
from models.data.pictures import PictureError, Reading, scaled
from models.system.files import StorageError

CHUNK = 256  # pictures decoded between two notes of what is done
DONE = "done.jsonl"
HASH_BYTES = 8  # of an image


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
    tasks = [
        (plan.path, plan.pictures, plan.places[chunk.start : chunk.stop], rows[chunk], plan.shape, plan.fit,
         plan.background, chunk.start)
        for chunk in in_chunks(count, CHUNK) if chunk.start not in done
    ]  # fmt: skip
    finished = sum(len(hashes) for _, hashes in done.values())
    with notes.open("a", encoding="utf-8") as file:
        for task, (failed, hashes) in spread(_decode_chunk, tasks):
            done[task[-1]] = (failed, hashes)
            file.write(json.dumps([task[-1], failed, hashes]) + "\n")
            file.flush()
            finished += len(hashes)
            tell(finished / count, "Decoding the pictures")
    reasons = {start + n: reason for start, (failed, _) in done.items() for n, reason in failed}
    notes.unlink()  # what is cut short from here on is decoded anew
    _compact(plan, {int(rows[row]) for row in reasons})
    return reasons, len({each for _, hashes in done.values() for each in hashes if each})


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


def _notes(path: Path) -> dict[int, tuple[list[tuple[int, str]], list[str]]]:
    """The chunks that are done, by their start; a line that was cut short is passed over."""
    done = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            start, failed, hashes = json.loads(line)
            done[int(start)] = (
                [(int(n), str(reason)) for n, reason in failed],
                [str(each) for each in hashes],
            )
        except (ValueError, TypeError):
            continue
    return done


def _decode_chunk(task: tuple[Any, ...]) -> tuple[list[tuple[int, str]], list[str]]:
    """Decodes pictures into their rows; those that failed with their reasons, and a hash of each image ("" of none)."""
    path, pictures, places, rows, shape, fit, background, _ = task
    images = np.load(path, mmap_mode="r+", allow_pickle=False)
    reading = Reading.lenient(background, alpha=shape[0] == 4)
    failed, hashes = [], []
    for n, (place, row) in enumerate(zip(places, rows.tolist(), strict=True)):
        try:
            pixels = scaled(pictures.picture(place, reading), shape, fit, background)
        except PictureError as error:
            failed.append((n, str(error)))
            hashes.append("")
            continue
        images[row] = pixels
        hashes.append(hashlib.blake2b(pixels.tobytes(), digest_size=HASH_BYTES).hexdigest())
    images.flush()
    return failed, hashes


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
