"""The folder that a run writes to: its own, or one beside it that replaces an older run once the new one has ended.

A run that goes on may leave a checkpoint of what it has learnt so far, a snapshot: its card says `"finished": false`,
and the state to go on from lies beside it. Nothing that a run has left is written over unasked. With `--overwrite` the older run stays whole until the end of
the new one, which then takes its place at one stroke; the atlas of the old weights goes with them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from models.card import ATLAS, CARD, TRAINING, WEIGHTS, read_card
from models.system.replacing import recover, replace_folder, staging_folder
from models.training.log import CURVES, EVENTS
from models.training.previews import PREVIEWS
from models.training.state import read_run

__all__ = ["MADE", "PAUSE", "STOP", "clear", "finish", "has_ended", "resumed_folder", "working_folder"]

STOP, PAUSE = "stop", "pause"  # files that ask a run to end here, or to go on later
MADE = (
    CARD, WEIGHTS, TRAINING, ATLAS, CURVES, PREVIEWS, STOP, PAUSE,
)  # files that a training, or the atlas after it, makes  # fmt: skip


def working_folder(folder: Path, *, resume: bool, overwrite: bool) -> Path:
    """The folder that a training of the checkpoint `folder` writes to until it has ended.

    Arguments:
        folder: The checkpoint's folder.
        resume: Go on from a saved state, if there is one.
        overwrite: Replace the run that the folder holds.

    Raises:
        ValueError: If the folder holds a run that would be lost, or one that has ended and cannot be resumed.
    """
    recover(folder)
    if resume and overwrite:
        raise ValueError(
            "`--resume` goes on with a run, `--overwrite` starts it over. Leave out one of them."
        )
    if resume:
        found = resumed_folder(folder)
        if (found / CARD).is_file() and not (found / TRAINING).is_file():
            raise ValueError(
                f"{folder} holds a finished run, so there is nothing to resume. To train it again, replace "
                "`--resume` by `--overwrite` or choose another `--out`."
            )
        return found
    held = _held(folder)
    if held and not overwrite:
        raise ValueError(held)
    return staging_folder(folder) if held else folder


def resumed_folder(folder: Path) -> Path:
    """The folder whose state `--resume` goes on from: an unfinished successor of `folder`, else `folder` itself."""
    staged = staging_folder(folder)
    ended = (folder / TRAINING).is_file() and has_ended(folder)  # killed in its last moment
    return staged if (staged / TRAINING).is_file() and not ended else folder


def clear(work: Path, folder: Path) -> None:
    """Prepares an overwriting: no trace of an earlier attempt, and no state beside a run that has ended."""
    if work != folder:
        shutil.rmtree(work, ignore_errors=True)
        if has_ended(folder):
            (folder / TRAINING).unlink(missing_ok=True)
    forget_requests(folder)


def forget_requests(folder: Path) -> None:
    """Deletes the files that asked a run to end or to pause."""
    for name in (STOP, PAUSE):
        (folder / name).unlink(missing_ok=True)


def has_ended(folder: Path) -> bool:
    """Whether the folder holds the checkpoint of a run that has ended, not a snapshot of one that has not."""
    if not (folder / CARD).is_file():
        return False
    try:
        return read_card(folder).training.get("finished") is not False
    except ValueError:
        return True  # broken, but not ours to replace


def finish(work: Path, folder: Path) -> None:
    """Ends a run whose checkpoint is written to `work`: puts it in its place, and deletes the state last.

    A kill between two of these deeds leaves either the old run and a state, or the new run and a state.
    """
    if work == folder:
        (folder / ATLAS).unlink(missing_ok=True)
    elif folder.exists():
        replace_folder(folder, work, (*MADE, EVENTS))
    else:
        work.rename(folder)
    shutil.rmtree(staging_folder(folder), ignore_errors=True)
    for name in (PREVIEWS, TRAINING):
        (folder / name).unlink(missing_ok=True)
    forget_requests(folder)


def _held(folder: Path) -> str:
    """What the folder holds of a run, with what to do; "" for nothing."""
    replacing = f"To replace it, add `--overwrite`; to keep it, choose another `--out` than {folder}."
    staged = resumed_folder(folder)
    if staged != folder:
        return (
            f"{folder} is being overwritten by a run that has not ended ({_steps(staged)}). Go on with that: "
            f"`python -m models train --resume {folder}`. To start it over, add `--overwrite`."
        )
    if has_ended(folder):
        return f"{folder} already holds a finished run. {replacing}"
    if (folder / TRAINING).is_file():
        return (
            f"{folder} already holds an unfinished run ({_steps(folder)}). Go on with it: "
            f"`python -m models train --resume {folder}`. {replacing}"
        )
    if found := [name for name in MADE if (folder / name).exists()]:
        return f"{folder} already holds files of a run ({', '.join(found)}). {replacing}"
    return ""


def _steps(folder: Path) -> str:
    try:
        return f"{read_run(folder)[1]:,} steps are saved"
    except ValueError:
        return "its saved state cannot be read"
