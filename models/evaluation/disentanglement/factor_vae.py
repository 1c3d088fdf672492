r"""The FactorVAE score: whether the dimension that varies least identifies the factor that was held fixed.

Hold one factor k fixed in a batch of images, divide the variance of each dimension in the batch by its variance over
the data, and take the dimension d* with the least. The majority vote of k for each d* is a classifier; the score is its
accuracy on new batches. Chance is 1/F.

References:
    | Disentangling by Factorising (Kim & Mnih, 2018)
    | https://arxiv.org/abs/1802.05983
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.evaluation.disentanglement.arrays import Array, varying
from models.evaluation.disentanglement.sources import FactorSource, batch_sizes

__all__ = ["batch_variances", "factor_vae_score", "majority_accuracy"]

SCALE_POINTS = 10_000  # images for the variance over the data


def factor_vae_score(source: FactorSource, rng: np.random.Generator, *, train: int, test: int) -> float:
    """Accuracy of the majority vote, in [0, 1].

    Arguments:
        source: Source of batches with one factor held fixed.
        rng: Random generator.
        train: Batches that vote, divided evenly among the factors.
        test: Batches to test on, divided evenly among the factors.
    """
    factors = range(source.groups.shape[1])
    known = [batch_variances(source, k, train // len(factors), rng) for k in factors]
    asked = [batch_variances(source, k, test // len(factors), rng) for k in factors]
    data = source.latents[:SCALE_POINTS]
    return majority_accuracy(known, asked, np.where(varying(data), data.var(0, ddof=1), 0.0))


def batch_variances(source: FactorSource, factor: int, count: int, rng: np.random.Generator) -> Array:
    """Variance of each dimension in `count` batches with a factor held fixed, shape (count, D)."""
    parts = [source.batches(factor, part, rng).var(1, ddof=1) for part in batch_sizes(count)]
    return np.concatenate(parts)


def majority_accuracy(train: Sequence[Array], test: Sequence[Array], variance: Array) -> float:
    """Accuracy of the majority vote.

    Arguments:
        train: For each factor, the variances of the dimensions in batches that hold it fixed, shape (B, D).
        test: The same of other batches.
        variance: Variance of each dimension over the data, shape (D,). A constant dimension, 0, has no vote.

    Returns:
        Share of the test batches whose factor is predicted correctly; 0 if no dimension varies.
    """
    moves = variance > 0
    if not moves.any():
        return 0.0

    def votes(batches: Sequence[Array]) -> Array:
        least = [(each[:, moves] / variance[moves]).argmin(1) for each in batches]
        return np.stack([np.bincount(code, minlength=moves.sum()) for code in least]).astype(np.float64)

    named = votes(train).argmax(0)
    asked = votes(test)
    return float(asked[named, np.arange(len(named))].sum() / asked.sum())
