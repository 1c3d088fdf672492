"""Tests of finding pictures that look alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.data import open_images
from models.data.own.duplicates import alike
from tests.models.data.own import folder_of, picture, saved


def test_copies_are_found_and_others_are_not(tmp_path: Path) -> None:
    files: dict[str, bytes | int | str] = {f"{n}.png": saved(picture(n, (64, 64))) for n in range(12)}
    files |= {
        "3 small.jpg": saved(picture(3, (64, 64)).resize((50, 50)), "JPEG"),
        "white.png": saved(picture(0).point(lambda _: 255)),
        "black.png": saved(picture(0).point(lambda _: 0)),
        "cut.png": saved(picture(1, (64, 64)))[:900],
    }
    found = open_images(folder_of(tmp_path, files))
    told: list[float] = []
    pairs = found.near_duplicates(lambda share, what: told.append(share))
    keys = [item.key for item in found.items]
    assert [{keys[a], keys[b]} for a, b, _ in pairs] == [{"3.png", "3 small.jpg"}]
    assert told[-1] == 1


def test_pairs_are_those_of_a_plain_comparison() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 700, np.uint64)
    hashes[600:] = hashes[:100] ^ (np.uint64(1) << rng.integers(0, 64, 100, np.uint64))
    small = np.repeat(rng.integers(0, 255, (100, 12), np.uint8), 7, axis=0)
    small[600:] = small[:100]
    wanted = {
        (a, b)
        for a in range(700)
        for b in range(a + 1, 700)
        if int(hashes[a] ^ hashes[b]).bit_count() <= 5 and np.abs(small[a].astype(int) - small[b]).mean() <= 6
    }
    assert {(a, b) for a, b, _ in alike(hashes, small)} == wanted and len(wanted) >= 100
