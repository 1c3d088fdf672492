"""Trainings started by the explorer: one at a time, each in a child process, followed by building the atlas.

The user's own images are prepared first, and snapshots of their training are encoded while it runs, to
explore as checkpoints (`explorer.jobs.early_models`). Trainings belong to the server, not to a page, and
survive a reload. The work is done by `python -m models train`; if the server ends or a training is cancelled,
the run's folder has the last saved state, from which `--resume` continues.
"""

from __future__ import annotations

import contextlib
import logging
import shlex
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from functools import cache
from json import dumps
from pathlib import Path
from typing import Any, Literal

from explorer.catalogue import families
from explorer.jobs import early_models, runner
from explorer.jobs.commands import Command
from explorer.jobs.own_training import is_own, prepare_images
from explorer.jobs.process import ChildProcess
from explorer.jobs.training_lock import TrainingBusy, TrainingLock
from models import MODELS, checkpoint
from models.card import ATLAS, CARD, LATENTS, NAME, TRAINING, Card, Entry
from models.card import roots as card_roots
from models.system.files import replace_file
from models.system.replacing import staging_folder
from models.training.log import EVENTS
from models.training.run_folder import PAUSE, RUN_FILES, STOP, has_ended, resumed_folder
from models.training.train import Run, read_run
from models.training.trial import BATCH

__all__ = [
    "MAP_IMAGES",
    "RunInfo",
    "Training",
    "TrainingBusy",
    "Trainings",
    "command_line",
    "free_name",
    "plan",
    "runs_folder",
    "trainings",
]

LOG = logging.getLogger(__name__)

MAP_IMAGES = 4000  # images in the atlas of a run
SAVES = 50  # states that a run saves, so that little is lost on Cancel
SAVE_AT_MOST = 500  # steps between two saved states
SNAPSHOTS = (25, 120, 400, 1200, 3600)  # seconds of training after which a snapshot is mapped
EARLY_KEPT = 2  # newest early models kept of a run
POLL = 0.5  # seconds between two checks for a snapshot
FRESH = 20.0  # seconds after its last output in which a run of another process counts as running
APART = ("model", "data", "config", "options")  # fields of a run that are not plain options of the command

Phase = Literal["preparing", "training", "encoding", "mapping"]
State = Literal[
    "preparing",
    "training",
    "encoding",
    "mapping",
    "ready",
    "bare",
    "unfinished",
    "empty",
    "failed",
    "cancelled",
    "elsewhere",
    "broken",
]


@dataclass(frozen=True)
class RunInfo:
    """The state of a run's folder."""

    name: str
    path: Path
    state: State
    step: int = 0  # last saved step of an unfinished run
    run: Run | None = None  # settings of an unfinished run, or of one that this server started
    card: Card | None = None
    error: str | None = None  # why it ended early, or cannot be used


class Training:
    """A running or finished training. Thread-safe to read."""

    def __init__(
        self, folder: Path, run: Run | None, arguments: tuple[str, ...] | None, lock: TrainingLock
    ) -> None:
        """Starts the training.

        Arguments:
            folder: Folder of the run.
            run: Settings; None if they are unknown, or if nothing is trained.
            arguments: Arguments of the training process; None only to encode a trained run.
            lock: Lock for one training; released at the end.
        """
        self.folder, self.run = folder, run
        self._arguments = arguments
        self.phase: Phase = "encoding" if arguments is None else "preparing" if is_own(run) else "training"
        self.error: str | None = None
        self.cancelled = False
        self.ending = False  # whether a stop or pause was requested
        self.newest = ""  # name of its newest checkpoint that can be explored
        self._snapshot = ""  # hash of the last encoded weights
        self._count = 0  # number of early models so far
        self._lock = lock
        self._began: tuple[float, float] | None = (
            None  # when it was first seen to advance, and how far it was
        )
        self._job = self._start_phase()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """Name of the run and of its checkpoint."""
        return self.folder.name

    @property
    def title(self) -> str:
        """Title of its checkpoint."""
        return (self.run.title if self.run else "") or self.name

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self._thread.is_alive()

    @property
    def share(self) -> float:
        """Fraction done of the current phase, 0 to 1."""
        return self._job.share

    @property
    def what(self) -> str:
        """Current step, as text."""
        job = self._job
        return f"Step {job.done:,} of {job.total:,}" if isinstance(job, Command) and job.total else job.what

    @property
    def seconds_left(self) -> float | None:
        """Estimated time for the remaining steps; None if unknown."""
        share, now = self._job.share, time.monotonic()
        if share <= 0 or not isinstance(self._job, Command) or not self._job.total:
            return None
        if self._began is None:
            self._began = (now, share)
        began, before = self._began
        gone = now - began
        return gone * (1 - share) / (share - before) if share > before and gone > 1 else None

    def cancel(self) -> None:
        """Stops the training; saved states are kept."""
        self.cancelled = True
        self._job.cancel()

    def stop(self) -> None:
        """Requests the training to finish now with the best weights so far."""
        self._ask(STOP)

    def pause(self) -> None:
        """Requests the training to save its state and end; it can be resumed."""
        self._ask(PAUSE)

    def _ask(self, request: str) -> None:
        self.ending = True
        replace_file(self.folder / request, lambda path: path.touch())

    def wait(self, seconds: float | None = None) -> None:
        """Waits until the training has ended, at most `seconds`."""
        self._thread.join(seconds)

    def _follow(self) -> None:
        """Waits for training, then encodes the images, then fits the map."""
        try:
            self._finish_phase()
            while self._job.error is None and not self.cancelled and (following := self._next()):
                self.phase = following
                self._began = None
                self._job = self._start_phase()
                if self.cancelled:  # between two phases
                    self._job.cancel()
                self._finish_phase()
            self.error = self._job.error
        finally:
            self._lock.release()

    def _finish_phase(self) -> None:
        """Waits for the current phase; maps snapshots of a training meanwhile."""
        while self.phase == "training" and is_own(self.run) and self._job.running:
            self._job.wait(POLL)
            self._map_snapshot()
        self._job.wait()
        if self.phase in ("encoding", "mapping") and self._job.error is None:
            self.newest = self.name

    def _map_snapshot(self) -> None:
        """Encodes the newest snapshot of the training, if any, and publishes it as a checkpoint."""
        card = early_models.snapshot(self.folder)
        if card is None or card.weights_sha256 == self._snapshot or not self._job.running:
            return
        self._snapshot = card.weights_sha256
        try:
            work = early_models.stage(self.folder, card, self._count + 1)
            encoding = self._command("explorer.atlas", shown(work), "--count", str(MAP_IMAGES), "--no-umap")
            while encoding.running:
                encoding.wait(POLL)
                if self.cancelled:
                    encoding.cancel()
            if encoding.error is None:
                self.newest = early_models.publish(work)
                self._count += 1
                kept = range(self._count, self._count - EARLY_KEPT, -1)
                early_models.remove(
                    self.folder, frozenset(early_models.early_name(self.name, n) for n in kept)
                )
            else:
                LOG.warning("A snapshot of %s is not mapped: %s", self.name, encoding.error)
        except OSError as error:
            LOG.warning("A snapshot of %s is not mapped: %s", self.name, error)

    def _next(self) -> Phase | None:
        """The next phase, or None. A latent of two dimensions or of image size gets no map."""
        if self.phase == "preparing":
            return "training"
        if self.phase == "training":
            return "encoding" if has_ended(self.folder) else None  # None: it was paused
        card = checkpoint.read(self.folder).card
        flat = card is None or families.spec_of(card).size <= 2
        return "mapping" if self.phase == "encoding" and not flat else None

    def _start_phase(self) -> ChildProcess:
        """Starts the process of the current phase."""
        if self.phase == "preparing" and self.run:
            return runner.start(prepare_images, self.run.options)
        if self.phase == "training" and self._arguments:
            return self._command(*self._arguments)
        quick = ("--no-umap",) if self.phase == "encoding" else ()
        return self._command("explorer.atlas", shown(self.folder), "--count", str(MAP_IMAGES), *quick)

    def _command(self, *arguments: str) -> Command:
        return Command(*arguments, "--progress", "json", keep_open=self._lock.keep_open)


class Trainings:
    """The trainings of one folder of runs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._all: dict[str, Training] = {}
        self._guard = threading.Lock()

    @property
    def active(self) -> Training | None:
        """The running training, or None."""
        return next((training for training in list(self._all.values()) if training.running), None)

    def start(self, run: Run, name: str) -> Training:
        """Starts a training in a new folder.

        Arguments:
            run: Settings of the training.
            name: Name of the run, its folder and its checkpoint.

        Raises:
            TrainingBusy: If another training is running.
            ValueError: If the name is invalid or taken.
        """
        check_name(name)
        folder = self.root / name
        return self._begin(folder, run, ("models", *command_line(run, folder), *_watched(run)))

    def resume(self, name: str) -> Training:
        """Resumes an unfinished training.

        Raises:
            TrainingBusy: If another training is running.
            ValueError: If there is no saved state.
        """
        folder = self._folder(name)
        run, _ = read_run(resumed_folder(folder))
        return self._begin(folder, run, ("models", "train", "--resume", shown(folder), *_watched(run)))

    def encode(self, name: str) -> Training:
        """Rebuilds the atlas of a trained run.

        Raises:
            TrainingBusy: If another training is running.
            ValueError: If there is no such run.
        """
        return self._begin(self._folder(name), None, None)

    def delete(self, name: str) -> None:
        """Deletes a run: the files created by trainings, and the folder.

        Raises:
            TrainingBusy: If it is running.
            ValueError: If there is no such run, or its folder contains other files.
        """
        with self._guard:
            training = self._all.get(name)
            if training and training.running:
                raise TrainingBusy(f"{name} is being trained. Cancel it before you delete it.")
            if training and not training.folder.exists():
                del self._all[name]
                return
            folder = self._folder(name)
            own = [path for path in folder.iterdir() if _made(path)]
            others = sorted(path.name for path in folder.iterdir() if not _made(path))
            if others:
                raise ValueError(
                    f"{shown(folder)} contains files of no training ({', '.join(others)[:80]}). Delete it by "
                    "hand."
                )
            early_models.remove(folder)
            for path in own:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            shutil.rmtree(staging_folder(folder), ignore_errors=True)  # left by an interrupted overwrite
            folder.rmdir()
            self._all.pop(name, None)

    def runs(self) -> list[RunInfo]:
        """All runs, newest first, after those that failed or were cancelled without a folder."""
        entries = checkpoint.scan(self.root) if self.root.is_dir() else []
        entries = [entry for entry in entries if not early_models.run_of_early(entry.name)]
        there = {entry.name for entry in entries}
        lost = [
            RunInfo(
                name,
                training.folder,
                "cancelled" if training.cancelled else "failed",
                run=training.run,
                error=training.error,
            )
            for name, training in list(self._all.items())
            if name not in there and not training.running
        ]
        infos = [self._info(entry) for entry in entries]
        return lost + sorted(infos, key=lambda info: -_changed(info.path))

    def newer(self, name: str) -> str:
        """The newest checkpoint of the training that a checkpoint belongs to; "" if it is the newest.

        Arguments:
            name: Name of a run, or of one of its early models.
        """
        run = early_models.run_of_early(name) or name
        training = self._all.get(run)
        newest = training.newest if training else ""
        if (
            not newest and run != name and (self.root / run / ATLAS).is_file()
        ):  # an early model of another server
            newest = run
        return "" if newest in ("", name) else newest

    def of(self, name: str) -> Training | None:
        """The running training that a checkpoint (final or early) belongs to, or None."""
        active = self.active
        return active if active and active.name == (early_models.run_of_early(name) or name) else None

    def _info(self, entry: Entry) -> RunInfo:
        """The state of a run."""
        training = self._all.get(entry.name)
        known: dict[str, Any] = {"run": training.run, "error": training.error} if training else {}
        if training and training.running:
            return RunInfo(entry.name, entry.path, training.phase, run=training.run)
        if entry.card and has_ended(entry.path):
            state: State = "ready" if (entry.path / ATLAS).is_file() else "bare"
            return RunInfo(entry.name, entry.path, state, card=entry.card, **known)
        if entry.card is None and (entry.path / CARD).is_file():
            return RunInfo(entry.name, entry.path, "broken", error=entry.error)
        if training is None and time.time() - _changed(entry.path) < FRESH:
            return RunInfo(entry.name, entry.path, "elsewhere")
        if not (entry.path / TRAINING).is_file():
            return RunInfo(entry.name, entry.path, "empty", **known)
        try:
            run, step = read_run(entry.path)
        except ValueError as error:
            return RunInfo(entry.name, entry.path, "broken", error=str(error))
        return RunInfo(entry.name, entry.path, "unfinished", step, run, error=known.get("error"))

    def _folder(self, name: str) -> Path:
        """The folder of a run.

        Raises:
            ValueError: If there is no run of this name.
        """
        folder = self.root / name
        if not NAME.fullmatch(name) or folder.is_symlink() or not folder.is_dir():
            raise ValueError(f"There is no run {name[:80]!r} in {shown(self.root)}.")
        return folder

    def _begin(self, folder: Path, run: Run | None, arguments: tuple[str, ...] | None) -> Training:
        """Acquires the lock and starts; without arguments only the atlas is built."""
        with self._guard:
            lock = TrainingLock(self.root, folder.name)
            early_models.remove_superseded(self.root)
            try:
                training = Training(folder, run, arguments, lock)
            except BaseException:
                lock.release()
                raise
            self._all[folder.name] = training
            return training


def trainings() -> Trainings:
    """The trainings of this server, in the current folder of runs."""
    return _trainings(runs_folder())


@cache
def _trainings(root: Path) -> Trainings:
    return Trainings(root)


def runs_folder() -> Path:
    """The folder of runs: the last folder of the checkpoint search path."""
    return card_roots()[-1].resolve()


def check_name(name: str) -> None:
    """Raises ValueError if a new checkpoint cannot have this name."""
    if not NAME.fullmatch(name):
        raise ValueError(
            "The name must be 1 to 64 lower-case letters, digits, dots, dashes or underscores, and begin "
            f"with a letter or digit. Got {name[:80]!r}."
        )
    for root in card_roots():
        if (root / name).exists():
            raise ValueError(f"The name {name!r} is taken in {shown(root)}. Choose another.")


def free_name(wanted: str) -> str:
    """The name, with the first free number appended if it is taken or reserved."""
    roots, active = card_roots(), trainings().active
    number, name = 1, wanted
    while any((root / name).exists() for root in roots) or (active and active.name == name):
        number += 1
        name = f"{wanted}-{number}"
    return name


def plan(run: Run, images: int) -> tuple[Run, int]:
    """The run with a suitable interval between saved states, and its number of steps.

    Arguments:
        run: Settings of the training.
        images: Number of images of the training split.
    """
    used = min(run.limit or images, images)
    steps = sum(run.steps) or (run.epochs + run.prior_epochs) * -(-used // (run.batch or BATCH))
    values = {field.name: getattr(run, field.name) for field in fields(run)}
    return Run(**values | {"save_every": max(1, min(SAVE_AT_MOST, steps // SAVES))}), steps


def command_line(run: Run, folder: Path) -> list[str]:
    """Arguments of `python -m models` that start a run, without options at their defaults."""
    line = ["train", run.model, "--data", run.data, "--out", shown(folder)]
    for field in fields(run):
        value = getattr(run, field.name)
        if field.name not in APART and (field.default is MISSING or value != field.default):
            line.append(f"--{field.name.replace('_', '-')}")
            line += (
                []
                if value is True
                else [str(each) for each in (value if isinstance(value, tuple) else [value])]
            )
    cls = MODELS.get(run.model)
    usual = {field.name: field.default for field in fields(cls.Config)} if cls else {}
    chosen = {name: value for name, value in run.config.items() if usual.get(name, MISSING) != value}
    for flag, values in (("--set", chosen), ("--option", run.options)):
        line += [flag, *(f"{name}={_written(value)}" for name, value in values.items())] if values else []
    return line


def _watched(run: Run) -> list[str]:
    """Options for previews and snapshots during training; they do not change its result."""
    return ["--previews", "8", "--snapshots", *map(str, SNAPSHOTS)] if is_own(run) else []


def shown(path: Path) -> str:
    """A path for display: relative to the working directory if it is below that."""
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def as_text(line: list[str]) -> str:
    """Arguments of `python -m models` as a shell command."""
    return shlex.join(["python", "-m", "models", *line])


def _written(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value)


def _made(path: Path) -> bool:
    """Whether a file or folder in a run's folder was created by training or encoding, complete or not."""
    if path.is_symlink():
        return False
    if path.is_dir():
        kind = {LATENTS: ".parquet", EVENTS: "events.out.tfevents."}.get(path.name)
        return kind is not None and all(
            kind in part.name and part.is_file() and not part.is_symlink() for part in path.iterdir()
        )
    return path.is_file() and any(
        path.name == name or path.name.startswith(f".{name}.") for name in RUN_FILES
    )


def _changed(folder: Path) -> float:
    """Time of the last change of a run's files, in seconds since 1970."""
    times = [0.0]
    for path in _files(folder):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)


def _files(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in RUN_FILES)
