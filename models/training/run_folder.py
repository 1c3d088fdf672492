"""The folder that a run writes to: its own, or a staging folder that replaces an older run once the new one is finished.

An unfinished run may write a snapshot, a checkpoint whose card says `"finished": false`, beside the saved state. Files
of a run are never overwritten by default. With `--overwrite`, the older run is kept until the new one is finished and
replaces it atomically; the atlas of the old weights is deleted with them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from models.card import ATLAS, CARD, TRAINING, WEIGHTS, read_card
from models.system.files import StorageError, make_folder
from models.system.replacing import recover, replace_folder, staging_folder
from models.training.log import CURVES, EVENTS
from models.training.previews import PREVIEWS
from models.training.state import read_run

__all__ = [
    "PAUSE",
    "RUN_FILES",
    "STOP",
    "clear",
    "exclusive",
    "finish",
    "has_ended",
    "resumed_folder",
    "working_folder",
]

STOP, PAUSE = "stop", "pause"  # files that request the end of a run, or a pause
RUN_FILES = (
    CARD,
    WEIGHTS,
    TRAINING,
    ATLAS,
    CURVES,
    PREVIEWS,
    STOP,
    PAUSE,
)  # written by a training or for its atlas


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Holds the folder of a run, so that no other training writes to it.

    Raises:
        ValueError: If another training holds it.
        StorageError: If the folder that it lies in cannot be written.
    """
    place = folder.absolute()
    make_folder(place.parent)
    path = place.with_name(f".{place.name}.lock")
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(
            f"Another training writes to {folder}. Choose another `--out`, or wait until it has ended."
        ) from error
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}. Choose an `--out` in a folder that can be written."
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps a file that is open
            path.unlink()
        lock.release()


def working_folder(folder: Path, *, resume: bool, overwrite: bool) -> Path:
    """Returns the folder that a training of the checkpoint `folder` writes to until it is finished.

    Arguments:
        folder: The checkpoint's folder.
        resume: Resume from the saved state, if there is one.
        overwrite: Replace the run that the folder holds.

    Raises:
        ValueError: If the folder holds a run that would be lost, or a finished one, which cannot be resumed.
    """
    recover(folder)
    if resume and overwrite:
        raise ValueError("`--resume` continues a run, `--overwrite` starts it again. Leave out one of them.")
    if resume:
        saved = resumed_folder(folder)
        if (saved / CARD).is_file() and not (saved / TRAINING).is_file():
            raise ValueError(
                f"{folder} holds a finished run, so there is nothing to resume. To train it again, replace "
                "`--resume` by `--overwrite` or choose another `--out`."
            )
        return saved
    existing = _existing_run(folder)
    if existing and not overwrite:
        raise ValueError(existing)
    return staging_folder(folder) if existing else folder


def resumed_folder(folder: Path) -> Path:
    """Returns the folder with the state to resume from: an unfinished successor of `folder`, else `folder` itself."""
    staged = staging_folder(folder)
    interrupted_at_end = (folder / TRAINING).is_file() and has_ended(folder)
    return staged if (staged / TRAINING).is_file() and not interrupted_at_end else folder


def clear(work: Path, folder: Path) -> None:
    """Prepares to overwrite a run: deletes an earlier attempt, and the state beside a finished run."""
    if work != folder:
        shutil.rmtree(work, ignore_errors=True)
        if has_ended(folder):
            (folder / TRAINING).unlink(missing_ok=True)
    delete_requests(folder)


def delete_requests(folder: Path) -> None:
    """Deletes the files that request a stop or a pause."""
    for name in (STOP, PAUSE):
        (folder / name).unlink(missing_ok=True)


def has_ended(folder: Path) -> bool:
    """Whether the folder holds the checkpoint of a finished run, not a snapshot of an unfinished one."""
    if not (folder / CARD).is_file():
        return False
    try:
        return read_card(folder).training.get("finished") is not False
    except ValueError:
        return True  # broken, and not to be replaced


def finish(work: Path, folder: Path) -> None:
    """Moves the checkpoint of a finished run from `work` to `folder`, and deletes the state last.

    An interruption leaves either the old run and a state, or the new run and a state.
    """
    if work == folder:
        (folder / ATLAS).unlink(missing_ok=True)
    elif folder.exists():
        replace_folder(folder, work, (*RUN_FILES, EVENTS))
    else:
        work.rename(folder)
    shutil.rmtree(staging_folder(folder), ignore_errors=True)
    for name in (PREVIEWS, TRAINING):
        (folder / name).unlink(missing_ok=True)
    delete_requests(folder)


def _existing_run(folder: Path) -> str:
    """Describes the run that a folder holds, and what to do; "" if there is none."""
    replacing = f"To replace it, add `--overwrite`; to keep it, choose another `--out` than {folder}."
    staged = resumed_folder(folder)
    if staged != folder:
        return (
            f"{folder} is being overwritten by an unfinished run ({_saved_steps(staged)}). Resume that run: "
            f"`python -m models train --resume {folder}`. To start it again, add `--overwrite`."
        )
    if has_ended(folder):
        return f"{folder} already holds a finished run. {replacing}"
    if (folder / TRAINING).is_file():
        return (
            f"{folder} already holds an unfinished run ({_saved_steps(folder)}). Resume it: "
            f"`python -m models train --resume {folder}`. {replacing}"
        )
    if files := [name for name in RUN_FILES if (folder / name).exists()]:
        return f"{folder} already holds files of a run ({', '.join(files)}). {replacing}"
    return ""


def _saved_steps(folder: Path) -> str:
    try:
        return f"{read_run(folder)[1]:,} steps are saved"
    except ValueError:
        return "its saved state cannot be read"
