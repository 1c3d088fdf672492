"""Training curves: read from a checkpoint's or a run's `curves.jsonl`, thinned to what a chart can show.

Each line is a JSON object: step, epoch, loss and the loss's terms, in nats per image. The file grows while a
training runs, so its last line may be half-written; it is passed over, as is every line that is none of these.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Curves", "above_lowest", "read_curves"]

BYTES_AT_MOST = 1 << 24
POINTS_AT_MOST = 400
SERIES_AT_MOST = 12
NAME_LENGTH = 40


@dataclass(frozen=True)
class Curves:
    """Loss and terms over the steps."""

    steps: list[int]  # (N,), rising
    epochs: list[float]  # (N,)
    series: dict[str, list[float]]  # name -> (N,), nats per image; "loss" first

    @property
    def last(self) -> int:
        """The last logged step, or -1."""
        return self.steps[-1] if self.steps else -1

    @property
    def positive(self) -> bool:
        """Whether every value is above 0, so that a logarithmic axis can show it."""
        return all(value > 0 for values in self.series.values() for value in values)


def read_curves(path: Path, points: int = POINTS_AT_MOST) -> Curves:
    """Reads the curves of a training; empty where there are none.

    Arguments:
        path: The file, or a checkpoint's folder.
        points: Steps to keep at most, the first and the last among them.
    """
    path = path / "curves.jsonl" if path.is_dir() else path
    try:
        if path.stat().st_size > BYTES_AT_MOST:
            return Curves([], [], {})
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return Curves([], [], {})
    if len(lines) > points:
        chosen = {round(place * (len(lines) - 1) / (points - 1)) for place in range(points)}
        lines = [line for place, line in enumerate(lines) if place in chosen]
    rows = [row for row in map(_row, lines) if row]
    rising: list[dict[str, float]] = []
    for row in rows:
        if not rising or row["step"] > rising[-1]["step"]:
            rising.append(row)
    names = [name for name in rising[0] if name not in ("step", "epoch")] if rising else []
    names = [name for name in names if all(name in row for row in rising)][:SERIES_AT_MOST]
    names.sort(key=lambda name: name != "loss")
    return Curves(
        [int(row["step"]) for row in rising],
        [row.get("epoch", 0.0) for row in rising],
        {name: [row[name] for row in rising] for name in names},
    )


def above_lowest(values: list[float]) -> list[float]:
    """How far each value stands above the lowest, plus one: what a logarithmic axis shows of negative ones."""
    lowest = min(values, default=0.0)
    return [value - lowest + 1 for value in values]


def _row(line: str) -> dict[str, float] | None:
    """The finite numbers of a line, or None where it is no line of a curve."""
    try:
        values: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    row = {
        str(name)[:NAME_LENGTH]: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30
    }
    return row if "step" in row and row["step"] >= 0 and math.isfinite(row["step"]) else None
