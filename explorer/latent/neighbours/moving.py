r"""Exact nearest neighbours of latents that move in small steps, as in a drag, without searching all items each time.

The items within R of a latent q are cached. All items within R - d of a latent p at |p - q| = d are among them, so if the
k-th nearest cached item is no farther than R - d, it is the k-th nearest of all (triangle inequality).
"""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.neighbours.exact import Neighbours, NeighbourSearch

__all__ = ["Nearby"]

MIN_ITEMS = 16_384  # items; with fewer, a full search takes a tenth of a millisecond
NEIGHBOURHOOD_SIZE = 2048  # items cached around a latent
MAX_CACHED = 32  # cached neighbourhoods: a few handles of several people
MARGIN = 1e-5  # of a distance, well over its rounding error


class _Neighbourhood(NamedTuple):
    latent: NDArray[np.float32]  # (D,)
    radius: float
    near: NDArray[np.int64]  # indices of the items within it
    items: Neighbours


class Nearby:
    """Nearest-neighbour search that tries cached neighbourhoods first. Thread-safe."""

    def __init__(
        self, items: NeighbourSearch, worth: int = MIN_ITEMS, kept: int = NEIGHBOURHOOD_SIZE
    ) -> None:
        """Starts with an empty cache.

        Arguments:
            items: The search among all items; an approximate one is fast and asked every time.
            worth: Fewest items for which neighbourhoods are cached.
            kept: Approximate number of items cached around a latent.
        """
        self.items = items
        self.kept = kept
        self._exact = items if isinstance(items, Neighbours) and len(items) >= worth else None
        self._cache: deque[_Neighbourhood] = deque(maxlen=MAX_CACHED)
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Approximate memory of the cache, bytes."""
        return sum(3 * neighbourhood.items.items.nbytes for neighbourhood in list(self._cache))

    def nearest(self, z: ArrayLike, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Same results as `NeighbourSearch.nearest` of the items.

        Arguments:
            z: Latents, shape (M, D).
            k: How many, 1 to N.

        Returns:
            Indices (M, k) and distances (M, k) in the metric.

        Raises:
            ValueError: If `z` has another D or is not finite, or `k` is out of range.
        """
        if self._exact is None or np.ndim(z) != 2 or k > self.kept // 4:
            return self.items.nearest(z, k)
        latents = self.items.scaled(z)
        index = np.empty((len(latents), k), np.int64)
        distance = np.empty((len(latents), k))
        for row, latent in enumerate(latents):
            nearest = self._from_cache(latent, k)
            if nearest is None:
                nearest = self._from_all(self._exact, latent, k)
            index[row], distance[row] = nearest
        return index, distance

    def _from_cache(
        self, latent: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """The nearest items if a cached neighbourhood is certain to contain them."""
        with self._lock:
            cached = list(self._cache)
        if not cached or len(latent) != len(cached[0].latent) or not np.isfinite(latent).all():
            return None
        moved = np.linalg.norm(np.stack([neighbourhood.latent for neighbourhood in cached]) - latent, axis=1)
        reach = np.array([neighbourhood.radius for neighbourhood in cached]) - moved
        best = int(reach.argmax())
        neighbourhood = cached[best]
        if reach[best] <= 0 or len(neighbourhood.near) < k:
            return None
        near, distance = neighbourhood.items.nearest(latent[None], k)
        if distance[0, -1] > reach[best] - MARGIN * neighbourhood.radius:
            return None
        return neighbourhood.near[near[0]], distance[0]

    def _from_all(
        self, items: Neighbours, latent: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The nearest of all items; caches the neighbourhood of the latent."""
        if latent.shape != (items.dimensions,) or not np.isfinite(latent).all():
            items.nearest(latent[None], k)  # raises with the reason
        near, distance = items.within_about(latent, self.kept)
        if len(near) < k:
            near, distance = items.within_about(latent, len(items))
        neighbourhood = _Neighbourhood(latent.copy(), distance, near, Neighbours(items.points(near)))
        with self._lock:
            self._cache.append(neighbourhood)
        index, exact = neighbourhood.items.nearest(latent[None], k)
        return near[index[0]], exact[0]
