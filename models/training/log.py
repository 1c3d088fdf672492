"""The curves of a training: `curves.jsonl`, a JSON object a line, and TensorBoard's event files on request.

{"step": 40, "epoch": 0.085, "loss": 132.1, "reconstruction": 120.4, "kl": 11.7, "figures": {"perplexity": 201.5},
 "validation": {"loss": 140.2, "reconstruction": 128.6, "kl": 11.6}}

Loss and terms are in nats per image; `figures`, where a model has any, holds what is watched and has other units, so
that no reader adds it up with nats. `validation`, on some lines, holds loss and terms of a fixed sample of validation
images after the step, with the whole weight of the regulariser. A line is written once; what a killed run wrote after its last saved
state is dropped when it goes on, so that no step stands there twice.
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
    """Writes what a run logs into its checkpoint's folder; a context manager.

    Arguments:
        folder: The checkpoint's folder.
        start: The step that the run begins with, or goes on from.
        tensorboard: Write TensorBoard's event files too, into the folder `tensorboard`.

    Raises:
        ValueError: If TensorBoard is asked for and not installed.
    """

    def __init__(self, folder: Path, start: int = 0, *, tensorboard: bool = False) -> None:
        if start == 0:
            for left in (folder / EVENTS).glob("events.out.tfevents.*"):
                left.unlink()
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
        figures: dict[str, float] | None = None,
        validation: dict[str, float] | None = None,
    ) -> None:
        """Logs a step.

        Arguments:
            step: Its number, from 0.
            epoch: How often all images were seen.
            terms: Loss and terms, in nats per image.
            figures: Of other units.
            validation: Loss and terms of validation images, in nats per image.
        """
        apart = {"figures": figures, "validation": validation}
        line = {"step": step, "epoch": round(epoch, 3), **terms, **{k: v for k, v in apart.items() if v}}
        self._lines.write(json.dumps(line) + "\n")
        if self._events:
            checked = {f"validation/{name}": value for name, value in (validation or {}).items()}
            for name, value in (terms | (figures or {}) | checked).items():
                self._events.add_scalar(name, value, step)

    def flush(self) -> None:
        """Hands all lines to the system, before a state is saved that lies behind them."""
        self._lines.flush()
        if self._events:
            self._events.flush()


def event_writer(folder: Path, start: int) -> Any:
    """TensorBoard's own writer; what event files hold from the step `start` on counts no more."""
    check_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=start or None)


def check_tensorboard() -> None:
    """Raises ValueError where TensorBoard is not installed."""
    require("tensorboard", "`--tensorboard`")


def trim_curves(path: Path, step: int) -> None:
    """Drops what a killed run logged after its last saved state, so that no step stands there twice."""
    kept = []
    for line in read_lines(path):
        with contextlib.suppress(json.JSONDecodeError):  # the last line may be cut short
            if json.loads(line)["step"] < step:
                kept.append(line)
    write_lines(path, kept)


def thin_curves(folder: Path, most: int = 300) -> int:
    """Keeps at most `most` lines of a checkpoint's curves, evenly spaced, the first and the last among them.

    Lines with a validation loss are rarer than the others and go first: up to half of the lines are theirs.

    Arguments:
        folder: The checkpoint's folder.
        most: Lines to keep, at least 2.

    Returns:
        How many lines are left.

    Raises:
        ValueError: If there are no curves, `most` is below 2, or the training has not ended.
    """
    path = folder / CURVES
    if most < 2:
        raise ValueError(f"`most` must be at least 2, the first line and the last. Got {most}.")
    if not path.is_file():
        raise ValueError(f"{folder} has no {CURVES}. Train it with `python -m models train`.")
    if (folder / TRAINING).is_file():
        raise ValueError(f"{folder} is a training that has not ended. Thin its curves when it has.")
    lines = read_lines(path)
    if len(lines) > most:
        checked = [line for line in lines if '"validation"' in line]
        kept = set(evenly(checked, min(len(checked), most // 2)) if most >= 4 else [])
        others = [line for line in lines if line not in kept]
        kept |= set(evenly(others, most - len(kept)))
        lines = [line for line in lines if line in kept]
        write_lines(path, lines)
    return len(lines)


def evenly(lines: list[str], count: int) -> list[str]:
    """`count` of the lines, evenly spaced, the first and the last among them where there are two."""
    return [lines[round(place * (len(lines) - 1) / max(1, count - 1))] for place in range(count)]


def read_lines(path: Path) -> list[str]:
    """The lines of a file; none where there is no file."""
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def write_lines(path: Path, lines: list[str]) -> None:
    """Writes a file of lines at one stroke."""
    text = "".join(f"{line}\n" for line in lines)
    replace_file(path, lambda new: new.write_text(text, encoding="utf-8"))
