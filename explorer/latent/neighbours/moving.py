r"""Exact nearest neighbours of codes that move a little at a time, as in a drag, without asking all items anew.

The items within R of a code q are kept. A code p at |p - q| = d has all its items within R - d among them, so where
the k-th nearest of those kept is no farther than R - d, it is the k-th nearest of all (triangle inequality).
"""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.neighbours.exact import Neighbours

__all__ = ["Nearby"]

WORTH = 16_384  # items; with fewer, asking all takes a tenth of a millisecond
KEPT = 2048  # items round a code
PLACES = 32  # codes whose surroundings are kept: a few handles of several people
MARGIN = 1e-5  # of a distance, well over its rounding error


class _Place(NamedTuple):
    code: NDArray[np.float32]  # (D,)
    radius: float
    near: NDArray[np.int64]  # the items within it, by number
    items: Neighbours


class Nearby:
    """Asks the items near the last codes first. May be asked by several threads at once."""

    def __init__(self, items: Neighbours, worth: int = WORTH, kept: int = KEPT) -> None:
        """Keeps nothing yet.

        Arguments:
            items: All items.
            worth: Fewest items for which surroundings are kept at all.
            kept: Items round a code, about.
        """
        self.items = items
        self.kept = kept
        self._places: deque[_Place] = deque(maxlen=PLACES if len(items) >= worth else 0)
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Memory of what is kept, roughly."""
        return sum(3 * place.items.items.nbytes for place in list(self._places))

    def nearest(self, z: ArrayLike, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """As `Neighbours.nearest`, with the same answers.

        Arguments:
            z: Codes, shape (M, D).
            k: How many, 1 to N.

        Returns:
            Indices (M, k) and distances (M, k) in the unit of the codes.

        Raises:
            ValueError: If `z` has another D or is not finite, or `k` is out of range.
        """
        codes = np.asarray(z, np.float32)
        if not self._places.maxlen or codes.ndim != 2 or k > self.kept // 4:
            return self.items.nearest(codes, k)
        index = np.empty((len(codes), k), np.int64)
        distance = np.empty((len(codes), k))
        for row, code in enumerate(codes):
            found = self._among_kept(code, k)
            if found is None:
                found = self._among_all(code, k)
            index[row], distance[row] = found
        return index, distance

    def _among_kept(
        self, code: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """The nearest items if the surroundings of an earlier code are sure to hold them."""
        with self._lock:
            places = list(self._places)
        if not places or len(code) != len(places[0].code) or not np.isfinite(code).all():
            return None
        moved = np.linalg.norm(np.stack([place.code for place in places]) - code, axis=1)
        reach = np.array([place.radius for place in places]) - moved
        best = int(reach.argmax())
        place = places[best]
        if reach[best] <= 0 or len(place.near) < k:
            return None
        near, distance = place.items.nearest(code[None], k)
        if distance[0, -1] > reach[best] - MARGIN * place.radius:
            return None
        return place.near[near[0]], distance[0]

    def _among_all(self, code: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The nearest items of all; keeps the surroundings of the code."""
        if code.shape != (self.items.items.shape[1],) or not np.isfinite(code).all():
            self.items.nearest(code[None], k)  # says what is wrong
        near, distance = self.items.within_about(code, self.kept)
        if len(near) < k:
            index, exact = self.items.nearest(code[None], k)
            return index[0], exact[0]
        place = _Place(code.copy(), distance, near, Neighbours(self.items.items[near]))
        with self._lock:
            self._places.append(place)
        index, exact = place.items.nearest(code[None], k)
        return near[index[0]], exact[0]
