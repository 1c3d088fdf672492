"""The neighbour search of an atlas: exact up to 50,000 images, above that an index whose cells are kept in the cache.

The cells of a million images take seconds to find, so they are stored: two arrays of a few megabytes, validated when
read. They are found again when the atlas or the metric changes.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from explorer.latent.neighbours.approximate import EXACT_AT_MOST, ApproximateNeighbours, Cells, find_cells
from explorer.latent.neighbours.exact import Neighbours, NeighbourSearch
from models.data.locations import cache_folder
from models.system.files import replace_file

__all__ = ["neighbour_search"]

LOG = logging.getLogger(__name__)

Array = NDArray[np.float32]
HEADER_AT_MOST = 1 << 16  # bytes of a file of cells besides its arrays
FORMAT = 1  # of the cells; raised when they are found in another way


def neighbour_search(
    mean: Array, metric: Array | None = None, mark: object = None, exact_at_most: int = EXACT_AT_MOST
) -> NeighbourSearch:
    """The search among the latents of an atlas.

    Arguments:
        mean: Latents, shape (N, D), finite; may be memory-mapped.
        metric: Factor of each dimension in a distance, shape (D,); None for 1.
        mark: Identifies the atlas, so that its cells can be kept in the cache; None to find them anew.
        exact_at_most: Images up to which the search is exact.
    """
    if len(mean) <= exact_at_most:
        return Neighbours(mean, None, metric)
    path = None if mark is None else _path(mark, mean.shape, metric)
    if path is not None and path.is_file():
        try:
            return ApproximateNeighbours(mean, _read(path, mean.shape), metric)
        except (SafetensorError, LookupError, TypeError, ValueError, OSError) as error:
            LOG.warning("The cells in %s are found again. %s", path, error)
    cells = find_cells(mean, metric)
    search = ApproximateNeighbours(mean, cells, metric)
    if path is not None:
        packed = save(cells._asdict())
        try:
            replace_file(path, lambda temporary: temporary.write_bytes(packed))
        except OSError as error:
            LOG.warning("The cells of the neighbour search are not cached. %s", error)
    return search


def _path(mark: object, shape: tuple[int, ...], metric: Array | None) -> Path:
    factors = b"" if metric is None else np.ascontiguousarray(metric, "<f4").tobytes()
    digest = hashlib.sha256(repr((FORMAT, mark, shape)).encode() + factors).hexdigest()
    return cache_folder() / "neighbours" / f"{digest[:24]}.safetensors"


def _read(path: Path, shape: tuple[int, ...]) -> Cells:
    """Reads cells; `ApproximateNeighbours` checks that they fit the items."""
    count, dimensions = shape
    if path.stat().st_size > 4 * count + 4 * dimensions * count + HEADER_AT_MOST:
        raise ValueError("It is too large.")
    held = load_file(path)
    cells = Cells(held["centres"], held["assigned"])
    if cells.centres.dtype != np.float32 or cells.assigned.dtype != np.int32:
        raise ValueError("Its arrays are of other types.")
    return cells
