"""A collection: images of the user, encoded by a checkpoint.

It is a folder with the latents and a card, which names the images and the checkpoint whose weights encoded them. Once
`python -m explorer.atlas` has built its atlas, a collection can be used wherever a checkpoint can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models import checkpoint
from models.card import (
    ATLAS,
    CARD,
    LATENTS,
    TITLE_LENGTH,
    Card,
    CheckpointError,
    Entry,
    read_card,
    roots,
    write_card,
)
from models.data import OWN
from models.data.own import Preparation, Refused, open_images, prepare, propose
from models.data.own.command import folder_name, title_of
from models.data.own.opening import common_folder
from models.encoded_parts import DecodedPixels, Workers, encode_parts, in_this_process, read_errors
from models.evaluation.metric import metric

__all__ = ["Collection", "collection_folder", "encode_collection"]

FEWEST = 2  # images needed for an atlas
EXACT = 1e-10  # squared error per pixel that counts as 0, as in models/evaluation/reconstruction.py
NAME_LENGTH = 24  # characters of the images' name in the name of a collection
PSNR_AT_LEAST = 20  # dB; below, a checkpoint does not fit the images
COLLECTION_FILES = (CARD, LATENTS, ATLAS)

Source = str | Path | Sequence[str | Path]  # of images
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Collection:
    """The result of encoding images as a collection."""

    folder: Path
    images: int
    refused: tuple[Refused, ...]  # files that cannot be used
    notes: tuple[str, ...]  # sentences about how the images were read
    psnr: float  # of the reconstructions, dB, mean over the images

    @property
    def fits(self) -> bool:
        """Whether the checkpoint reconstructs the images well enough to be useful."""
        return self.psnr >= PSNR_AT_LEAST


def collection_folder(name: str | Path, source: Source) -> Path:
    """Returns the default folder of a collection: in the folder of new runs, such as "faces-vae.fruits".

    The collection of a checkpoint outside of `roots()` is placed beside the checkpoint.

    Raises:
        CheckpointError: If the checkpoint cannot be used.
    """
    entry = _encoder(name)
    parent = entry.path.absolute().parent
    target = roots()[-1] if parent in [root.absolute() for root in roots()] else parent
    short = folder_name(str(common_folder(_paths(source))[0]))[:NAME_LENGTH].strip("-")
    return target / f"{entry.name[: 63 - NAME_LENGTH]}.{short}"


def encode_collection(
    name: str | Path,
    source: Source,
    out: Path,
    *,
    labels: Path | None = None,
    fit: str = "",
    command: str = "",
    workers: Workers | None = None,
    report: Report | None = None,
) -> Collection:
    """Encodes images with a checkpoint and writes a collection, from which the atlas is built afterwards.

    Every image is converted to the size and the channels of the checkpoint. The card is written last, so an interrupted
    call leaves no incomplete collection; the same call resumes after the parts that are already encoded.

    Arguments:
        name: Name or folder of a checkpoint, or of one of its collections.
        source: A folder, zip, Parquet file, WebDataset or array, or several, as `models.data.open_images` takes them.
        out: Folder to write; an earlier collection of the same checkpoint there is replaced.
        labels: A table of labels.
        fit: "crop", "pad" or "stretch"; if empty, chosen for the images.
        command: The command that is run, for the card.
        workers: Decode and encode parts of the images; if None, this process does both, and decoded images are cached.
        report: Called with the share done, 0 to 1, and the current task.

    Raises:
        ValueError: If the images cannot be read, the checkpoint takes sequences, or `out` holds other files.
    """
    progress = report or (lambda share, what: None)
    entry = _encoder(name)
    card = _card(entry)
    _check_out(out, entry)
    model = checkpoint.load(entry.path)
    if model.spec.sequence:
        raise ValueError(f"{name} encodes sequences, not single images. Choose another checkpoint.")
    images = open_images(source, labels, lambda share, what: progress(0.3 * share, what))
    preparation = fitted(propose(images), model.image_shape, fit)
    options = preparation.as_options()
    described = _describe(card, entry, out.name, images.source, options, command)  # or raises
    pixels, start = None, 0.3
    if workers is None:
        prepared = prepare(preparation, lambda share, what: progress(0.3 + 0.3 * share, what), images)
        _check_count(images.source, len(prepared))
        pixels, start = DecodedPixels(prepared), 0.6
    for former in (ATLAS, CARD):
        (out / former).unlink(missing_ok=True)
    done = encode_parts(
        entry.path,
        images,
        preparation,
        out,
        pixels=pixels,
        workers=workers or in_this_process,
        report=lambda share, what: progress(start + (1 - start) * share, what),
    )
    _check_count(images.source, done.rows)
    psnr = float(-10 * np.log10(np.maximum(read_errors(out), EXACT)).mean())
    about = f"decoded posterior means, all {done.rows} images of the collection"
    write_card(out, replace(described, metrics={"psnr": metric(psnr, "dB", about)}))
    return Collection(out, done.rows, (*images.refused, *done.refused), tuple(images.notes), psnr)


def fitted(preparation: Preparation, shape: tuple[int, int, int], fit: str = "") -> Preparation:
    """Returns the preparation that converts images to the shape of a model (C, H, W)."""
    channels, height, width = shape
    return replace(
        preparation,
        size=max(height, width),
        height=height,
        width=width,
        channels=channels,
        fit=fit or preparation.fit,
    )


def _describe(
    card: Card, entry: Entry, name: str, source: Path, options: dict[str, object], command: str
) -> Card:
    """Builds the card of a collection."""
    title = title_of(str(source))
    return Card(
        name=name,
        title=f"{card.title} · {title}"[:TITLE_LENGTH],
        model=card.model,
        config=card.config,
        data={"name": OWN, "options": options},
        weights_sha256=card.weights_sha256,
        command=command,
        description=f"Images of {title}, encoded by {card.title}",
        versions=card.versions,
        weights_of=entry.name,
    )


def _encoder(name: str | Path) -> Entry:
    """Returns the checkpoint with the weights, given its name or that of one of its collections."""
    entry = checkpoint.read(name)
    card = _card(entry)
    if not card.weights_of:
        return entry
    beside = entry.path.absolute().parent / card.weights_of
    return checkpoint.read(beside if beside.is_dir() else card.weights_of)


def _card(entry: Entry) -> Card:
    if entry.card is None:
        raise CheckpointError(f"{entry.path} has no card.")
    return entry.card


def _paths(source: Source) -> Sequence[str | Path]:
    return [source] if isinstance(source, str | Path) else source


def _check_count(source: Path, count: int) -> None:
    """Raises ValueError if there are too few images for an atlas."""
    if count < FEWEST:
        raise ValueError(f"A collection must have at least {FEWEST} images. {source} has {count}. Add some.")


def _check_out(out: Path, entry: Entry) -> None:
    """Raises ValueError if a folder holds other files than a collection of the checkpoint, or cannot find it."""
    parent = entry.path.resolve().parent
    if parent not in [folder.resolve() for folder in (out.absolute().parent, *roots())]:
        raise ValueError(
            f"`--out` must be beside {entry.path}, which is not in a folder of checkpoints, so that the collection can "
            f"find its checkpoint. Got {out}."
        )
    if not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f"`--out` must be a folder or end in .parquet or .csv. {out} is a file.")
    others = sorted(
        path.name
        for path in out.iterdir()
        if path.name not in COLLECTION_FILES and not path.name.startswith(".")
    )
    if others and not (out / CARD).is_file():
        raise ValueError(f"`--out` must be a new folder or a collection. {out} holds {others[0][:80]!r}.")
    if (out / CARD).is_file() and read_card(out).weights_of != entry.name:
        raise ValueError(f"`--out` must not be another checkpoint. {out} is one; choose another folder.")
