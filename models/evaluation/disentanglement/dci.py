r"""DCI: disentanglement, completeness and informativeness, from the feature importances of boosted trees.

R_dk >= 0 the importance of dimension d for factor k, with sum_d R_dk = 1
D = sum_d rho_d (1 - H_F(R_d. / sum_k R_dk)),   rho_d = sum_k R_dk / sum R   one factor per dimension
C = sum_k rho_k (1 - H_D(R_.k))                                              one dimension per factor
I = mean_k of how well factor k is predicted from all dimensions, on other images

H_n is the entropy to the base n. The trees are disentanglement_lib's, scikit-learn's gradient boosting with 100
rounds of depth 3, and R is the decrease of impurity by their splits. Each dimension is replaced by its rank in 64 levels: trees use
thresholds only, so this hardly changes the result and makes the search several times faster. A continuous factor gets
a regressor and is scored by R^2.

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
    "n_estimators": 100,  # rounds, each with a tree per class
    "max_depth": 3,
    "learning_rate": 0.1,
    "random_state": 0,  # chooses between equally good splits, so that copies of a dimension share the importance
}
RANKS = 64


@dataclass(frozen=True, eq=False)
class DCI:
    """The three scores and the values they are computed from."""

    importance: Array  # (D, F), columns sum to 1
    per_factor: Array  # (F,), accuracy of a discrete factor, R^2 (0 at least) of a continuous one

    @property
    def disentanglement(self) -> float:
        """Whether each dimension encodes one factor only, in [0, 1]."""
        return disentanglement(self.importance)

    @property
    def completeness(self) -> float:
        """Whether each factor is encoded by one dimension only, in [0, 1]."""
        return completeness(self.importance)

    @property
    def informativeness(self) -> float:
        """How well the factors are predicted from all latents: mean of `per_factor`."""
        return float(self.per_factor.mean())


def dci(
    latents: Array, factors: Array, test_latents: Array, test_factors: Array, discrete: NDArray[np.bool_]
) -> DCI:
    """Fits boosted trees to each factor and measures their feature importances.

    Arguments:
        latents: Posterior means to fit on, shape (N, D).
        factors: True factors, shape (N, F).
        test_latents: Posterior means of other images, shape (M, D).
        test_factors: Their factors, shape (M, F).
        discrete: Which factors are classes, shape (F,).

    Raises:
        ValueError: If the arrays do not match or a factor is constant.
    """
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    check(latents, factors)
    known, asked = ranks(latents, latents), ranks(test_latents, latents)

    def grow(k: int) -> tuple[Array, float]:
        trees = (GradientBoostingClassifier if discrete[k] else GradientBoostingRegressor)(**TREES)
        trees.fit(known, factors[:, k])
        return trees.feature_importances_, max(float(trees.score(asked, test_factors[:, k])), 0.0)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # fitting a tree releases the interpreter lock
        importance, per_factor = zip(*pool.map(grow, range(factors.shape[1])), strict=True)
    return DCI(np.stack(importance, axis=1), np.array(per_factor))


def ranks(latents: Array, like: Array, levels: int = RANKS) -> NDArray[np.float32]:
    """The quantile bin of each value among those of `like` (M, D): shape of `latents` (N, D)."""
    edges = np.quantile(like, np.arange(1, levels) / levels, axis=0)
    columns = zip(edges.T, latents.T, strict=True)
    return np.stack([np.searchsorted(edge, column, side="right") for edge, column in columns], 1).astype(
        np.float32
    )


def disentanglement(importance: Array) -> float:
    """Weighted mean over dimensions of how far each is important for one factor only, from importances (D, F)."""
    return float(np.average(concentration(importance.T), weights=_weights(importance.sum(1))))


def completeness(importance: Array) -> float:
    """Weighted mean over factors of how far each depends on one dimension only, from importances (D, F)."""
    return float(np.average(concentration(importance), weights=_weights(importance.sum(0))))


def concentration(importance: Array) -> Array:
    """1 minus the entropy of each column (n, m), to the base n: 1 if all mass is in one row, 0 if uniform."""
    size = len(importance)
    if size == 1:
        return np.ones(importance.shape[1])
    share = importance + 1e-11  # as in disentanglement_lib: a column of zeros counts as uniform
    certain: Array = 1 - entr(share / share.sum(0)).sum(0) / np.log(size)
    return certain


def _weights(total: Array) -> Array:
    return total if total.sum() > 0 else np.ones_like(total)
