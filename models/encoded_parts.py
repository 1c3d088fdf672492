"""Encodes images of the user in parts, one Parquet file each, so that an interrupted run can be resumed.

A part consists of `PART` consecutive images of the source. The name of its file, such as `latents/part-00000.parquet`,
depends only on its number, so a part that is encoded twice has one file. A run skips the parts with valid files.
`workers` encodes the parts, in this process or on a Ray cluster (`models/ray_workers.py`).
"""

from __future__ import annotations

__all__ = [
    "PART",
    "DecodedPixels",
    "EncodedParts",
    "Outcome",
    "Part",
    "Pixels",
    "SourcePixels",
    "Workers",
    "encode_part",
    "encode_parts",
    "in_this_process",
    "read_errors",
]

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models import checkpoint
from models.base import Autoencoder
from models.card import LATENTS, Card, CheckpointError
from models.data.own import FoundImages, Preparation, Prepared, Refused
from models.data.own.cache import divided
from models.data.own.records import Report, shown
from models.data.own.sources import Pictures
from models.data.own.trees import digest
from models.data.own.workers import in_chunks
from models.data.pictures import PictureError, Reading, scaled
from models.latents import WEIGHTS_KEY, encode, write_table
from models.system.files import make_folder, remove_file
from models.system.json_input import read_json

PART = 1_024  # images per part
NAME = re.compile(r"part-\d{5,}\.parquet|\.part-\d{5,}\.parquet\.\w+")  # file of a part, or a partial one
VERSION = 1  # version of the files; increased when decoding or encoding changes
RUN_KEY, REFUSED_KEY = b"run", b"refused"  # keys of the Parquet metadata
REFUSED_SHOWN = 5  # pictures in an error
DAMAGE = (pa.ArrowException, OSError, LookupError, TypeError, ValueError)


class Pixels(Protocol):
    """A source of pictures in the shape of the model; small enough to be sent to a worker."""

    def image(self, name: str, place: Any) -> NDArray[np.uint8]:
        """Returns a picture, uint8 (H, W, C).

        Raises:
            PictureError: If it cannot be used.
        """


@dataclass(frozen=True)
class SourcePixels:
    """Decodes pictures from their source."""

    pictures: Pictures
    shape: tuple[int, int, int]  # (C, H, W)
    fit: str
    background: str

    def image(self, name: str, place: Any) -> NDArray[np.uint8]:
        reading = Reading.lenient(self.background, alpha=self.shape[0] == 4)
        return scaled(self.pictures.picture(place, reading), self.shape, self.fit, self.background)


class DecodedPixels:
    """Reads pictures that are prepared in the cache, in this process."""

    def __init__(self, prepared: Prepared) -> None:
        self._rows = {name: row for row, name in enumerate(prepared.labels().texts["file"].values)}
        self._reasons = {each.name: each.reason for each in prepared.refused}
        self._images = prepared.images

    def image(self, name: str, place: Any) -> NDArray[np.uint8]:
        if name not in self._rows:
            raise PictureError(self._reasons.get(shown(name), "It cannot be decoded."))
        return np.asarray(self._images[self._rows[name]])


@dataclass(frozen=True)
class Part:
    """The input of a worker that encodes one part. Sequences have one entry per picture."""

    number: int
    file: Path  # absolute, as the next one
    checkpoint: Path
    weights_sha256: str  # of the checkpoint
    run: str  # hash of everything that determines the content: source, preparation, weights, number
    pixels: Pixels
    names: Sequence[str]
    places: Sequence[Any]  # positions in the source
    splits: Sequence[str]
    ids: NDArray[np.int64]  # rows in the splits


@dataclass(frozen=True)
class Outcome:
    """The result of encoding a part."""

    number: int
    rows: int  # rows of its file
    refused: tuple[Refused, ...]


@dataclass(frozen=True)
class EncodedParts:
    """The result of encoding all parts."""

    rows: int  # rows of all files
    refused: tuple[Refused, ...]


Workers = Callable[[Sequence[Part]], Iterable[Outcome]]  # one outcome per part, in any order


def in_this_process(parts: Sequence[Part]) -> Iterator[Outcome]:
    """Encodes the parts one after another."""
    return map(encode_part, parts)


def encode_parts(
    name: str | Path,
    found: FoundImages,
    preparation: Preparation,
    out: Path,
    *,
    pixels: Pixels | None = None,
    workers: Workers = in_this_process,
    report: Report | None = None,
    size: int = PART,
) -> EncodedParts:
    """Encodes images and writes the missing parts to the folder `latents` of `out`.

    Files of parts that do not belong to these images, settings and weights are removed first.

    Arguments:
        name: Name or folder of a checkpoint.
        found: The images.
        preparation: How they are split, cropped or padded.
        out: Folder of the collection.
        pixels: Source of the pixels; the images themselves if None.
        workers: Function that encodes parts.
        report: Called with the share done, 0 to 1, and the current task.
        size: Images per part.

    Returns:
        The number of images in the files, and pictures that could not be decoded.

    Raises:
        ValueError: If the checkpoint cannot be used, or no picture can be decoded.
        RuntimeError: If the workers omit a part.
        StorageError: If a file cannot be written.
    """
    progress = report or (lambda share, what: None)
    entry = checkpoint.read(name)
    if entry.card is None:
        raise CheckpointError(f"{entry.path} has no card.")
    if pixels is None:
        shape = _model(entry.path.absolute(), entry.card.weights_sha256).image_shape
        pixels = SourcePixels(found.pictures, shape, preparation.fit, preparation.background)
    folder = out.absolute() / LATENTS
    make_folder(folder)
    parts = divide(found, preparation, folder, entry.path.absolute(), entry.card, pixels, size)
    outcomes = {each.number: each for part in parts if (each := stored(part))}
    _remove_others(folder, [part for part in parts if part.number in outcomes])
    remaining = [part for part in parts if part.number not in outcomes]
    done = len(found) - sum(len(part.names) for part in remaining)
    progress(done / len(found), "Encoding the pictures")
    for outcome in workers(remaining) if remaining else ():
        done += 0 if outcome.number in outcomes else len(parts[outcome.number].names)
        outcomes[outcome.number] = outcome
        progress(done / len(found), "Encoding the pictures")
    if missing := [part.file.name for part in parts if part.number not in outcomes]:
        raise RuntimeError(
            f"{len(missing)} parts are not encoded, such as {missing[0]}. Run the command again."
        )
    rows = sum(each.rows for each in outcomes.values())
    refused = tuple(each for number in range(len(parts)) for each in outcomes[number].refused)
    if not rows:
        reasons = " ".join(f"{each.name}: {each.reason}" for each in refused[:REFUSED_SHOWN])
        raise ValueError(f"No picture in {shown(str(found.source))} can be decoded. {reasons}")
    return EncodedParts(rows, refused)


def divide(
    found: FoundImages,
    preparation: Preparation,
    folder: Path,
    weights: Path,
    card: Card,
    pixels: Pixels,
    size: int,
) -> list[Part]:
    """Divides images into parts in the order of the source, which is fast to read.

    Arguments:
        found: The images.
        preparation: How they are split.
        folder: Folder of the files.
        weights: Folder of the checkpoint.
        card: Card of the checkpoint.
        pixels: Source of the pixels.
        size: Images per part.
    """
    splits, order = divided(found, preparation)
    ids, counts = np.empty(len(found), np.int64), dict.fromkeys(splits, 0)
    for row in order.tolist():
        ids[row] = counts[splits[row]]
        counts[splits[row]] += 1
    options = json.dumps(preparation.as_options(), sort_keys=True)
    run = digest([(VERSION, found.fingerprint, options, card.weights_sha256, size)])
    return [
        Part(
            number=number,
            file=folder / f"part-{number:05}.parquet",
            checkpoint=weights,
            weights_sha256=card.weights_sha256,
            run=f"{run}-{number}",
            pixels=pixels,
            names=[found.items[row].key for row in rows],
            places=[found.places[row] for row in rows],
            splits=[splits[row] for row in rows],
            ids=ids[rows.start : rows.stop],
        )
        for number, rows in enumerate(in_chunks(len(found), size))
    ]


def encode_part(part: Part) -> Outcome:
    """Encodes the pictures of a part and writes its file, which also lists those that cannot be decoded.

    Raises:
        ValueError: If the checkpoint cannot be used, or its weights have changed.
        StorageError: If the file cannot be written.
    """
    model = _model(part.checkpoint, part.weights_sha256)
    images: list[NDArray[np.uint8]] = []
    decoded: list[int] = []
    refused: list[Refused] = []
    for row, (name, place) in enumerate(zip(part.names, part.places, strict=True)):
        try:
            images.append(part.pixels.image(name, place))
            decoded.append(row)
        except PictureError as error:
            refused.append(Refused(shown(name), str(error)))
    channels, height, width = model.image_shape
    blank = np.zeros(
        (1, height, width, channels), np.uint8
    )  # defines the columns if no picture can be decoded
    rows = encode(model, np.stack(images) if images else blank)
    metadata = {
        WEIGHTS_KEY: part.weights_sha256.encode(),
        RUN_KEY: part.run.encode(),
        REFUSED_KEY: json.dumps([[each.name, each.reason] for each in refused]).encode(),
    }
    write_table(
        part.file,
        [part.splits[row] for row in decoded],
        part.ids[decoded],
        [part.names[row] for row in decoded],
        {name: values[: len(decoded)] for name, values in rows.items()},
        metadata,
    )
    return Outcome(part.number, len(decoded), tuple(refused))


@lru_cache(maxsize=1)
def _model(path: Path, weights_sha256: str) -> Autoencoder:
    """Loads the model of a checkpoint, once per process.

    Raises:
        ValueError: If it cannot be used, takes sequences, or its weights have changed.
    """
    card = checkpoint.read(path).card
    if card is None or card.weights_sha256 != weights_sha256:
        raise CheckpointError(f"The weights of {path} have changed. Run the command again.")
    model = checkpoint.load(path)
    if model.spec.sequence:
        raise CheckpointError(f"{path} encodes sequences, not single images. Choose another checkpoint.")
    return model


def stored(part: Part) -> Outcome | None:
    """Reads the outcome in the file of a part; None if it is missing, damaged, or of another run."""
    try:
        with pq.ParquetFile(part.file, page_checksum_verification=True) as file:
            about = file.schema_arrow.metadata or {}
            if about.get(RUN_KEY) != part.run.encode():
                return None
            refused = tuple(Refused(str(name), str(why)) for name, why in read_json(about[REFUSED_KEY], "It"))
            rows = file.read().num_rows
    except DAMAGE:
        return None
    return Outcome(part.number, rows, refused) if rows + len(refused) == len(part.names) else None


def read_errors(out: Path) -> NDArray[np.float32]:
    """Reads the squared error per pixel of all encoded images, in the order of the source."""
    paths = sorted((out / LATENTS).glob("part-*.parquet"))
    return np.concatenate([pq.read_table(path, columns=["error"])["error"].to_numpy() for path in paths])


def _remove_others(folder: Path, sound: Sequence[Part]) -> None:
    """Removes the files of other runs, so that an atlas never mixes latents of several runs, and partial files."""
    keep = {part.file.name for part in sound}
    for path in folder.iterdir():
        if NAME.fullmatch(path.name) and path.name not in keep:
            remove_file(path)
