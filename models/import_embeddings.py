"""Imports embeddings as a checkpoint: vectors of items, with pictures and labels or without."""

from __future__ import annotations

__all__ = ["ImportedEmbeddings", "import_embeddings"]

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import checkpoint
from models.data import OWN
from models.data.own.command import title_of
from models.data.own.decoding import Plan, decode
from models.data.own.records import Report, shown
from models.embedded_items import Items, gather, options_in, write_latents
from models.embeddings.model import PICTURES, EmbeddingConfig, EmbeddingModel, sha256_of
from models.embeddings.reading import read_embeddings
from models.import_model import check_out
from models.system.files import make_folder
from models.system.replacing import staging_folder
from models.training.train import versions

FEWEST = 2  # items of an atlas
REFUSED_SHOWN = 5  # pictures in a warning


@dataclass(frozen=True)
class ImportedEmbeddings:
    """The result of an import."""

    folder: Path
    config: EmbeddingConfig
    labels: tuple[str, ...]  # titles of the columns
    notes: tuple[str, ...]  # sentences about how the files were read
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Returns the result as plain JSON values."""
        return {
            "folder": str(self.folder),
            "items": self.config.items,
            "latent_shape": [self.config.latent],
            "image_shape": list(self.config.image_shape),
            "pictures": self.config.pictured,
            "labels": list(self.labels),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }


def import_embeddings(
    source: Path,
    out: Path,
    *,
    images: Path | None = None,
    labels: Path | None = None,
    size: int | None = None,
    title: str = "",
    command: str = "",
    report: Report | None = None,
) -> ImportedEmbeddings:
    """Imports embeddings as a checkpoint, from which `python -m explorer.atlas` builds the map.

    Arguments:
        source: As `read_embeddings` takes it.
        out: Folder of the checkpoint; must be new or empty.
        images: Pictures of the items, as `open_images` takes them; None for those in the file of embeddings, if any.
        labels: A table of labels.
        size: Pixels of the longer side of a picture; chosen for the pictures if None.
        title: Display name; derived from `source` if empty.
        command: The command that is run, for the card.
        report: Called with the share done, 0 to 1, and the current task.

    Raises:
        ValueError: If a file is refused, the files do not belong together, or `out` cannot be used.
    """
    tell = report or (lambda share, what: None)
    check_out(out)
    tell(0.0, "Reading the embeddings")
    embeddings = read_embeddings(source)
    staging = staging_folder(out)
    shutil.rmtree(staging, ignore_errors=True)
    make_folder(staging)
    try:
        items = gather(
            embeddings,
            staging,
            images=images,
            labels=labels,
            size=size,
            report=lambda share, what: tell(0.1 + 0.2 * share, what),
        )
        items = replace(items, preparation=replace(items.preparation, validation=0.0, test=0.0))
        kept: NDArray[np.int64] = np.arange(len(items.vectors))
        warnings: tuple[str, ...] = ()
        if images is not None:
            kept, warnings = _write_pictures(
                items, staging, lambda share, what: tell(0.3 + 0.6 * share, what)
            )
        tell(0.9, "Writing the checkpoint")
        facts = {"title": title or title_of(str(source)), "command": command}
        config = _write(items, kept, staging, out, facts)
        if out.is_dir():
            out.rmdir()
        staging.rename(out.absolute())
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    tell(1.0, "Done")
    columns = tuple(column.title for column in items.found.columns.values())
    return ImportedEmbeddings(out, config, columns, items.notes, warnings)


def _write_pictures(items: Items, folder: Path, tell: Report) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Decodes the pictures of the items to a file; returns the rows that can be decoded, and warnings."""
    found, preparation = items.found, items.preparation
    order = np.arange(len(found))
    plan = Plan(
        folder / PICTURES,
        found.pictures,
        found.places,
        order,
        items.shape,
        preparation.fit,
        preparation.background,
    )
    failed, _ = decode(plan, tell)
    kept = np.setdiff1d(order, np.array([*failed], np.int64))
    if len(kept) < FEWEST:
        raise ValueError(f"Fewer than {FEWEST} pictures in {shown(str(found.source))} can be decoded.")
    if not failed:
        return kept, ()
    some = " ".join(f"{found.items[row].key}: {failed[row]}" for row in sorted(failed)[:REFUSED_SHOWN])
    return kept, (f"{len(failed):,} items are left out, whose pictures cannot be decoded. {some}",)


def _write(
    items: Items, kept: NDArray[np.int64], staging: Path, out: Path, facts: dict[str, Any]
) -> EmbeddingConfig:
    """Writes weights, card and latents."""
    config = EmbeddingConfig(
        image_shape=items.shape,
        items=len(kept),
        latent=items.vectors.shape[1],
        pictured=items.pictured,
        pictures_sha256=sha256_of(staging / PICTURES),
    )
    model = EmbeddingModel(config)
    model.set_vectors(items.vectors[kept])
    model.eval().open_files(staging)
    card = checkpoint.write(
        out,
        model,
        into=staging,
        model_name="embedding",
        data={"name": OWN, "options": options_in(items, staging, out)},
        description=f"{len(kept):,} vectors of {config.latent:,} dimensions",
        training={"imported": True},
        versions=versions(),
        **facts,
    )
    write_latents(staging, items, {}, card.weights_sha256)
    return config
