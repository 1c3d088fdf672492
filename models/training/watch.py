"""Monitoring and control of a run: curves, progress bar, callbacks, and files that request a stop or a pause."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tqdm import tqdm

from models.training.log import CurveWriter
from models.training.run_folder import PAUSE, STOP

__all__ = ["Observer", "Watch", "file_request"]


@dataclass(frozen=True)
class Watch:
    """Callbacks and outputs of a run besides its steps."""

    report: Callable[[int, int, dict[str, float]], None] | None = None  # (step, steps, terms) at logged steps
    progress: Callable[[int, int], None] | None = None  # (step, steps) after every step
    snapshot: Callable[[Path, int], None] | None = None  # (folder, step) when a snapshot is written
    snapshots: tuple[float, ...] = ()  # training times in seconds at which snapshots are due, ascending
    previews: int = 0  # pictures per preview; 0 for none
    control: Callable[[], str] | None = None  # called after every step; returns "", "stop" or "pause"
    tensorboard: bool = False


def file_request(folder: Path) -> str:
    """Returns the request of a file in the run's folder: "stop", "pause" or ""."""
    return next((name for name in (STOP, PAUSE) if (folder / name).exists()), "")


class Observer:
    """Writes curves and shows progress; a context manager. Only the first process has one.

    Arguments:
        work: Folder that the run writes to.
        name: Name of the checkpoint, for the progress bar.
        watch: Callbacks and outputs.
        start: Number of steps so far.
        steps: Total number of steps; 0 if unknown.
    """

    def __init__(self, work: Path, name: str, watch: Watch, start: int, steps: int = 0) -> None:
        self.watch = watch
        self._opened = contextlib.ExitStack()
        self.curves = self._opened.enter_context(CurveWriter(work, start, tensorboard=watch.tensorboard))
        hidden = watch.progress is not None
        self.bar = self._opened.enter_context(
            tqdm(total=steps or None, initial=start, unit="step", desc=name, mininterval=0.5, disable=hidden)
        )

    def __enter__(self) -> Observer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def report(self, step: int, steps: int, terms: dict[str, float]) -> None:
        """Reports a logged step, counted from 1."""
        shown = {name: f"{value:.1f}" for name, value in terms.items()} | {"unit": "nats/image"}
        self.bar.set_postfix(shown, refresh=False)
        if self.watch.report:
            self.watch.report(step, steps, terms)

    def advance(self, step: int, steps: int) -> None:
        """Advances the progress bar."""
        self.bar.total = steps
        self.bar.update()
        if self.watch.progress:
            self.watch.progress(step, steps)
