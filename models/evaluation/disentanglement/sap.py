r"""SAP, separated attribute predictability: the gap between the best and the second-best single dimension.

SAP = mean_k (S_1k - S_2k),   S_dk how well dimension d alone predicts factor k

S is the squared correlation for a continuous factor, and for a discrete one the accuracy of a linear support
vector machine on other images (C = 0.01, classes weighted equally), as in disentanglement_lib. The latents are
standardised first, so that no score depends on their scale. A linear classifier of one dimension separates few classes:
with ten classes even the true factors score only 0.1 to 0.2, and of two classes the second-best dimension guesses half.

References:
    | Variational Inference of Disentangled Latent Concepts from Unlabeled Observations (Kumar et al., 2017)
    | https://arxiv.org/abs/1711.00848
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.evaluation.disentanglement.arrays import Array, check, gap, standardise

__all__ = ["accuracies", "separated_attribute_predictability", "squared_correlations"]

SOFTNESS = 0.01  # C of the support vector machine


def squared_correlations(latents: Array, factors: Array) -> Array:
    """Squared correlation of each dimension (N, D) with each factor (N, F), shape (D, F); 0 if constant."""
    correlation: Array = standardise(latents).T @ standardise(factors) / len(latents)
    return correlation**2


def accuracies(latents: Array, factor: Array, test_latents: Array, test_factor: Array) -> Array:
    """Accuracy of a linear classifier on each dimension alone, shape (D,).

    Arguments:
        latents: Standardised latents to fit on, shape (N, D).
        factor: Classes of one discrete factor, shape (N,).
        test_latents: Latents on the same scale, shape (M, D).
        test_factor: Their classes, shape (M,).
    """
    from sklearn.svm import LinearSVC

    right = []
    for column, test_column in zip(latents.T, test_latents.T, strict=True):
        machine = LinearSVC(C=SOFTNESS, class_weight="balanced", random_state=0)
        predicted = machine.fit(column[:, None], factor).predict(test_column[:, None])
        right.append((predicted == test_factor).mean())
    return np.array(right, np.float64)


def separated_attribute_predictability(
    latents: Array, factors: Array, test_latents: Array, test_factors: Array, discrete: NDArray[np.bool_]
) -> float:
    """SAP of latents and factors, in [0, 1].

    Arguments:
        latents: Posterior means, shape (N, D).
        factors: True factors, shape (N, F).
        test_latents: Posterior means of other images, shape (M, D), on which classifiers are scored.
        test_factors: Their factors, shape (M, F).
        discrete: Which factors are classes, shape (F,).

    Raises:
        ValueError: If the arrays do not match or a factor is constant.
    """
    check(latents, factors)
    known = squared_correlations(latents, factors)
    fit, other = standardise(latents), standardise(test_latents, latents)
    for k in np.flatnonzero(discrete):
        known[:, k] = accuracies(fit, factors[:, k], other, test_factors[:, k])
    return float(gap(known).mean())
