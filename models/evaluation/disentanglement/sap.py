r"""SAP, separated attribute predictability: how far the best single code is ahead of the second.

SAP = mean_k (S_1k - S_2k),   S_dk how well code d alone tells factor k

S is the squared correlation for a continuous factor, and for a discrete one the accuracy of a linear support
vector machine on other images (C = 0.01, classes weighed alike), as in disentanglement_lib. The codes are
standardised first, so that no score depends on their scale. One code and straight lines tell few classes apart:
where factors have ten, even the true factors score 0.1 to 0.2, and of a yes or no the second-best code guesses half.

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


def squared_correlations(codes: Array, factors: Array) -> Array:
    """Squared correlation of each code (N, D) with each factor (N, F), shape (D, F); 0 for a still code."""
    correlation: Array = standardise(codes).T @ standardise(factors) / len(codes)
    return correlation**2


def accuracies(codes: Array, factor: Array, test_codes: Array, test_factor: Array) -> Array:
    """Accuracy of a linear classifier on each code alone, shape (D,).

    Arguments:
        codes: Standardised codes to fit on, shape (N, D).
        factor: Classes of one discrete factor, shape (N,).
        test_codes: Codes on the same scale, shape (M, D).
        test_factor: Their classes, shape (M,).
    """
    from sklearn.svm import LinearSVC

    right = []
    for code, test_code in zip(codes.T, test_codes.T, strict=True):
        machine = LinearSVC(C=SOFTNESS, class_weight="balanced", random_state=0)
        found = machine.fit(code[:, None], factor).predict(test_code[:, None])
        right.append((found == test_factor).mean())
    return np.array(right, np.float64)


def separated_attribute_predictability(
    codes: Array, factors: Array, test_codes: Array, test_factors: Array, discrete: NDArray[np.bool_]
) -> float:
    """SAP of codes against the factors behind them, in [0, 1].

    Arguments:
        codes: Mean codes, shape (N, D).
        factors: True factors, shape (N, F).
        test_codes: Codes of other images, shape (M, D), on which classifiers are scored.
        test_factors: Their factors, shape (M, F).
        discrete: Which factors are classes, shape (F,).

    Raises:
        ValueError: If the arrays do not fit or a factor is constant.
    """
    check(codes, factors)
    known = squared_correlations(codes, factors)
    fit, other = standardise(codes), standardise(test_codes, codes)
    for k in np.flatnonzero(discrete):
        known[:, k] = accuracies(fit, factors[:, k], other, test_factors[:, k])
    return float(gap(known).mean())
