r"""The FactorVAE score: does the code that moves least name the factor that was held?

Hold one factor k in a batch of images, divide each code's variance in the batch by its variance over the data,
take the code d* with the least. A table of votes, k for each d*, is a classifier; the score is its accuracy on
new batches. Chance is 1/F.

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

SCALE_POINTS = 10_000  # images that a code's variance over the data is taken from


def factor_vae_score(source: FactorSource, rng: np.random.Generator, *, train: int, test: int) -> float:
    """Accuracy of the majority vote, in [0, 1].

    Arguments:
        source: Where batches with one factor held come from.
        rng: Source of the choices.
        train: Batches that vote, shared alike among the factors.
        test: Batches that are judged, shared alike among the factors.
    """
    factors = range(source.groups.shape[1])
    known = [batch_variances(source, k, train // len(factors), rng) for k in factors]
    asked = [batch_variances(source, k, test // len(factors), rng) for k in factors]
    data = source.codes[:SCALE_POINTS]
    return majority_accuracy(known, asked, np.where(varying(data), data.var(0, ddof=1), 0.0))


def batch_variances(source: FactorSource, factor: int, count: int, rng: np.random.Generator) -> Array:
    """Variance of each code in `count` batches that hold a factor, shape (count, D)."""
    parts = [source.batches(factor, part, rng).var(1, ddof=1) for part in batch_sizes(count)]
    return np.concatenate(parts)


def majority_accuracy(train: Sequence[Array], test: Sequence[Array], variance: Array) -> float:
    """Accuracy of the classifier that votes make.

    Arguments:
        train: For each factor, the codes' variances in batches that hold it, shape (B, D).
        test: The same of other batches.
        variance: Of each code over the data, shape (D,). A code that holds still, 0, has no vote.

    Returns:
        Share of the test batches whose factor is named; 0 where no code varies.
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
