r"""DCI: disentanglement, completeness and informativeness, from what boosted trees look at.

R_dk >= 0 the importance of code d for factor k, with sum_d R_dk = 1
D = sum_d rho_d (1 - H_F(R_d. / sum_k R_dk)),   rho_d = sum_k R_dk / sum R   one factor a code
C = sum_k rho_k (1 - H_D(R_.k))                                              one code a factor
I = mean_k of how well factor k is told from all codes, on other images

H_n is the entropy to the base n. The trees are disentanglement_lib's, scikit-learn's gradient boosting with 100
rounds of depth 3, and R is the impurity that their splits take away. They see each code by its rank, in 64 levels:
a tree asks for thresholds only, so this hardly changes what it finds and makes the search several times faster. A
continuous factor gets a regressor and is scored by R^2.

References:
    | A Framework for the Quantitative Evaluation of Disentangled Representations (Eastwood & Williams, 2018)
    | https://openreview.net/forum?id=By-7dz-AZ
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from models.evaluation.disentanglement.arrays import Array, check

__all__ = ["DCI", "completeness", "dci", "disentanglement", "ranks"]

TREES: dict[str, Any] = {
    "n_estimators": 100,  # rounds, a tree a class in each
    "max_depth": 3,
    "learning_rate": 0.1,
    "random_state": 0,  # decides between equally good splits, so that copies of a code share the importance
}
RANKS = 64


@dataclass(frozen=True, eq=False)
class DCI:
    """The three scores and what they come from."""

    importance: Array  # (D, F), columns sum to 1
    per_factor: Array  # (F,), accuracy of a discrete factor, R^2 (0 at least) of a continuous one

    @property
    def disentanglement(self) -> float:
        """Does each dimension encode one factor only? In [0, 1]."""
        return disentanglement(self.importance)

    @property
    def completeness(self) -> float:
        """Is each factor encoded by one dimension only? In [0, 1]."""
        return completeness(self.importance)

    @property
    def informativeness(self) -> float:
        """How well the factors are predicted from all latents: mean of `per_factor`."""
        return float(self.per_factor.mean())


def dci(
    codes: Array, factors: Array, test_codes: Array, test_factors: Array, discrete: NDArray[np.bool_]
) -> DCI:
    """Grows trees for each factor and measures what they look at.

    Arguments:
        codes: Mean codes to fit on, shape (N, D).
        factors: True factors, shape (N, F).
        test_codes: Codes of other images, shape (M, D).
        test_factors: Their factors, shape (M, F).
        discrete: Which factors are classes, shape (F,).

    Raises:
        ValueError: If the arrays do not fit or a factor is constant.
    """
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    check(codes, factors)
    known, asked = ranks(codes, codes), ranks(test_codes, codes)

    def grow(k: int) -> tuple[Array, float]:
        trees = (GradientBoostingClassifier if discrete[k] else GradientBoostingRegressor)(**TREES)
        trees.fit(known, factors[:, k])
        return trees.feature_importances_, max(float(trees.score(asked, test_factors[:, k])), 0.0)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # growing a tree lets go of the interpreter
        importance, per_factor = zip(*pool.map(grow, range(factors.shape[1])), strict=True)
    return DCI(np.stack(importance, axis=1), np.array(per_factor))


def ranks(codes: Array, like: Array, levels: int = RANKS) -> NDArray[np.float32]:
    """Each code's level among those of `like` (M, D), cut at its quantiles: shape of `codes` (N, D)."""
    edges = np.quantile(like, np.arange(1, levels) / levels, axis=0)
    columns = zip(edges.T, codes.T, strict=True)
    return np.stack([np.searchsorted(edge, code, side="right") for edge, code in columns], 1).astype(
        np.float32
    )


def disentanglement(importance: Array) -> float:
    """Weighed mean over codes of how much each looks like one factor's, from importances (D, F)."""
    return float(np.average(concentration(importance.T), weights=_weights(importance.sum(1))))


def completeness(importance: Array) -> float:
    """Weighed mean over factors of how much each hangs on one code, from importances (D, F)."""
    return float(np.average(concentration(importance), weights=_weights(importance.sum(0))))


def concentration(importance: Array) -> Array:
    """1 less the entropy of each column (n, m), to the base n: 1 where all stands in one row, 0 where even."""
    size = len(importance)
    if size == 1:
        return np.ones(importance.shape[1])
    share = importance + 1e-11  # disentanglement_lib's: a column of zeros counts as even
    certain: Array = 1 - entr(share / share.sum(0)).sum(0) / np.log(size)
    return certain


def _weights(total: Array) -> Array:
    return total if total.sum() > 0 else np.ones_like(total)
