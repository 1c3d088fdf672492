"""Latents encoded before the atlas is built: Parquet files beside the card, written by one or more processes.

`models/latents.py` describes the columns. The files are untrusted and validated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from explorer.atlas.columns import Columns
from models.card import LATENTS
from models.data import ImageData, SequenceData
from models.data.base import SPLITS
from models.latents import WEIGHTS_KEY

__all__ = ["StoredLatents", "read_latents"]

Array = NDArray[np.float32]

BYTES_AT_MOST = 1 << 31  # of all files, unpacked
NUMBERS = ("error", "kl")
VECTORS = ("mean", "std")


class StoredLatents:
    """Latents and scores of images, by split and id."""

    def __init__(
        self,
        split: NDArray[np.int16],
        ids: NDArray[np.int64],
        files: NDArray[np.object_],
        rows: dict[str, Array],
    ) -> None:
        """Stores the arguments.

        Arguments:
            split: Index of each image's split in `SPLITS`, shape (N,).
            ids: Row of each image in its split, shape (N,).
            files: Name of each image's file, shape (N,).
            rows: Result of `models.latents.encode`, N rows each.
        """
        self._split, self._ids, self._files, self._rows = split, ids, files, rows

    @staticmethod
    def joined(parts: list[StoredLatents]) -> StoredLatents:
        """Joins the latents of several files, with the columns that all of them have."""
        names = set.intersection(*(set(part._rows) for part in parts))
        return StoredLatents(
            np.concatenate([part._split for part in parts]),
            np.concatenate([part._ids for part in parts]),
            np.concatenate([part._files for part in parts]),
            {name: np.concatenate([part._rows[name] for part in parts]) for name in names},
        )

    def of(self, data: ImageData | SequenceData) -> dict[str, Array] | None:
        """The rows of a split's images; None unless all exist.

        Named images are matched by name, because ids also count pictures found damaged during encoding.
        """
        own = np.flatnonzero(self._split == SPLITS.index(data.split))
        files = data.texts.get("file") if isinstance(data, ImageData) else None
        known = self._files[own].tolist() if files else self._ids[own].tolist()
        places = dict(zip(known, own.tolist(), strict=True))
        rows = [places.get(name, -1) for name in (files.values if files else data.ids.tolist())]
        return None if -1 in rows else {name: values[rows] for name, values in self._rows.items()}


def read_latents(folder: Path, weights_sha256: str) -> StoredLatents | None:
    """The latents in a checkpoint's folder; None if there are none, or they are of other weights.

    Raises:
        ValueError: If a file cannot be used; the message gives its name and the reason.
    """
    paths = sorted((folder / LATENTS).glob("*.parquet"))
    parts: list[StoredLatents] = []
    left = BYTES_AT_MOST
    for path in paths:
        if not path.is_file():
            continue
        try:
            with pq.ParquetFile(path) as file:
                left -= _size(file, left)
                own = (file.schema_arrow.metadata or {}).get(WEIGHTS_KEY) == weights_sha256.encode()
                if own and file.metadata.num_rows:  # all pictures of a part may be damaged
                    parts.append(_checked(Columns(file.read())))
        except (pa.ArrowException, LookupError, TypeError, ValueError, OSError) as error:
            reason = str(error)[:300].rstrip(".")
            raise ValueError(f"{path} cannot be used: {reason}. Encode the images again.") from error
    if not parts:
        return None
    return StoredLatents.joined(parts)


def _size(file: Any, left: int) -> int:
    """Unpacked size of a file in bytes; raises ValueError, before unpacking, if it exceeds `left`."""
    about = file.metadata
    groups = [about.row_group(n) for n in range(about.num_row_groups)]
    numbers = sum(g.column(n).num_values for g in groups for n in range(about.num_columns))
    size: int = max(sum(group.total_byte_size for group in groups), 4 * numbers)
    if size > left:
        raise ValueError(f"unpacked the latents must not be larger than {BYTES_AT_MOST >> 20} MiB")
    return size


def _checked(columns: Columns) -> StoredLatents:
    split = columns.places("split", SPLITS)
    rows = {name: columns.numbers(name) for name in NUMBERS if name in columns}
    rows |= {name: columns.vectors(name) for name in VECTORS if name in columns}
    if "mean" not in rows:
        raise ValueError("column 'mean' is missing")
    names, place = columns.words("file")
    return StoredLatents(
        split, np.array(columns.column("id", pa.int64())), np.array(names, object)[place], rows
    )
