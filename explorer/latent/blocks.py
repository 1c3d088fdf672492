"""Sums over many latents, block by block in float64, so that a million of them are never copied as a whole; samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["BLOCK", "blocks", "covariance", "group_sums", "mean_of_blocks", "moments", "sample_rows"]

BLOCK = 1 << 15  # rows at once

Floats = NDArray[np.float64]


def blocks(count: int, rows: int = BLOCK) -> Iterator[slice]:
    """Slices of `rows` rows that cover `count` rows."""
    for start in range(0, count, rows):
        yield slice(start, min(start + rows, count))


def sample_rows(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` of `count` rows, ascending: all, or a random sample, always the same."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def mean_of_blocks(count: int, values: Callable[[slice], Floats]) -> Floats:
    """The mean over `count` rows of what `values` gives for each slice of them, shape (rows, *)."""
    total = sum(values(rows).sum(0) for rows in blocks(count))
    found: Floats = total / count
    return found


def moments(z: ArrayLike) -> tuple[Floats, Floats]:
    """Mean and variance of each dimension of latents (N, D), shape (D,) each."""
    latents = np.asarray(z)
    total = np.zeros(latents.shape[1])
    for rows in blocks(len(latents)):
        total += latents[rows].sum(0, np.float64)
    mean = total / len(latents)
    square = np.zeros_like(mean)
    for rows in blocks(len(latents)):
        square += np.square(latents[rows] - mean).sum(0)
    return mean, square / len(latents)


def covariance(z: ArrayLike) -> tuple[Floats, Floats]:
    """Mean (D,) and covariance (D, D) of latents (N, D), divided by N."""
    latents = np.asarray(z)
    mean, _ = moments(latents)
    found = np.zeros((len(mean), len(mean)))
    for rows in blocks(len(latents)):
        centred = latents[rows] - mean
        found += centred.T @ centred
    return mean, found / len(latents)


def group_sums(z: ArrayLike, groups: NDArray[np.bool_]) -> Floats:
    """The sum of the latents (N, D) in each group.

    Arguments:
        z: Latents, shape (N, D).
        groups: Which latents are in each of K groups, shape (K, N).

    Returns:
        Shape (K, D).
    """
    latents = np.asarray(z)
    found = np.zeros((len(groups), latents.shape[1]))
    for rows in blocks(len(latents)):
        found += groups[:, rows].astype(np.float64) @ latents[rows].astype(np.float64)
    return found
