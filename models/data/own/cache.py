"""Prepared images, which are decoded once to the cache folder and then memory-mapped.

`own/KEY/` holds `images.npy` (uint8, N×H×W×C), `items.parquet` (splits, attributes, texts) and `about.json`. The images
of a split are contiguous, in a random order that depends on the seed. The key changes with the source and the settings.
A folder is prepared under another name and renamed when it is complete; an interrupted preparation is resumed.
"""

from __future__ import annotations

__all__ = ["Prepared", "divided", "prepare", "prepared_folder"]

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from models.data.base import SPLITS, ImageData
from models.data.locations import cache_folder
from models.data.own.decoding import Plan, decode
from models.data.own.found import FoundImages
from models.data.own.labels import Labels, labels_of, read_labels, splits_of, write_labels
from models.data.own.opening import open_images, resolved, stamp_of
from models.data.own.preparation import Preparation
from models.data.own.proposal import shape_of
from models.data.own.records import Refused, Report, shown
from models.data.own.splitting import place
from models.data.own.trees import digest, why
from models.data.own.unpacking import check_disk
from models.system.files import StorageError, make_folder, replace_file
from models.system.json_input import read_object

VERSION = 1  # version of the files; increased when decoding changes
IMAGES, ITEMS, ABOUT = "images.npy", "items.parquet", "about.json"
REFUSED_AT_MOST = 10_000  # refused files that are recorded
LICENCE = "not stated: these are somebody's own images"
LEARNABLE = 4  # smallest number of images that a model can be trained on


@dataclass(frozen=True, eq=False)
class Prepared:
    """Decoded images in splits."""

    folder: Path
    preparation: Preparation
    shape: tuple[int, int, int]  # image shape (C, H, W)
    splits: dict[str, int]  # images in each of `SPLITS`
    refused: list[Refused]  # files that could not be decoded
    notes: list[str]
    distinct: int  # number of different images

    def __len__(self) -> int:
        """The number of images."""
        return sum(self.splits.values())

    @property
    def images(self) -> NDArray[np.uint8]:
        """All images in the order of `SPLITS`, uint8 (N, H, W, C), memory-mapped; changes are not saved."""
        images: NDArray[np.uint8] = np.load(self.folder / IMAGES, mmap_mode="c", allow_pickle=False)
        channels, height, width = self.shape
        if images.shape != (len(self), height, width, channels) or images.dtype != np.uint8:
            raise ValueError(
                f"{self.folder / IMAGES} is damaged. Delete its folder to prepare the images anew."
            )
        return images

    def labels(self) -> Labels:
        """Reads attributes and texts of all images, in their order."""
        splits, labels = read_labels(self.folder / ITEMS)
        if splits != [split for split in SPLITS for _ in range(self.splits[split])]:
            raise ValueError(
                f"{self.folder / ITEMS} is damaged. Delete its folder to prepare the images anew."
            )
        return labels

    def load(self, split: str, limit: int | None = None) -> ImageData:
        """Loads the first images of a split; their order is random, but the same at every call.

        Raises:
            ValueError: If the split has none.
        """
        count = self.splits[split]
        if not count:
            raise ValueError(
                f"{shown(self.preparation.path)} has no {split} images: {len(self):,} in total. Add images, or increase "
                f"the share of the split."
            )
        start = sum(self.splits[each] for each in SPLITS[: SPLITS.index(split)])
        stop = start + min(count, limit or count)
        labels = self.labels().take(np.arange(start, stop))
        return ImageData(
            name="own-images",
            split=split,
            images=self.images[start:stop],
            attributes=labels.attributes,
            ids=np.arange(stop - start, dtype=np.int64),
            publishable=True,
            licence=LICENCE,
            source=shown(self.preparation.path),
            texts=labels.texts,
        )

    def check_learnable(self) -> None:
        """Raises ValueError if no model can be trained on the images: too few, or all equal."""
        where = shown(self.preparation.path)
        if len(self) < LEARNABLE:
            raise ValueError(f"A model needs at least {LEARNABLE} images. {where} has {len(self)}. Add some.")
        if self.distinct < 2:
            raise ValueError(
                f"All {len(self):,} images of {where} are equal, so there is nothing to learn. "
                "Open images that differ."
            )


def prepare(
    preparation: Preparation, report: Report | None = None, found: FoundImages | None = None
) -> Prepared:
    """Decodes images to the cache, unless they are there.

    Arguments:
        preparation: The images and the settings.
        report: Called with the share done, 0 to 1, and the current task.
        found: Result of `open_images` for this path, if available.

    Raises:
        ValueError: If a setting does not fit the images, or none can be decoded.
        StorageError: If the cache folder is full or cannot be written.
    """
    tell = report or (lambda share, what: None)
    folder = prepared_folder(preparation)
    if folder is not None and (folder / ABOUT).is_file():
        return _read(folder, preparation)
    path, table = resolved(preparation.path, preparation.labels or None)
    if found is None or (found.source, found.labels, found.members) != (path, table, preparation.members):
        found = open_images(
            path, table, lambda share, what: tell(0.3 * share, what), members=preparation.members
        )
    folder = _folder(preparation, found.fingerprint)
    with _locked(folder):
        if not (folder / ABOUT).is_file():
            _fill(folder, preparation, found, lambda share, what: tell(0.3 + 0.7 * share, what))
    _remember(preparation, folder)
    return _read(folder, preparation)


def divided(found: FoundImages, preparation: Preparation) -> tuple[list[str], NDArray[np.int64]]:
    """Returns the split of each image, and the order in which images are stored: by split, then random.

    Returns:
        N splits, and the rows of `found` in the stored order, shape (N,).
    """
    keys = [item.key for item in found.items]
    splits = splits_of(found, preparation)
    ranks = [
        (SPLITS.index(split), place(key, preparation.seed + 1))
        for split, key in zip(splits, keys, strict=True)
    ]
    return splits, np.array(sorted(range(len(keys)), key=ranks.__getitem__), np.int64)


def prepared_folder(preparation: Preparation) -> Path | None:
    """Returns the folder of prepared images, which need not exist; the last one if the source was deleted.

    None if there is neither.
    """
    path = Path(preparation.path)
    if path.exists():
        source, table = resolved(preparation.path, preparation.labels or None)
        return _folder(preparation, stamp_of(source, table, preparation.members))
    try:
        name = read_object(_pointer(preparation).read_bytes(), "It")["folder"]
    except (OSError, ValueError, KeyError):
        return None
    folder = cache_folder() / "own" / str(name)
    return folder if folder.parent == cache_folder() / "own" and (folder / ABOUT).is_file() else None


def _folder(preparation: Preparation, fingerprint: str) -> Path:
    return (
        cache_folder()
        / "own"
        / digest([(VERSION, fingerprint, json.dumps(preparation.as_options(), sort_keys=True))])
    )


def _pointer(preparation: Preparation) -> Path:
    """Returns the file that records the last folder of a preparation."""
    return (
        cache_folder()
        / "own"
        / f"last-{digest([(json.dumps(preparation.as_options(), sort_keys=True),)])}.json"
    )


def _remember(preparation: Preparation, folder: Path) -> None:
    text = json.dumps({"folder": folder.name})
    replace_file(_pointer(preparation), lambda path: path.write_text(text, encoding="utf-8"))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Allows one process at a time to prepare a folder."""
    make_folder(folder.parent)
    try:
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"The cache folder {cache_folder()} cannot be written: {why(error)}. Free some space, or set "
            "LATENT_CACHE_DIR to a folder that can be written."
        ) from error


def _fill(folder: Path, preparation: Preparation, found: FoundImages, tell: Report) -> None:
    """Decodes to a folder beside `folder`, and renames it when it is complete."""
    splits, order = divided(found, preparation)
    labels = labels_of(found, preparation)
    shape = shape_of(found, preparation)
    staging = folder.with_name(f".{folder.name}.part")
    if not (staging / IMAGES).exists():
        check_disk(len(found) * int(np.prod(shape)), "The decoded pictures")
    make_folder(staging)
    plan = Plan(
        staging / IMAGES, found.pictures, found.places, order, shape, preparation.fit, preparation.background
    )
    failed, distinct = decode(plan, tell)
    kept = np.array([row for row in order.tolist() if row not in failed], np.int64)
    if not len(kept):
        reasons = " ".join(f"{found.items[row].key}: {reason}" for row, reason in list(failed.items())[:5])
        shutil.rmtree(staging, ignore_errors=True)
        raise ValueError(f"No picture in {shown(str(found.source))} can be decoded. {reasons}")
    write_labels(staging / ITEMS, [splits[row] for row in kept.tolist()], labels.take(kept))
    _describe(staging, found, preparation, splits, kept, failed, shape, distinct)
    shutil.rmtree(folder, ignore_errors=True)  # it is incomplete without `ABOUT`
    staging.rename(folder)


def _describe(
    staging: Path,
    found: FoundImages,
    preparation: Preparation,
    splits: Sequence[str],
    kept: NDArray[np.int64],
    failed: dict[int, str],
    shape: tuple[int, int, int],
    distinct: int,
) -> None:
    held = [splits[row] for row in kept.tolist()]
    about = {
        "shape": shape,
        "splits": {split: held.count(split) for split in SPLITS},
        "refused": [[shown(found.items[row].key), reason] for row, reason in sorted(failed.items())][
            :REFUSED_AT_MOST
        ],
        "notes": found.notes[:100],
        "distinct": distinct,
        "preparation": preparation.as_options(),
    }
    text = json.dumps(about, ensure_ascii=False)
    replace_file(staging / ABOUT, lambda path: path.write_text(text, encoding="utf-8"))


def _read(folder: Path, preparation: Preparation) -> Prepared:
    """Reads the description of a prepared folder.

    Raises:
        ValueError: If it is damaged.
    """
    file = folder / ABOUT
    try:
        about: dict[str, Any] = read_object(file.read_bytes(), str(file))
        os.utime(folder)  # records the last use
        return Prepared(
            folder=folder,
            preparation=replace(preparation),
            shape=(int(about["shape"][0]), int(about["shape"][1]), int(about["shape"][2])),
            splits={split: int(about["splits"][split]) for split in SPLITS},
            refused=[Refused(str(name), str(reason)) for name, reason in about["refused"]],
            notes=[str(note) for note in about["notes"]],
            distinct=int(about["distinct"]),
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{file} is damaged ({str(error)[:120]}). Delete its folder to prepare the images anew."
        ) from error
