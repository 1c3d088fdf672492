"""Original pictures of an atlas's items, if their data set is on this machine.

Reading or drawing a data set takes seconds in which it would hold the interpreter lock and stall every drag.
So a separate process (`python -m explorer.scene.originals`) writes the atlas's pictures to one file in the
cache folder, and this process memory-maps it. Until the file exists, and if it cannot be written, items show
their reconstruction.

The user's own images are already prepared in the cache folder; this process maps those, and the separate
process only prepares missing ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.atlas.storage import load_atlas
from explorer.installation import module_command, module_environment
from models.card import Entry, read_card
from models.data import OWN, data_available, load_pictures
from models.data.base import SPLITS
from models.data.locations import cache_folder
from models.data.own import Preparation, prepare, prepared_folder
from models.data.own.cache import ABOUT
from models.system.files import replace_file
from models.system.priority import lower_priority
from models.system.settings import job_niceness

__all__ = ["Originals", "State", "collect", "main", "original_path"]

LOG = logging.getLogger(__name__)

State = Literal["unasked", "loading", "ready", "absent"]

MODULE = "explorer.scene.originals"
TIMEOUT = 900.0  # seconds
BYTES_AT_MOST = 1 << 30


class Originals:
    """The original pictures of one model's atlas, or the reason for their absence."""

    def __init__(
        self,
        entry: Entry,
        ids: NDArray[np.int64],
        split: Sequence[str],
        shape: tuple[int, int, int],
    ) -> None:
        """Stores the arguments; nothing is read before `start`.

        Arguments:
            entry: The checkpoint.
            ids: Row of each item in its split of the data set, shape (N,).
            split: Split of each item.
            shape: (C, H, W) of a picture.
        """
        self.entry = entry
        self.state: State = "unasked"
        self.reason = ""  # why the state is "absent"
        self._ids, self._split = ids, split
        channels, height, width = shape
        self._shape = (len(ids), height, width, channels)
        self._images: NDArray[np.uint8] | None = None
        self._rows: NDArray[np.int64] | None = (
            None  # row of `_images` for each item; None if they are in the order of the items
        )
        self._lock = threading.Lock()

    def start(self) -> None:
        """Starts loading the pictures in the background, once; returns immediately."""
        with self._lock:
            if self.state != "unasked":
                return
            self.state = "loading"
        threading.Thread(target=self._fetch, name="latent-originals", daemon=True).start()

    def get(self, items: Sequence[int]) -> list[NDArray[np.uint8] | None]:
        """The original of each item, (H, W, C); None while loading or if absent. Never blocks."""
        images, rows = self._images, self._rows
        if images is None:
            return [None] * len(items)
        return [images[item if rows is None else rows[item]] for item in items]

    def _fetch(self) -> None:
        try:
            card = self.entry.card
            own = card is not None and card.data["name"] == OWN
            images = self._prepared() if own else self._collected()
        except (ValueError, OSError, subprocess.SubprocessError) as error:
            self.reason = str(error)
            self.state = "absent"
            LOG.info("No originals for %s: %s", self.entry.name, error)
            return
        self._images = images
        self.state = "ready"

    def _collected(self) -> NDArray[np.uint8]:
        """The pictures from their file, which is written if it is missing."""
        path = original_path(self.entry, self._ids, self._split)
        images = self._map(path)
        if images is None:
            self._collect(path)
            images = self._map(path)
        if images is None:
            raise ValueError(f"{path} does not fit the atlas.")
        return images

    def _prepared(self) -> NDArray[np.uint8]:
        """The user's own prepared images, memory-mapped."""
        preparation = Preparation.from_options(
            self.entry.card.data.get("options", {}) if self.entry.card else {}
        )
        folder = prepared_folder(preparation)
        if folder is None or not (folder / ABOUT).is_file():
            self._collect(Path(os.devnull))
        prepared = prepare(preparation)
        counts = np.array([prepared.splits[split] for split in SPLITS])
        splits = np.array([SPLITS.index(split) for split in self._split], np.int64)
        images = prepared.images
        if images.shape[1:] != self._shape[1:] or (self._ids >= counts[splits]).any():
            raise ValueError(f"The images of {self.entry.name} have changed. Encode them again.")
        self._rows = (np.cumsum(counts) - counts)[splits] + self._ids
        return images

    def _map(self, path: Path) -> NDArray[np.uint8] | None:
        """Maps the file of pictures; None if it is missing or does not match the atlas."""
        try:
            images = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        fits = images.dtype == np.uint8 and images.shape == self._shape
        return images if fits else None

    def _collect(self, path: Path) -> None:
        """Writes the file in a separate process; the user's own images are only prepared."""
        card = self.entry.card
        if card is None:
            raise ValueError(f"{self.entry.path} has no card.")
        reason = data_available(card.data["name"], **card.data.get("options", {}))
        if reason:
            raise ValueError(reason)
        if path != Path(os.devnull) and int(np.prod(self._shape)) > BYTES_AT_MOST:
            raise ValueError(f"The originals of {self.entry.name} exceed {BYTES_AT_MOST >> 20} MiB.")
        done = subprocess.run(
            module_command(MODULE, str(self.entry.path), str(path)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env=module_environment(),
        )
        if done.returncode:
            raise ValueError(done.stderr.strip()[-300:] or f"Exit status {done.returncode}.")


def original_path(entry: Entry, ids: NDArray[np.int64], split: Sequence[str]) -> Path:
    """The cache file of an atlas's originals; its name depends on the data set, its options and the items."""
    data: Any = entry.card.data if entry.card else None
    digest = hashlib.sha256(json.dumps([data, list(split)], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(ids, np.int64).tobytes())
    return cache_folder() / "originals" / f"{entry.name}-{digest.hexdigest()[:16]}.npy"


def collect(data: dict[str, Any], ids: NDArray[np.int64], split: Sequence[str]) -> NDArray[np.uint8]:
    """Reads the pictures of items from their data set.

    Arguments:
        data: `name` and `options`, as in a card.
        ids: Row of each item in its split, shape (N,).
        split: Split of each item.

    Returns:
        uint8, shape (N, H, W, C).

    Raises:
        ValueError: If the data set cannot be read, or lacks an item.
    """
    splits = np.asarray(split)
    pictures: NDArray[np.uint8] | None = None
    for name in dict.fromkeys(split):
        chosen = np.flatnonzero(splits == name)
        needed = ids[chosen]
        loaded_pictures = load_pictures(
            data["name"], name, limit=int(needed.max()) + 1, **data.get("options", {})
        )
        order = np.argsort(loaded_pictures.ids)
        index = np.minimum(np.searchsorted(loaded_pictures.ids, needed, sorter=order), len(order) - 1)
        rows = order[index]
        if (loaded_pictures.ids[rows] != needed).any():
            raise ValueError(f"The data set {data['name']} lacks items of the atlas. Rebuild the atlas.")
        if pictures is None:
            pictures = np.empty((len(ids), *loaded_pictures.images.shape[1:]), np.uint8)
        pictures[chosen] = loaded_pictures.images[rows]
    if pictures is None:
        raise ValueError("The atlas has no items.")
    return pictures


def main(arguments: list[str] | None = None) -> int:
    """Writes the originals of a checkpoint's atlas to a file."""
    parser = argparse.ArgumentParser(prog="python -m explorer.scene.originals", description=__doc__)
    parser.add_argument("model", type=Path, help="folder of a checkpoint")
    parser.add_argument("out", type=Path, help="file to write, .npy; unused for the user's own images")
    options = parser.parse_args(arguments)
    try:
        lower_priority(os.getpid(), job_niceness())  # drags have priority
        card = read_card(options.model)  # not the whole checkpoint: torch takes a second to import
        if card.data["name"] == OWN:
            prepare(Preparation.from_options(card.data.get("options", {})))
            return 0
        atlas = load_atlas(Entry(card.name, options.model, card))
        pictures = collect(card.data, atlas.ids, atlas.split)
        replace_file(options.out, lambda path: _save(path, pictures))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _save(path: Path, pictures: NDArray[np.uint8]) -> None:
    with path.open("wb") as file:
        np.save(file, pictures, allow_pickle=False)


if __name__ == "__main__":
    sys.exit(main())
