"""A collection: somebody's images, encoded by a checkpoint, beside the checkpoint's own images.

It is a folder with a card, which names the images and the checkpoint whose weights encoded them, and their latents.
Once `python -m explorer.atlas` has made its atlas, everything that takes a checkpoint takes the collection.
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

FEWEST = 2  # images of an atlas
EXACT = 1e-10  # squared error per pixel that counts as none, as in models/evaluation/reconstruction.py
NAME_LENGTH = 24  # characters of the images' part in a collection's name
PSNR_AT_LEAST = 20  # dB; below it a checkpoint does not fit the images
MADE = (CARD, LATENTS, ATLAS)  # files of a collection

Source = str | Path | Sequence[str | Path]  # of images
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Collection:
    """What became of somebody's images."""

    folder: Path
    images: int
    refused: tuple[Refused, ...]  # files that cannot be used
    notes: tuple[str, ...]  # what was found in the images, sentences
    psnr: float  # dB, of the reconstructions, a mean over the images

    @property
    def fits(self) -> bool:
        """Whether the checkpoint reconstructs the images well enough to be of use."""
        return self.psnr >= PSNR_AT_LEAST


def collection_folder(name: str | Path, source: Source) -> Path:
    """Where the collection of some images goes if nobody says: in the folder of new runs, "faces-vae.fruits".

    That of a checkpoint outside of `roots()` goes beside it.

    Raises:
        CheckpointError: If the checkpoint cannot be used.
    """
    entry = _encoder(name)
    beside = entry.path.absolute().parent
    home = roots()[-1] if beside in [root.absolute() for root in roots()] else beside
    short = folder_name(str(common_folder(_paths(source))[0]))[:NAME_LENGTH].strip("-")
    return home / f"{entry.name[: 63 - NAME_LENGTH]}.{short}"


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
    """Encodes images with a checkpoint and writes a collection; its atlas is made from it afterwards.

    Every image is fitted to the shape that the checkpoint takes: its sides and its channels. The card is written last,
    so what was killed is no collection yet; the same call goes on with the parts that are encoded.

    Arguments:
        name: Name or folder of a checkpoint, or of one of its collections.
        source: A folder, zip, Parquet file, WebDataset or array, or several, as `models.data.open_images` takes them.
        out: The folder to write; a former collection of the same checkpoint there is replaced.
        labels: A table of labels.
        fit: "crop", "pad" or "stretch"; where empty, what suits the images.
        command: That is run, for the card.
        workers: Decode and encode parts of the images; where None, both are done here, and the cache keeps the decoded
            images.
        report: Called with the share done, 0 to 1, and what is being done.

    Raises:
        ValueError: If the images cannot be read, the checkpoint takes sequences, or `out` holds something else.
    """
    progress = report or (lambda share, what: None)
    entry = _encoder(name)
    card = _card(entry)
    _check_out(out, entry)
    model = checkpoint.load(entry.path)
    if model.spec.sequence:
        raise ValueError(f"{name} encodes sequences, not single images. Choose another checkpoint.")
    found = open_images(source, labels, lambda share, what: progress(0.3 * share, what))
    preparation = fitted(propose(found), model.image_shape, fit)
    described = _describe(card, entry, out.name, found.source, preparation.as_options(), command)  # or raises
    pixels, start = None, 0.3
    if workers is None:
        prepared = prepare(preparation, lambda share, what: progress(0.3 + 0.3 * share, what), found)
        _check_count(found.source, len(prepared))
        pixels, start = DecodedPixels(prepared), 0.6
    for former in (ATLAS, CARD):
        (out / former).unlink(missing_ok=True)
    done = encode_parts(
        entry.path,
        found,
        preparation,
        out,
        pixels=pixels,
        workers=workers or in_this_process,
        report=lambda share, what: progress(start + (1 - start) * share, what),
    )
    _check_count(found.source, done.rows)
    psnr = float(-10 * np.log10(np.maximum(read_errors(out), EXACT)).mean())
    about = f"decoded posterior means, all {done.rows} images of the collection"
    write_card(out, replace(described, metrics={"psnr": metric(psnr, "dB", about)}))
    return Collection(out, done.rows, (*found.refused, *done.refused), tuple(found.notes), psnr)


def fitted(preparation: Preparation, shape: tuple[int, int, int], fit: str = "") -> Preparation:
    """The preparation that gives pictures of a model's shape (C, H, W)."""
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
    """The card of a collection."""
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
    """The checkpoint that has the weights, of itself or of one of its collections."""
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
    """Raises ValueError where images are too few for an atlas."""
    if count < FEWEST:
        raise ValueError(f"A collection must have at least {FEWEST} images. {source} has {count}. Add some.")


def _check_out(out: Path, entry: Entry) -> None:
    """Raises ValueError where a folder holds anything but a collection of the same checkpoint, or would not find it."""
    beside = entry.path.resolve().parent
    if beside not in [place.resolve() for place in (out.absolute().parent, *roots())]:
        raise ValueError(
            f"`--out` must lie beside {entry.path}, which is in no folder of checkpoints: a collection finds its "
            f"checkpoint there. Got {out}."
        )
    if not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f"`--out` must be a folder or end in .parquet or .csv. {out} is a file.")
    others = sorted(
        path.name for path in out.iterdir() if path.name not in MADE and not path.name.startswith(".")
    )
    if others and not (out / CARD).is_file():
        raise ValueError(f"`--out` must be a new folder or a collection. {out} holds {others[0][:80]!r}.")
    if (out / CARD).is_file() and read_card(out).weights_of != entry.name:
        raise ValueError(f"`--out` must not be another checkpoint. {out} is one: name another folder.")
