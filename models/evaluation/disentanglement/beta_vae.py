r"""The beta-VAE score: whether a linear classifier recognises from differences which factor two images share.

x_d = mean over a batch of pairs of |z_1d - z_2d|, where the two images of every pair share factor k

The score is the accuracy of logistic regression of k on x, on new batches. Chance is 1/F. The features are
standardised first, so that the score does not depend on the scale of the latents.

References:
    | beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework (Higgins et al., 2017)
    | https://openreview.net/forum?id=Sy2fzU9gl
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.evaluation.disentanglement.arrays import Array, standardise
from models.evaluation.disentanglement.sources import FactorSource, batch_sizes

__all__ = ["beta_vae_score", "linear_accuracy", "mean_differences"]

STEPS = 1000  # most iterations of the solver


def beta_vae_score(source: FactorSource, rng: np.random.Generator, *, train: int, test: int) -> float:
    """Accuracy of the linear classifier, in [0, 1].

    Arguments:
        source: Source of pairs that share a factor.
        rng: Random generator.
        train: Batches to fit on, divided evenly among the factors.
        test: Batches to test on, divided evenly among the factors.
    """
    factors = range(source.groups.shape[1])
    known = [mean_differences(source, k, train // len(factors), rng) for k in factors]
    asked = [mean_differences(source, k, test // len(factors), rng) for k in factors]
    return linear_accuracy(known, asked)


def mean_differences(source: FactorSource, factor: int, count: int, rng: np.random.Generator) -> Array:
    """Mean |z_1 - z_2| of each dimension in `count` batches of pairs that share a factor, shape (count, D)."""
    parts = [source.pairs(factor, part, rng) for part in batch_sizes(count)]
    return np.concatenate([np.abs(first - second).mean(1) for first, second in parts])


def linear_accuracy(train: Sequence[Array], test: Sequence[Array]) -> float:
    """Accuracy of logistic regression.

    Arguments:
        train: For each factor, the features of the batches that share it, shape (B, D).
        test: The same of other batches.

    Returns:
        Share of the test batches whose factor is predicted correctly.
    """
    from sklearn.linear_model import LogisticRegression

    known, asked = np.concatenate(train), np.concatenate(test)
    labels = [np.repeat(np.arange(len(part)), [len(each) for each in part]) for part in (train, test)]
    machine = LogisticRegression(max_iter=STEPS).fit(standardise(known), labels[0])
    return float(machine.score(standardise(asked, known), labels[1]))
