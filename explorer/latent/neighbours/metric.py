r"""The metric of the gauge: distances in which a dimension counts as far as the encoder is sure of it.

d(z)^2 = sum_d w_d (z_d - mu_d)^2  to the 10th nearest encoded image mu,
w_d    = var(mu_d) / (var(mu_d) + E[sigma_d^2]),

the share of the variance of the latents z = mu + sigma eps that is due to the images. An inactive dimension, whose mu
is constant and whose sigma is that of the prior, has the weight 0. A deterministic encoder has sigma = 0, and w = 1 in
every dimension that varies.

The reference of the gauge are the distances of draws from the posteriors of held-out images, each image's own latent
left out: what the model itself regards as a latent of an image is then as far away as it says.

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.blocks import moments
from explorer.latent.neighbours.exact import GAUGE_NEIGHBOUR, NeighbourSearch

__all__ = ["DRAWS", "HELD_OUT_FROM", "draw_distances", "metric_of"]

DRAWS = 1_000  # images whose posteriors give the reference
HELD_OUT_FROM = 100  # test images; with fewer, all images are drawn from
BLOCK = 1 << 23  # distances in memory at once, 32 MiB


def metric_of(mean: ArrayLike, std: ArrayLike | None) -> NDArray[np.float32]:
    """The factor sqrt(w) of each dimension, 0 to 1, shape (D,).

    Arguments:
        mean: Posterior means of the images, shape (N, D).
        std: Posterior standard deviations, same shape; None for a deterministic latent.
    """
    between = moments(mean)[1]
    within = np.zeros_like(between)
    if std is not None:
        centre, spread = moments(std)
        within = np.square(centre) + spread  # E[sigma^2]
    total = between + within
    weight = np.divide(between, total, out=np.zeros_like(between), where=total > 0)
    if not weight.any():  # all images at one point
        weight = np.ones_like(weight)
    factor: NDArray[np.float32] = np.sqrt(weight).astype(np.float32)
    return factor


def draw_distances(
    mean: ArrayLike,
    std: ArrayLike | None,
    held_out: ArrayLike,
    metric: ArrayLike,
    seed: int = 0,
    search: NeighbourSearch | None = None,
) -> NDArray[np.float64]:
    """Distances of posterior draws of held-out images to their 10th nearest other image, ascending.

    Arguments:
        mean: Posterior means of the images, shape (N, D).
        std: Posterior standard deviations, same shape; None for a deterministic latent.
        held_out: Which images the model was not fitted on, bool, shape (N,); with fewer than 100, all are drawn from.
        metric: From `metric_of`, shape (D,).
        seed: Of the choice of images and of the draws.
        search: Search among the images in this metric, used instead of all distances; None for all distances.

    Returns:
        Shape (R,), R at most 1,000.
    """
    rng = np.random.default_rng(seed)
    means = np.asarray(mean, np.float32)
    k = min(GAUGE_NEIGHBOUR, len(means) - 1)
    rows = np.flatnonzero(np.asarray(held_out, bool))
    if len(rows) < HELD_OUT_FROM:
        rows = np.arange(len(means))
    rows = np.sort(rng.choice(rows, min(DRAWS, len(rows)), replace=False))
    drawn = means[rows]
    if std is not None:
        drawn = drawn + np.asarray(std)[rows].astype(np.float32) * rng.standard_normal(
            drawn.shape, np.float32
        )
    if search is not None:
        index, distance = search.nearest(drawn, k + 1)
        distance[index == rows[:, None]] = np.inf
        return np.sort(np.sort(distance, axis=1)[:, k - 1])
    scale = np.asarray(metric, np.float32)
    centre = means.mean(0)
    items, points = (means - centre) * scale, (drawn - centre) * scale
    squares = np.einsum("nd,nd->n", items, items)
    distances = np.empty(len(rows))
    step = max(1, BLOCK // len(items))
    for start in range(0, len(rows), step):
        part = points[start : start + step]
        gaps = squares - 2 * (part @ items.T)
        gaps[np.arange(len(part)), rows[start : start + step]] = np.inf
        nearest = np.argpartition(gaps, k - 1, axis=1)[:, :k]
        exact = np.square(items[nearest] - part[:, None], dtype=np.float64).sum(2)
        distances[start : start + step] = np.sqrt(exact.max(1))
    distances.sort()
    return distances
