r"""Nearest neighbours in latent space: what every search answers, the exact search, and percentiles of distances.

|x - z|^2 = |x|^2 - 2 x.z + |z|^2 for all items is one float32 matrix product. Its rounding error is bounded, so a few
candidates are certain to contain the nearest; their distances are then computed in float64.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["GAUGE_NEIGHBOUR", "Gauge", "NeighbourSearch", "Neighbours", "percentile"]

GAUGE_NEIGHBOUR = 10  # the gauge reads the distance to this neighbour
SAMPLED = 16  # stride at which items are sampled to estimate a distance
BLOCKS = 64  # groups whose minima bound the k-th smallest distance


class Gauge(NamedTuple):
    """How far latents are from the items, shape (M,) each."""

    nearest: NDArray[np.int64]  # index of the nearest item
    distance: NDArray[np.float64]  # to the 10th nearest item, in the metric
    percentile: NDArray[np.float64] | None  # 0..100 among the `reference`; None without one

    def at(self, row: int) -> float | None:
        """One latent's percentile to two decimals."""
        return None if self.percentile is None else round(float(self.percentile[row]), 2)


class NeighbourSearch(ABC):
    """A search among the items of an atlas: their nearest neighbours, and the gauge of a latent."""

    exact: bool  # whether no nearest item is ever missed

    def __init__(self, shape: tuple[int, ...], metric: ArrayLike | None) -> None:
        """Checks the metric.

        Arguments:
            shape: (N, D) of the items.
            metric: Factor of each dimension in a distance, shape (D,), not negative; None for 1. See
                `explorer.latent.neighbours.metric`.

        Raises:
            ValueError: If a shape is wrong, or the metric negative.
        """
        if len(shape) != 2 or shape[0] == 0:
            raise ValueError(f"`z` must have the shape (N, D) with N > 0. Got {shape}.")
        self.count, self.dimensions = shape
        self.reference: NDArray[np.float64] | None = None
        self.metric: NDArray[np.float32] | None = None
        if metric is not None:
            self.metric = np.asarray(metric, np.float32)
            if self.metric.shape != shape[1:] or not (self.metric >= 0).all():
                raise ValueError(
                    f"`metric` must be {shape[1]} numbers of at least 0. Got shape {self.metric.shape}."
                )

    def __len__(self) -> int:
        """The number of items."""
        return self.count

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Memory that the search holds, bytes."""

    @property
    @abstractmethod
    def described(self) -> str:
        """How the search is done, one sentence for display."""

    @abstractmethod
    def points(self, index: ArrayLike) -> NDArray[np.float32]:
        """Latents of items in the metric, shape (*index.shape, D)."""

    @abstractmethod
    def _find(self, latents: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The `k` nearest items of checked latents (M, D) in the metric."""

    def refer_to(self, reference: ArrayLike) -> None:
        """Sets the distances to the 10th nearest item that count as usual, in the metric, shape (R,).

        Raises:
            ValueError: If they are no list of finite numbers.
        """
        given = np.asarray(reference, np.float64)
        if given.ndim != 1 or not len(given) or not np.isfinite(given).all():
            raise ValueError(f"`reference` must be a list of finite numbers. Got shape {given.shape}.")
        self.reference = np.sort(given)

    def nearest(self, z: ArrayLike, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The `k` nearest items of each latent, nearest first, ties in item order.

        Arguments:
            z: Latents, shape (M, D).
            k: How many, 1 to N.

        Returns:
            Indices (M, k) and distances (M, k) in the metric.

        Raises:
            ValueError: If `z` has another D or is not finite, or `k` is out of range.
        """
        latents = self.scaled(z)
        if latents.ndim != 2 or latents.shape[1] != self.dimensions:
            raise ValueError(f"`z` must have the shape (M, {self.dimensions}). Got {latents.shape}.")
        if not 1 <= k <= self.count:
            raise ValueError(f"`k` must lie in 1..{self.count}, the number of items. Got {k}.")
        if not np.isfinite(latents).all():
            raise ValueError("`z` must be finite. Got NaN or infinity.")
        return self._find(latents, k)

    def scaled(self, z: ArrayLike) -> NDArray[np.float32]:
        """Latents (*, D) in the metric; those of another D unchanged."""
        latents = np.asarray(z, np.float32)
        if self.metric is None or latents.shape[-1:] != self.metric.shape:
            return latents
        return latents * self.metric

    def query(self, z: ArrayLike) -> Gauge:
        """For each latent: the nearest item, the distance to the 10th nearest item, and its percentile.

        An item counts as its own neighbour, so the distance changes by no more than the latent does.

        Arguments:
            z: Latents, shape (M, D).

        Raises:
            ValueError: If `z` has another D.
        """
        return self.gauge(*self.nearest(z, min(GAUGE_NEIGHBOUR, len(self))))

    def gauge(self, index: NDArray[np.int64], distance: NDArray[np.float64]) -> Gauge:
        """The gauge of latents from their neighbours.

        Arguments:
            index: From `nearest` with at least 10 neighbours (or all items), shape (M, k).
            distance: Likewise.

        Raises:
            ValueError: If k is too small.
        """
        if distance.shape[1] < min(GAUGE_NEIGHBOUR, len(self)):
            raise ValueError(f"`distance` must hold {GAUGE_NEIGHBOUR} neighbours. Got {distance.shape[1]}.")
        tenth = distance[:, min(GAUGE_NEIGHBOUR, distance.shape[1]) - 1]
        share = None if self.reference is None else percentile(self.reference, tenth)
        return Gauge(index[:, 0], tenth, share)


class Neighbours(NeighbourSearch):
    """The items of an atlas, searched exactly."""

    exact = True

    def __init__(
        self, z: ArrayLike, reference: ArrayLike | None = None, metric: ArrayLike | None = None
    ) -> None:
        """Indexes the items.

        Arguments:
            z: Latents of the items, shape (N, D), finite.
            reference: Distances to the 10th nearest item that count as usual, in the metric, shape (R,), R of at least
                1; None if no percentile is needed.
            metric: Factor of each dimension in a distance, shape (D,), not negative; None for 1. See
                `explorer.latent.neighbours.metric`.

        Raises:
            ValueError: If a shape is wrong or a value not finite.
        """
        items = np.asarray(z)
        super().__init__(items.shape, metric)
        if not np.isfinite(items).all():
            raise ValueError("`z` must be finite. Got NaN or infinity.")
        if self.metric is not None:
            items = items * self.metric
        self.items = np.ascontiguousarray(items, np.float32)  # in the metric
        # Centring minimises the items' norms and with them the rounding error.
        self._centre = self.items.mean(0, np.float64).astype(np.float32)
        padded = -(-len(items) // BLOCKS) * BLOCKS
        centred = self.items - self._centre
        self._transposed = np.zeros((items.shape[1], padded), np.float32)
        self._transposed[:, : len(items)] = -2 * centred.T
        self._norms = np.full(padded, np.inf, np.float32)
        self._norms[: len(items)] = np.einsum("nd,nd->n", centred, centred)
        self._largest = float(self._norms[: len(items)].max())
        if reference is not None:
            self.refer_to(reference)

    @property
    def nbytes(self) -> int:
        return self.items.nbytes + self._transposed.nbytes + self._norms.nbytes

    @property
    def described(self) -> str:
        return f"Exact search of all {self.count:,} images."

    def points(self, index: ArrayLike) -> NDArray[np.float32]:
        latents: NDArray[np.float32] = self.items[np.asarray(index)]
        return latents

    def _find(self, latents: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        index = np.empty((len(latents), k), np.int64)
        distance = np.empty((len(latents), k))
        step = max(1, (1 << 24) // len(self._norms))  # 64 MiB of distances at a time
        for start in range(0, len(latents), step):
            part = latents[start : start + step]
            rough, slack = self._rough(part)
            for row, latent in enumerate(part):
                index[start + row], distance[start + row] = self._exact(
                    latent, rough[row], float(slack[row]), k
                )
        return index, distance

    def within_about(self, latent: ArrayLike, count: int) -> tuple[NDArray[np.int64], float]:
        """All items within some distance of a latent, about `count` of them.

        Arguments:
            latent: Shape (D,), finite, in the metric.
            count: Approximate number; the distance is estimated from a sixteenth of the items.

        Returns:
            Their indices, ascending, and a distance within which no other item lies.

        Raises:
            ValueError: If `latent` has another D or is not finite.
        """
        query = np.asarray(latent, np.float32)
        if query.shape != (self.items.shape[1],) or not np.isfinite(query).all():
            raise ValueError(
                f"`latent` must be finite and of shape ({self.items.shape[1]},). Got {query.shape}."
            )
        rough, slack = self._rough(query[None])
        some = rough[0, : len(self.items) : SAMPLED]
        bound = np.partition(some, min(count // SAMPLED, len(some) - 1))[min(count // SAMPLED, len(some) - 1)]
        centred = (query - self._centre).astype(np.float64)
        square = float(bound) + float(centred @ centred) - float(slack[0])
        near = np.flatnonzero(rough[0, : len(self.items)] <= bound)
        return near, float(np.sqrt(max(0.0, square)))

    def _rough(self, latents: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Squared distances to all items, less |x|^2, shape (M, N padded), and the comparison error, (M,)."""
        centred = latents - self._centre
        rough: NDArray[np.float32] = centred @ self._transposed
        rough += self._norms
        return rough, self._slack(centred)

    def _slack(self, latents: NDArray[np.float32]) -> NDArray[np.float64]:
        """Twice the largest rounding error of each latent's rough squared distances, shape (M,)."""
        norms = np.einsum("md,md->m", latents, latents).astype(np.float64)
        unit = np.finfo(np.float32).eps * (latents.shape[1] + 4)
        slack: NDArray[np.float64] = 2 * unit * (np.sqrt(norms) + np.sqrt(self._largest)) ** 2
        return slack

    def _exact(
        self, latent: NDArray[np.float32], rough: NDArray[np.float32], slack: float, k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The `k` nearest of one latent from its rough squared distances (N padded,), less |x|^2."""
        groups = len(rough) // BLOCKS
        if groups > k:
            # The group minima are distinct items, so their k-th smallest bounds the k-th smallest of all.
            minima = rough.reshape(BLOCKS, groups).min(0)
            bound = np.partition(minima, k - 1)[k - 1]
        else:
            bound = np.partition(rough, k - 1)[k - 1]
        candidates = np.flatnonzero(rough <= np.float32(bound + slack))
        difference = self.items[candidates].astype(np.float64) - latent
        exact = np.einsum("nd,nd->n", difference, difference)
        order = np.argsort(exact, kind="stable")[:k]
        return candidates[order], np.sqrt(exact[order])


def percentile(reference: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the sorted `reference` below each value, in percent; ties count half."""
    below = np.searchsorted(reference, values, "left")
    up_to = np.searchsorted(reference, values, "right")
    return 50.0 * (below + up_to) / len(reference)
