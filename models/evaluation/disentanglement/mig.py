r"""MIG, the mutual information gap: whether each factor is encoded by exactly one dimension.

MIG = mean_k (I(z_1; v_k) - I(z_2; v_k)) / H(v_k),   z_1, z_2 the two dimensions with the most information on v_k

Posterior means are cut into 20 bins of equal width, as in disentanglement_lib. There every factor has few values; here
one with more values than bins, such as a continuous one, is cut into as many bins. Without that, a factor of V > 20
values would have the ceiling log 20 / log V: 0.86 for 32 values, 0.81 for 40, however good the latents. With few images,
mutual information is overestimated by about (20 - 1)^2 / 2N nats for 20 bins each: compare metrics of equally many
images.

References:
    | Isolating Sources of Disentanglement in Variational Autoencoders (Chen et al., 2018)
    | https://arxiv.org/abs/1802.04942
    | Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations
    | (Locatello et al., 2018), https://arxiv.org/abs/1811.12359
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from models.evaluation.disentanglement.arrays import Array, check, gap

__all__ = ["BINS", "cut", "mutual_information", "mutual_information_gap"]

BINS = 20

Bins = NDArray[np.int64]


def cut(values: Array, bins: int = BINS) -> Bins:
    """Cuts each column of (N, D) into bins of equal width over its range; bin numbers from 0, same shape."""
    edges = np.linspace(values.min(0), values.max(0), bins + 1)[1:-1]
    columns = zip(edges.T, values.T, strict=True)
    return np.stack([np.searchsorted(edge, column, side="right") for edge, column in columns], axis=1)


def classes(factor: Array, most: int | None = BINS) -> Bins:
    """A factor (N,) as numbers from 0: its values, or bins of equal width if it has more than `most`."""
    distinct, number = np.unique(factor, return_inverse=True)
    if most is not None and len(distinct) > most:
        return cut(factor[:, None], most)[:, 0]
    return number.astype(np.int64)


def mutual_information(latents: Bins, factor: Bins) -> Array:
    """I(z_d; v) = H(z_d) + H(v) - H(z_d, v) from counts, in nats.

    Arguments:
        latents: Bins of the latents, shape (N, D).
        factor: Classes of one factor, shape (N,).

    Returns:
        Shape (D,).
    """
    (count, size), wide, high = latents.shape, latents.max() + 1, factor.max() + 1
    cell = (np.arange(size) * wide + latents) * high + factor[:, None]
    joint = np.bincount(cell.ravel(), minlength=size * wide * high).reshape(size, wide, high) / count
    marginal, both = entr(joint.sum(2)).sum(1), entr(joint).sum((1, 2))
    shared: Array = np.maximum(marginal + entropy(factor) - both, 0.0)
    return shared


def entropy(factor: Bins) -> float:
    """H(v) of classes (N,), in nats."""
    return float(entr(np.bincount(factor) / len(factor)).sum())


def mutual_information_gap(
    latents: Array, factors: Array, *, bins: int = BINS, factor_bins: int | None = BINS
) -> float:
    """MIG of latents and factors, in [0, 1].

    Arguments:
        latents: Posterior means, shape (N, D).
        factors: True factors, shape (N, F).
        bins: Bins of a dimension.
        factor_bins: Bins of a factor that has more values than that; None leaves factors unbinned, as in
            disentanglement_lib.

    Raises:
        ValueError: If the arrays do not match or a factor is constant.
    """
    check(latents, factors)
    cells = cut(latents, bins)
    numbers = [classes(factor, factor_bins) for factor in factors.T]
    known = np.stack([mutual_information(cells, number) / entropy(number) for number in numbers], axis=1)
    return float(gap(known).mean())
