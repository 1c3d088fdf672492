r"""Near-duplicate pictures, found by a perceptual hash (dHash): the signs of 8×8 horizontal gradients.

h(x) = [g_{i,j} < g_{i,j+1}],   distance = \|h(x) - h(y)\|_1,   g = x in grey at 9×8 pixels

Uniform pictures have the same hash, so small copies in colour are compared too.

References:
    | Kind of Like That (Krawetz, 2013), dHash
    | https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
"""

from __future__ import annotations

__all__ = ["Pair", "alike", "near_duplicates"]

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.own.records import Report
from models.data.own.sources import Pictures
from models.data.own.tasks import SMALL, Task
from models.data.own.workers import in_chunks, spread

Pair = tuple[int, int, int]  # row, row, distance in bits

COMPARED_AT_MOST = 20_000  # pictures; of more, an evenly spaced sample
PAIRS_AT_MOST = 1_000
BITS = 5  # largest distance, of 64 bits
LEVELS = 6.0  # largest mean difference of the small copies, of 255
CHUNK, BLOCK = 250, 512  # pictures per task, and per block of comparisons


def near_duplicates(pictures: Pictures, places: Sequence[Any], report: Report | None = None) -> list[Pair]:
    """Finds near-duplicates: pairs of rows with their distance in bits, the closest first, at most `PAIRS_AT_MOST`.

    Arguments:
        pictures: Source of the pictures.
        places: N places in the source.
        report: Called with the share done, 0 to 1, and the current task.
    """
    rows = np.arange(len(places))
    if len(rows) > COMPARED_AT_MOST:
        rows = np.linspace(0, len(places) - 1, COMPARED_AT_MOST).astype(np.int64)
    hashes, small = np.zeros(len(rows), np.uint64), np.zeros((len(rows), 3 * SMALL**2), np.uint8)
    sound = np.zeros(len(rows), bool)
    chunks = in_chunks(len(rows), CHUNK)
    tasks: list[Task] = [{"do": "hashes", "places": [places[rows[n]] for n in chunk]} for chunk in chunks]
    done = 0
    with closing(spread(pictures, tasks)) as results:
        for number, found in results:
            for n, each in zip(chunks[number], found, strict=True):
                if each is not None:  # damaged pictures are reported when they are decoded
                    hashes[n], sound[n] = each[0], True
                    small[n] = np.frombuffer(bytes.fromhex(each[1]), np.uint8)
            done += len(found)
            if report:
                report(done / len(rows), "Looking for near-duplicates")
    kept = np.flatnonzero(sound)
    return [(int(rows[kept[a]]), int(rows[kept[b]]), d) for a, b, d in alike(hashes[kept], small[kept])]


def alike(hashes: NDArray[np.uint64], small: NDArray[np.uint8]) -> list[Pair]:
    """Finds pairs of positions with similar hashes (N,) and small copies (N, K), the closest first."""
    found: list[tuple[int, float, int, int]] = []
    for start in range(0, len(hashes), BLOCK):
        block = hashes[start : start + BLOCK]
        gaps = np.bitwise_count(block[:, None] ^ hashes[None, start:])
        first, second = np.nonzero(gaps <= BITS)
        later = second > first
        first, second = first[later], second[later]
        for part in np.array_split(np.arange(len(first)), max(1, len(first) // 100_000)):
            a, b = first[part] + start, second[part] + start
            differ = np.abs(small[a].astype(np.int16) - small[b]).mean(1)
            near = np.flatnonzero(differ <= LEVELS)
            found += zip(
                gaps[first[part], second[part]][near].tolist(),
                differ[near].tolist(),
                a[near].tolist(),
                b[near].tolist(),
                strict=True,
            )
        if len(found) > 10 * PAIRS_AT_MOST:
            found = sorted(found)[:PAIRS_AT_MOST]
    return [(a, b, bits) for bits, _, a, b in sorted(found)[:PAIRS_AT_MOST]]
