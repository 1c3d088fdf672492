"""What a training has learnt so far, as checkpoints of their own that can be explored while it goes on.

A training leaves snapshots in its own folder. Each is copied, encoded and then put beside that folder under a name
of its own, `NAME-early-1`, with its atlas and at one stroke: nobody opens it half-made, and nothing changes under a
hand that drags on it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from models.card import ATLAS, CARD, TITLE_LENGTH, WEIGHTS, Card, CheckpointError, read_card, write_card
from models.system.files import make_folder

__all__ = [
    "early_name",
    "place",
    "remove",
    "remove_superseded",
    "run_of_early",
    "snapshot",
    "staged",
    "superseded",
]

EARLY = re.compile(r"(?P<run>.+)-early-(?P<number>[1-9][0-9]?)")


def early_name(run: str, number: int) -> str:
    """The name of a run's early model; they count from 1."""
    return f"{run}-early-{number}"


def run_of_early(name: str) -> str:
    """The name of the run that an early model belongs to; "" for any other checkpoint."""
    found = EARLY.fullmatch(name)
    return found["run"] if found else ""


def snapshot(folder: Path) -> Card | None:
    """The card of the snapshot that a training has left in its folder; None where there is none."""
    try:
        card = read_card(folder)
    except (CheckpointError, OSError):
        return None
    return card if card.training.get("finished") is False else None


def staged(folder: Path, card: Card, number: int) -> Path:
    """Copies a snapshot to where it is encoded, unseen by anybody.

    Raises:
        OSError: If it cannot be written, or is being replaced.
    """
    name = early_name(folder.name, number)
    work = _hidden(folder) / name
    shutil.rmtree(work, ignore_errors=True)
    make_folder(work)
    shutil.copyfile(folder / WEIGHTS, work / WEIGHTS)
    steps = card.training.get("steps")
    after = f", after {steps:,} steps" if isinstance(steps, int) else ", early"
    write_card(work, replace(card, name=name, title=card.title[: TITLE_LENGTH - len(after)] + after))
    return work


def place(work: Path) -> str:
    """Puts an encoded snapshot where checkpoints are found; gives its name.

    Raises:
        OSError: If it cannot be moved.
    """
    root = work.parent.parent
    shutil.rmtree(root / work.name, ignore_errors=True)
    work.rename(root / work.name)
    return work.name


def remove(folder: Path, kept: frozenset[str] = frozenset()) -> None:
    """Deletes a run's early models, and what was left of one that was not encoded.

    Arguments:
        folder: Of the run.
        kept: Names of those that stay.
    """
    shutil.rmtree(_hidden(folder), ignore_errors=True)
    if not folder.parent.is_dir():
        return
    for path in folder.parent.iterdir():
        if run_of_early(path.name) == folder.name and path.name not in kept and (path / CARD).is_file():
            shutil.rmtree(path, ignore_errors=True)


def superseded(name: str, names: Collection[str]) -> bool:
    """Whether a checkpoint is an early model of a run that has ended, as far as `names` tells."""
    return run_of_early(name) in names


def remove_superseded(root: Path) -> None:
    """Deletes the early models of all runs that have ended."""
    for path in list(root.iterdir()) if root.is_dir() else []:
        run = run_of_early(path.name)
        if run and (root / run / ATLAS).is_file():
            remove(root / run)


def _hidden(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.early"
