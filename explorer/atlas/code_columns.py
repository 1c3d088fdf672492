"""Latents of a codebook, written down as the codes they are made of instead of as numbers.

A latent of several levels, each a grid of vectors that come from a short list: of each place only the vector's number
is kept, and the lists stand beside it. Nothing is lost; 5,000 latents of 784 numbers take 0.2 instead of 6.7 MB.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.base import Level

__all__ = ["read_words", "rows_of", "words_of", "written"]

Array = NDArray[np.float32]
Words = NDArray[np.uint16]

VECTORS_AT_MOST = 1 << 16  # that two bytes can tell apart
SIDE_AT_MOST = 4096  # of a level, and numbers in a vector


def words_of(rows: Array, levels: Sequence[Level]) -> tuple[Words, list[Array]]:
    """Finds the vectors that latents are made of.

    Arguments:
        rows: Latents (N, D), all levels end to end, each (numbers a place, rows, columns).
        levels: What lies in a latent.

    Returns:
        The number of the vector at each place, (N, places of all levels); and of each level its vectors, (K, numbers).

    Raises:
        ValueError: If a level has more different vectors than two bytes can tell apart.
    """
    found, lists, start = [], [], 0
    for level in levels:
        size, places = level.shape[0], math.prod(level.shape[1:])
        own = rows[:, start : start + size * places].reshape(len(rows), size, places)
        vectors, numbers = np.unique(own.swapaxes(1, 2).reshape(-1, size), axis=0, return_inverse=True)
        if len(vectors) > VECTORS_AT_MOST:
            raise ValueError(
                f"`rows` must have at most {VECTORS_AT_MOST} different vectors. Got {len(vectors)}."
            )
        found.append(numbers.reshape(len(rows), places).astype(np.uint16))
        lists.append(vectors)
        start += size * places
    return np.concatenate(found, axis=1), lists


def rows_of(words: Words, levels: Sequence[Level], lists: Sequence[Array]) -> Array:
    """Latents (N, D) from what `words_of` gave.

    Raises:
        ValueError: If the words are too few or too many for the levels, or name a vector that is not there.
    """
    places = [math.prod(level.shape[1:]) for level in levels]
    if words.shape[1] != sum(places):
        raise ValueError(f"a row must have {sum(places)} codes. Got {words.shape[1]}")
    parts, start = [], 0
    for count, vectors in zip(places, lists, strict=True):
        own = words[:, start : start + count]
        if own.max(initial=0) >= len(vectors):
            raise ValueError(f"a code must be below {len(vectors)}. Got {own.max()}")
        parts.append(vectors[own].swapaxes(1, 2).reshape(len(words), -1))
        start += count
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def written(levels: Sequence[Level], lists: Sequence[Array]) -> list[dict[str, Any]]:
    """The levels and their vectors as JSON values."""
    return [
        {"name": level.name, "shape": list(level.shape),
         "vectors": base64.b64encode(vectors.astype("<f4").tobytes()).decode("ascii")}
        for level, vectors in zip(levels, lists, strict=True)
    ]  # fmt: skip


def read_words(values: Sequence[Mapping[str, Any]]) -> tuple[list[Level], list[Array]]:
    """Levels and vectors from untrusted JSON values that `written` made.

    Raises:
        ValueError, LookupError or TypeError: If they are anything else.
    """
    levels, lists = [], []
    for value in values:
        shape = value["shape"]
        if len(shape) != 3 or not all(type(n) is int and 1 <= n <= SIDE_AT_MOST for n in shape):
            raise ValueError(f"a level must have a shape of three sides. Got {str(shape)[:40]}")
        raw = base64.b64decode(value["vectors"], validate=True)
        vectors = np.frombuffer(raw, "<f4").reshape(-1, shape[0]).astype(np.float32)
        if not 1 <= len(vectors) <= VECTORS_AT_MOST or not np.isfinite(vectors).all():
            raise ValueError("the vectors of a level must be finite numbers")
        levels.append(Level(str(value["name"])[:40], (shape[0], shape[1], shape[2])))
        lists.append(vectors)
    if not levels:
        raise ValueError("codes must have at least one level")
    return levels, lists
