"""Divides images into training, validation and test splits: seeded, stratified by class, or by group.

The rank of an image depends only on the seed and its name, so adding an image changes the split of few others.
"""

from __future__ import annotations

__all__ = ["draw", "place"]

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST = 3  # number of images from which every split has one


def place(key: str, seed: int) -> int:
    """Hashes the seed and a name to an integer in [0, 2^64), by which images are ordered at random."""
    digest = hashlib.blake2b(f"{seed}|{key}".encode("utf-8", "surrogateescape"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def draw(
    keys: Sequence[str],
    own: Sequence[str],
    *,
    strata: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
) -> list[str]:
    """Draws the split of each image.

    Splits of the source are kept if they include training images, from which missing splits are drawn.

    Arguments:
        keys: Names of the N images.
        own: Splits of the source, "" if it has none.
        strata: Classes, whose shares are preserved, or None.
        groups: Groups, which are not divided, "" for an image without a group; None for no groups.
        validation: Share of all images, or of the training images of the source.
        test: Share of all images, or of the training images of the source.
        seed: Seed of the draw.

    Returns:
        "train", "validation" or "test", N times.
    """
    if "train" not in own or "" in own:
        own = ["train"] * len(keys)
    splits = np.array(own, dtype=object)
    for split, share in (("test", test), ("validation", validation)):
        if split in own or share <= 0:
            continue
        rows = np.flatnonzero(splits == "train")
        kept = share if split == "test" or "test" in own else share / max(1e-9, 1 - test)
        splits[_drawn(rows, keys, strata, groups, kept, seed)] = split
    return [str(split) for split in splits]


def _drawn(
    rows: NDArray[np.int64],
    keys: Sequence[str],
    strata: Sequence[str] | None,
    groups: Sequence[str] | None,
    share: float,
    seed: int,
) -> list[int]:
    """Draws rows from the training images: about `share` of them, but not all."""
    wanted = round(len(rows) * share)
    if len(keys) >= LEAST and len(rows) > 1:
        wanted = max(1, wanted)
    order = sorted(rows.tolist(), key=lambda row: place(keys[row], seed))
    if groups is not None:
        return _whole_groups(order, groups, wanted, seed)
    if strata is None:
        return order[: min(wanted, len(order) - 1)]
    by_class: dict[str, list[int]] = defaultdict(list)
    for row in order:
        by_class[strata[row]].append(row)
    found: list[int] = []
    carry = 0.0
    for name in sorted(by_class):
        members = by_class[name]
        exact = len(members) * share + carry
        count = max(0, min(round(exact), len(members) - 1))
        carry = exact - count
        found += members[:count]
    return found or order[: min(wanted, len(order) - 1)]


def _whole_groups(order: Sequence[int], groups: Sequence[str], wanted: int, seed: int) -> list[int]:
    """Draws whole groups in a random order until about `wanted` images are drawn."""
    members: dict[str, list[int]] = defaultdict(list)
    for row in order:
        members[groups[row] or f"\0{row}"].append(row)
    found: list[int] = []
    for name in sorted(members, key=lambda name: place(name, seed)):
        group = members[name]
        nearer = abs(len(found) + len(group) - wanted) < abs(len(found) - wanted)
        if nearer and len(found) + len(group) < len(order):
            found += group
    return found
