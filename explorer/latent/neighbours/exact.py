r"""Exact nearest neighbours in latent space, and how usual a distance to them is.

|x - z|^2 = |x|^2 - 2 x.z + |z|^2 of all items at once is one float32 matrix product. Its rounding
error is bounded, so the few items that can be among the nearest are known for sure; their distances
are then computed in float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["GAUGE_NEIGHBOUR", "Gauge", "Neighbours", "percentile"]

GAUGE_NEIGHBOUR = 10  # the gauge reads the distance to this neighbour
SAMPLED = 16  # every so many items are looked at to guess a distance
BLOCKS = 64  # groups whose minima bound the k-th smallest distance


class Gauge(NamedTuple):
    """How far codes are from the items, shape (M,) each."""

    nearest: NDArray[np.int64]  # index of the nearest item
    distance: NDArray[np.float64]  # to the 10th nearest other item, in the unit of the codes
    percentile: NDArray[np.float64] | None  # 0..100 of the items' own distances; None without a `reference`

    def at(self, row: int) -> float | None:
        """One code's percentile to two decimals."""
        return None if self.percentile is None else round(float(self.percentile[row]), 2)


class Neighbours:
    """The items of an atlas, ready to be asked for the nearest of any code."""

    def __init__(self, z: ArrayLike, reference: ArrayLike | None = None) -> None:
        """Prepares the items.

        Arguments:
            z: Codes of the items, shape (N, D), finite.
            reference: Each item's distance to its 10th nearest other item, shape (N,); None where
                no percentile is wanted, so that the gauge has none.

        Raises:
            ValueError: If a shape is wrong or a value not finite.
        """
        items = np.asarray(z)
        if items.ndim != 2 or len(items) == 0:
            raise ValueError(f"`z` must have the shape (N, D) with N > 0. Got {items.shape}.")
        if not np.isfinite(items).all():
            raise ValueError("`z` must be finite. Got NaN or infinity.")
        self.items = np.ascontiguousarray(items, np.float32)
        # Around their centre the items' norms, and with them the rounding error, are smallest.
        self._centre = self.items.mean(0, np.float64).astype(np.float32)
        padded = -(-len(items) // BLOCKS) * BLOCKS
        centred = self.items - self._centre
        self._transposed = np.zeros((items.shape[1], padded), np.float32)
        self._transposed[:, : len(items)] = -2 * centred.T
        self._norms = np.full(padded, np.inf, np.float32)
        self._norms[: len(items)] = np.einsum("nd,nd->n", centred, centred)
        self._largest = float(self._norms[: len(items)].max())
        self.reference: NDArray[np.float64] | None = None
        if reference is not None:
            given = np.asarray(reference, np.float64)
            if given.shape != (len(items),) or not np.isfinite(given).all():
                raise ValueError(
                    f"`reference` must be finite and of shape ({len(items)},). Got shape {given.shape}."
                )
            self.reference = np.sort(given)

    def __len__(self) -> int:
        """The number of items."""
        return len(self.items)

    def nearest(self, z: ArrayLike, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The `k` nearest items of each code, nearest first; equal distances in the order of the
        items.

        Arguments:
            z: Codes, shape (M, D).
            k: How many, 1 to N.

        Returns:
            Indices (M, k) and distances (M, k) in the unit of the codes.

        Raises:
            ValueError: If `z` has another D or is not finite, or `k` is out of range.
        """
        codes = np.asarray(z, np.float32)
        if codes.ndim != 2 or codes.shape[1] != self.items.shape[1]:
            raise ValueError(f"`z` must have the shape (M, {self.items.shape[1]}). Got {codes.shape}.")
        if not 1 <= k <= len(self.items):
            raise ValueError(f"`k` must lie in 1..{len(self.items)}, the number of items. Got {k}.")
        if not np.isfinite(codes).all():
            raise ValueError("`z` must be finite. Got NaN or infinity.")
        index = np.empty((len(codes), k), np.int64)
        distance = np.empty((len(codes), k))
        step = max(1, (1 << 24) // len(self._norms))  # 64 MiB of distances at a time
        for start in range(0, len(codes), step):
            part = codes[start : start + step]
            rough, slack = self._rough(part)
            for row, code in enumerate(part):
                index[start + row], distance[start + row] = self._exact(
                    code, rough[row], float(slack[row]), k
                )
        return index, distance

    def within_about(self, code: ArrayLike, count: int) -> tuple[NDArray[np.int64], float]:
        """All items within some distance of a code, about `count` of them.

        Arguments:
            code: Shape (D,), finite.
            count: How many are wanted; the distance is chosen from a sixteenth of the items.

        Returns:
            Their indices, ascending, and a distance within which every item is among them.

        Raises:
            ValueError: If `code` has another D or is not finite.
        """
        asked = np.asarray(code, np.float32)
        if asked.shape != (self.items.shape[1],) or not np.isfinite(asked).all():
            raise ValueError(
                f"`code` must be finite and of shape ({self.items.shape[1]},). Got {asked.shape}."
            )
        rough, slack = self._rough(asked[None])
        some = rough[0, : len(self.items) : SAMPLED]
        bound = np.partition(some, min(count // SAMPLED, len(some) - 1))[min(count // SAMPLED, len(some) - 1)]
        centred = (asked - self._centre).astype(np.float64)
        square = float(bound) + float(centred @ centred) - float(slack[0])
        near = np.flatnonzero(rough[0, : len(self.items)] <= bound)
        return near, float(np.sqrt(max(0.0, square)))

    def query(self, z: ArrayLike) -> Gauge:
        """The nearest item, the distance to the 10th nearest other one and its percentile, for each
        code.

        A code that is an item is not its own neighbour, so it gets exactly its item's reference
        distance.

        Arguments:
            z: Codes, shape (M, D).

        Raises:
            ValueError: If `z` has another D.
        """
        return self.gauge(*self.nearest(z, min(GAUGE_NEIGHBOUR + 1, len(self))))

    def gauge(self, index: NDArray[np.int64], distance: NDArray[np.float64]) -> Gauge:
        """The gauge of codes whose neighbours are known.

        Arguments:
            index: As `nearest` gives it, for at least 11 neighbours (or all items), shape (M, k).
            distance: The same.

        Raises:
            ValueError: If k is too small.
        """
        if distance.shape[1] < min(GAUGE_NEIGHBOUR + 1, len(self)):
            raise ValueError(
                f"`distance` must hold {GAUGE_NEIGHBOUR + 1} neighbours. Got {distance.shape[1]}."
            )
        last = distance.shape[1] - 1
        other = np.where(
            distance[:, 0] == 0.0,
            distance[:, min(GAUGE_NEIGHBOUR, last)],
            distance[:, min(GAUGE_NEIGHBOUR - 1, last)],
        )
        share = None if self.reference is None else percentile(self.reference, other)
        return Gauge(index[:, 0], other, share)

    def _rough(self, codes: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Squared distances to all items, less |x|^2, shape (M, N padded), and the error of a comparison, (M,)."""
        centred = codes - self._centre
        rough: NDArray[np.float32] = centred @ self._transposed
        rough += self._norms
        return rough, self._slack(centred)

    def _slack(self, codes: NDArray[np.float32]) -> NDArray[np.float64]:
        """Twice the largest rounding error of each code's rough squared distances, shape (M,)."""
        norms = np.einsum("md,md->m", codes, codes).astype(np.float64)
        unit = np.finfo(np.float32).eps * (codes.shape[1] + 4)
        slack: NDArray[np.float64] = 2 * unit * (np.sqrt(norms) + np.sqrt(self._largest)) ** 2
        return slack

    def _exact(
        self, code: NDArray[np.float32], rough: NDArray[np.float32], slack: float, k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The `k` nearest of one code from its rough squared distances (N padded,), less |x|^2."""
        groups = len(rough) // BLOCKS
        if groups > k:
            # Each group's smallest is another item: the k-th of these bounds the k-th of all.
            minima = rough.reshape(BLOCKS, groups).min(0)
            bound = np.partition(minima, k - 1)[k - 1]
        else:
            bound = np.partition(rough, k - 1)[k - 1]
        candidates = np.flatnonzero(rough <= np.float32(bound + slack))
        difference = self.items[candidates].astype(np.float64) - code
        exact = np.einsum("nd,nd->n", difference, difference)
        order = np.argsort(exact, kind="stable")[:k]
        return candidates[order], np.sqrt(exact[order])


def percentile(reference: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the sorted `reference` below each value, in percent; equal ones count half."""
    below = np.searchsorted(reference, values, "left")
    up_to = np.searchsorted(reference, values, "right")
    share: NDArray[np.float64] = 50.0 * (below + up_to) / len(reference)
    return share
