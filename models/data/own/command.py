"""Converts a path on the command line to options of the data set "own-images", and reports what was read."""

from __future__ import annotations

__all__ = ["folder_name", "is_path", "options_from_path", "title_of"]

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.data.own.cache import Prepared, prepare
from models.data.own.found import FoundImages
from models.data.own.opening import open_images
from models.data.own.preparation import Preparation
from models.data.own.proposal import propose
from models.data.own.records import Report, shown

REFUSED_SHOWN = 20  # refused files that are listed


def is_path(name: str) -> bool:
    """Whether the name of a data set is the path of a folder or file."""
    try:
        return Path(name).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def folder_name(path: str) -> str:
    """Derives the name of a checkpoint's folder from a path: lower-case letters, digits and dashes."""
    stem = Path(path).expanduser().absolute().name.partition(".")[0]
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40] or "images"


def title_of(path: str) -> str:
    """Derives the title of a checkpoint from the name of a folder or file."""
    whole = Path(path).expanduser().absolute()
    return shown(whole.name if whole.is_dir() else whole.name.partition(".")[0])[:80]


def options_from_path(
    path: str,
    labels: str | None = None,
    changes: Mapping[str, Any] | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """Returns the options of the data set "own-images" for a path; prepares the images.

    Arguments:
        path: A folder or file of pictures.
        labels: A table that names the files.
        changes: Fields of `Preparation` that differ from the proposal.
        report: Called with the share done, 0 to 1, and the current task.

    Raises:
        ValueError: If no picture can be read, a change is invalid, or no model can be trained on the images.
        StorageError: If the cache folder is full or cannot be written.
    """
    tell = report or (lambda share, what: None)
    found = open_images(path, labels, lambda share, what: tell(0.3 * share, what))
    preparation = Preparation.from_options({**propose(found).as_options(), **(changes or {})})
    prepared = prepare(preparation, lambda share, what: tell(0.3 + 0.7 * share, what), found)
    prepared.check_learnable()
    for line in summary(found, prepared):
        print(line, file=sys.stderr)
    return preparation.as_options()


def summary(found: FoundImages, prepared: Prepared) -> list[str]:
    """Summarises what was read, in lines."""
    channels, height, width = prepared.shape
    divided = ", ".join(f"{count:,} {split}" for split, count in prepared.splits.items())
    kinds = prepared.preparation.kinds
    labels = [f"{each.title} ({kinds.get(slug, each.kind)})" for slug, each in found.columns.items()]
    refused = [*found.refused, *prepared.refused]
    lines = [
        f"{shown(str(found.source))}: {len(prepared):,} pictures ({divided}), {width}×{height}, "
        f"{ {1: 'grey', 3: 'RGB', 4: 'RGBA'}[channels] }.",
        *([f"Labels: {', '.join(labels)[:1000]}."] if labels else []),
        *found.notes,
        *(f"Not used: {each.name}: {each.reason}" for each in refused[:REFUSED_SHOWN]),
    ]
    if len(refused) > REFUSED_SHOWN:
        lines.append(f"Not used: {len(refused) - REFUSED_SHOWN:,} more files.")
    return lines
