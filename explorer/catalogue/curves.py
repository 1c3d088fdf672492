"""Training curves: read from the `curves.jsonl` of a checkpoint or a run, thinned for a chart.

Each line is a JSON object: step, epoch, loss and the loss's terms in nats per image, and optionally an object
`figures` of other metrics, each in its own unit. The file grows during a training, so its last line may be
incomplete; it is skipped, like every invalid line.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
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

    steps: list[int]  # (N,), ascending
    epochs: list[float]  # (N,)
    series: dict[str, list[float]]  # name -> (N,), nats per image; "loss" first
    figures: dict[str, list[float]] = field(default_factory=dict)  # other metrics: name -> (N,), not in nats
    validation: tuple[tuple[int, float], ...] = ()  # step and loss of validation images, nats per image

    @property
    def last(self) -> int:
        """The last logged step, or -1."""
        return self.steps[-1] if self.steps else -1

    @property
    def positive(self) -> bool:
        """Whether every value is above 0, so that a logarithmic axis can show it."""
        return all(value > 0 for values in self.series.values() for value in values)


def read_curves(path: Path, points: int = POINTS_AT_MOST) -> Curves:
    """Reads the curves of a training; empty if there are none.

    Arguments:
        path: The file, or a checkpoint's folder.
        points: Maximum number of steps, including the first and the last.
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
    rising: list[tuple[dict[str, float], dict[str, float], dict[str, float]]] = []
    for row, figures, validation in filter(None, map(_row, lines)):
        if not rising or row["step"] > rising[-1][0]["step"]:
            rising.append((row, figures, validation))
    rows = [row for row, _, _ in rising]
    series = {name: values for name, values in _columns(rows).items() if name not in ("step", "epoch")}
    return Curves(
        [int(row["step"]) for row in rows],
        [row.get("epoch", 0.0) for row in rows],
        dict(sorted(series.items(), key=lambda item: item[0] != "loss")),
        _columns([figures for _, figures, _ in rising]),
        tuple((int(row["step"]), held["loss"]) for row, _, held in rising if "loss" in held),
    )


def above_lowest(values: list[float]) -> list[float]:
    """The difference of each value from the lowest, plus one, so that a logarithmic axis can show it."""
    lowest = min(values, default=0.0)
    return [value - lowest + 1 for value in values]


def _columns(rows: list[dict[str, float]]) -> dict[str, list[float]]:
    """The values of each name that every row has."""
    names = [name for name in rows[0] if all(name in row for row in rows)] if rows else []
    return {name: [row[name] for row in rows] for name in names[: SERIES_AT_MOST + 2]}


def _row(line: str) -> tuple[dict[str, float], dict[str, float], dict[str, float]] | None:
    """The finite numbers of a line, of its `figures` and of its validation; None for an invalid line."""
    try:
        values: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    row, figures = _numbers(values), _numbers(values.get("figures"))
    validation = _numbers(values.get("validation"))
    return (
        (row, figures, validation)
        if "step" in row and row["step"] >= 0 and math.isfinite(row["step"])
        else None
    )


def _numbers(values: Any) -> dict[str, float]:
    """The finite numbers of a JSON object."""
    return {
        str(name)[:NAME_LENGTH]: float(value)
        for name, value in (values.items() if isinstance(values, dict) else ())
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30
    }
