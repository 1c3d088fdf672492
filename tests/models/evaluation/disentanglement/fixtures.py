"""Codes of which the answer is known: the true factors, noise, and the factors turned against the axes."""

from __future__ import annotations

import numpy as np

from models.evaluation.disentanglement.arrays import Array


def grid(count: int = 3000, factors: int = 5, values: int = 10, seed: int = 0) -> Array:
    """Independent factors of a few values each, shape (count, factors)."""
    return np.random.default_rng(seed).integers(0, values, (count, factors)).astype(np.float64)


def noise(count: int = 3000, size: int = 5, seed: int = 1) -> Array:
    """Codes that know nothing, shape (count, size)."""
    return np.random.default_rng(seed).standard_normal((count, size))


def rotated(factors: Array, seed: int = 2) -> Array:
    """The factors turned by a random rotation: nothing is lost, and no axis stands for a factor."""
    size = factors.shape[1]
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]
    return factors @ turn
