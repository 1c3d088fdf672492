"""Early models: snapshots of a running training, as checkpoints that can be explored meanwhile.

A training writes snapshots to its own folder. Each is copied and encoded in a hidden folder, and then moved beside
the training's folder as `NAME-early-1`, together with its atlas. The move is atomic, so that no incomplete checkpoint
can be opened, and an open one never changes.
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
    "is_superseded",
    "publish",
    "remove",
    "remove_superseded",
    "run_of_early",
    "snapshot",
    "stage",
]

EARLY = re.compile(r"(?P<run>.+)-early-(?P<number>[1-9][0-9]?)")


def early_name(run: str, number: int) -> str:
    """The name of a run's early model; numbers start at 1."""
    return f"{run}-early-{number}"


def run_of_early(name: str) -> str:
    """The name of the run that an early model belongs to; "" for any other checkpoint."""
    match = EARLY.fullmatch(name)
    return match["run"] if match else ""


def snapshot(folder: Path) -> Card | None:
    """The card of the snapshot in a training's folder; None if there is none."""
    try:
        card = read_card(folder)
    except (CheckpointError, OSError):
        return None
    return card if card.training.get("finished") is False else None


def stage(folder: Path, card: Card, number: int) -> Path:
    """Copies a snapshot to a hidden folder, where it is encoded.

    Raises:
        OSError: If it cannot be written, or the training is replacing it.
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


def publish(work: Path) -> str:
    """Moves an encoded snapshot to the checkpoints; returns its name.

    Raises:
        OSError: If it cannot be moved.
    """
    root = work.parent.parent
    shutil.rmtree(root / work.name, ignore_errors=True)
    work.rename(root / work.name)
    return work.name


def remove(folder: Path, except_for: frozenset[str] = frozenset()) -> None:
    """Deletes a run's early models, and the remains of one that was not encoded.

    Arguments:
        folder: Folder of the run.
        except_for: Names of early models to keep.
    """
    shutil.rmtree(_hidden(folder), ignore_errors=True)
    if not folder.parent.is_dir():
        return
    for path in folder.parent.iterdir():
        if run_of_early(path.name) == folder.name and path.name not in except_for and (path / CARD).is_file():
            shutil.rmtree(path, ignore_errors=True)


def is_superseded(name: str, names: Collection[str]) -> bool:
    """Whether a checkpoint is an early model of a run whose final checkpoint is in `names`."""
    return run_of_early(name) in names


def remove_superseded(root: Path) -> None:
    """Deletes the early models of all runs that have a final atlas."""
    for path in list(root.iterdir()) if root.is_dir() else []:
        run = run_of_early(path.name)
        if run and (root / run / ATLAS).is_file():
            remove(root / run)


def _hidden(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.early"
