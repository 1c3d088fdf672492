"""The curves of a training: `curves.jsonl`, one JSON object per line, and TensorBoard's event files on request.

{"step": 40, "epoch": 0.085, "loss": 132.1, "reconstruction": 120.4, "kl": 11.7, "figures": {"perplexity": 201.5},
 "validation": {"loss": 140.2, "reconstruction": 128.6, "kl": 11.6}}

Loss and terms are in nats per image. `figures` holds metrics in other units, apart from the terms so that no reader adds
them up. `validation`, in some lines, holds loss and terms of a fixed sample of validation images after the step, with
the full weight of the regulariser. When an interrupted run is resumed, the lines after its last saved state are removed,
so that no step appears twice.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import TracebackType
from typing import Any

from models.card import TRAINING
from models.system.extras import require
from models.system.files import replace_file

__all__ = ["CURVES", "EVENTS", "CurveWriter", "thin_curves", "trim_curves"]

CURVES = "curves.jsonl"
EVENTS = "tensorboard"  # folder of the event files


class CurveWriter:
    """Writes the log of a run to its checkpoint's folder; a context manager.

    Arguments:
        folder: The checkpoint's folder.
        start: The first step, or the step at which the run is resumed.
        tensorboard: Write TensorBoard's event files too, to the folder `tensorboard`.

    Raises:
        ValueError: If TensorBoard is requested and not installed.
    """

    def __init__(self, folder: Path, start: int = 0, *, tensorboard: bool = False) -> None:
        if start == 0:
            for old in (folder / EVENTS).glob("events.out.tfevents.*"):
                old.unlink()
        self._events = event_writer(folder / EVENTS, start) if tensorboard else None
        trim_curves(folder / CURVES, start)
        self._lines = (folder / CURVES).open("a", encoding="utf-8")

    def __enter__(self) -> CurveWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        if self._events:
            self._events.close()

    def add(
        self,
        step: int,
        epoch: float,
        terms: dict[str, float],
        metrics: dict[str, float] | None = None,
        validation: dict[str, float] | None = None,
    ) -> None:
        """Logs a step.

        Arguments:
            step: Its number, from 0.
            epoch: Passes over the images so far.
            terms: Loss and terms, in nats per image.
            metrics: Other scalars, in units of their own.
            validation: Loss and terms of validation images, in nats per image.
        """
        objects = {"figures": metrics, "validation": validation}
        line = {"step": step, "epoch": round(epoch, 3), **terms, **{k: v for k, v in objects.items() if v}}
        self._lines.write(json.dumps(line) + "\n")
        if self._events:
            measured = {f"validation/{name}": value for name, value in (validation or {}).items()}
            for name, value in (terms | (metrics or {}) | measured).items():
                self._events.add_scalar(name, value, step)

    def flush(self) -> None:
        """Flushes all lines; called before a state is saved, so that the log is never behind it."""
        self._lines.flush()
        if self._events:
            self._events.flush()


def event_writer(folder: Path, start: int) -> Any:
    """Opens TensorBoard's writer, which discards events from the step `start` on."""
    check_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=start or None)


def check_tensorboard() -> None:
    """Raises ValueError if TensorBoard is not installed."""
    require("tensorboard", "`--tensorboard`")


def trim_curves(path: Path, step: int) -> None:
    """Removes the lines from a step on, which an interrupted run logged after its last saved state."""
    lines = []
    for line in read_lines(path):
        with contextlib.suppress(json.JSONDecodeError):  # the last line may be truncated
            if json.loads(line)["step"] < step:
                lines.append(line)
    write_lines(path, lines)


def thin_curves(folder: Path, most: int = 300) -> int:
    """Thins the curves of a checkpoint to at most `most` lines, evenly spaced, including the first and the last.

    Lines with a validation loss are rarer than the others, so up to half of the lines are reserved for them.

    Arguments:
        folder: The checkpoint's folder.
        most: Lines to keep, at least 2.

    Returns:
        The number of lines that remain.

    Raises:
        ValueError: If there are no curves, `most` is below 2, or the training is unfinished.
    """
    path = folder / CURVES
    if most < 2:
        raise ValueError(f"`most` must be at least 2, the first line and the last. Got {most}.")
    if not path.is_file():
        raise ValueError(f"{folder} has no {CURVES}. Train it with `python -m models train`.")
    if (folder / TRAINING).is_file():
        raise ValueError(f"{folder} holds an unfinished training. Thin its curves once it is finished.")
    lines = read_lines(path)
    if len(lines) > most:
        validated = [line for line in lines if '"validation"' in line]
        selected = set(evenly(validated, min(len(validated), most // 2)) if most >= 4 else [])
        others = [line for line in lines if line not in selected]
        selected |= set(evenly(others, most - len(selected)))
        lines = [line for line in lines if line in selected]
        write_lines(path, lines)
    return len(lines)


def evenly(lines: list[str], count: int) -> list[str]:
    """Selects `count` evenly spaced lines, including the first and, for two or more, the last."""
    return [lines[round(index * (len(lines) - 1) / max(1, count - 1))] for index in range(count)]


def read_lines(path: Path) -> list[str]:
    """Reads the lines of a file; none if it does not exist."""
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def write_lines(path: Path, lines: list[str]) -> None:
    """Writes a file of lines atomically."""
    text = "".join(f"{line}\n" for line in lines)
    replace_file(path, lambda new: new.write_text(text, encoding="utf-8"))
