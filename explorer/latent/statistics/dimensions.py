r"""Importance of latent dimensions, and traversals along each.

KL of dimension d, mean over images:  1/N sum_n KL(N(m_nd, s_nd^2) || N(0, 1)), in nats

Deterministic latents have no such divergence; their dimensions are ordered by variance over the images.

References:
    | beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework (Higgins et al., 2017)
    | https://openreview.net/forum?id=Sy2fzU9gl
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.blocks import mean_of_blocks, moments
from explorer.latent.statistics.densities import kl_to_prior

__all__ = ["Weighed", "traversal", "weigh"]


class Weighed(NamedTuple):
    """The dimensions of a latent space, most important first."""

    order: NDArray[np.int64]  # (D,)
    values: NDArray[np.float64]  # (D,), in that order
    by_kl: bool  # values are KL in nats; otherwise variances over the images


def weigh(mean: ArrayLike, std: ArrayLike | None) -> Weighed:
    """Orders the dimensions.

    Arguments:
        mean: Posterior means of the images, shape (N, D).
        std: Posterior standard deviations, same shape; None for a deterministic latent.
    """
    means = np.asarray(mean)
    if std is None:
        values = moments(means)[1]
    else:
        deviations = np.asarray(std)
        values = mean_of_blocks(len(means), lambda rows: kl_to_prior(means[rows], deviations[rows]))
    order = np.argsort(-values, kind="stable")
    return Weighed(order, values[order], std is not None)


def traversal(latent: ArrayLike, dimension: int, values: ArrayLike) -> NDArray[np.float32]:
    """Copies of a latent with one dimension set to each of the values.

    Arguments:
        latent: Shape (D,).
        dimension: Index of the dimension.
        values: Shape (T,).

    Returns:
        float32, shape (T, D).

    Raises:
        ValueError: If there is no such dimension.
    """
    centre, at = np.asarray(latent, np.float32), np.asarray(values, np.float32)
    if not 0 <= dimension < len(centre):
        raise ValueError(f"`dimension` must lie in 0..{len(centre) - 1}. Got {dimension}.")
    rows = np.repeat(centre[None], len(at), axis=0)
    rows[:, dimension] = at
    return rows
