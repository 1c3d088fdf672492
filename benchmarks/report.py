"""Tables and bars, shared by all benchmarks."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from benchmarks.server import cores
from models.system import settings

__all__ = ["Bar", "bars_text", "json_text", "machine", "number", "table"]


@dataclass(frozen=True)
class Bar:
    """A metric and its bound."""

    name: str
    value: float
    bound: float
    sense: Literal["most", "least"]  # whether the bound is an upper or a lower one

    @property
    def met(self) -> bool:
        """Whether the metric meets the bound; NaN does not."""
        return self.value <= self.bound if self.sense == "most" else self.value >= self.bound

    @property
    def missed_by(self) -> float:
        """By how much the metric misses the bound, as a share of the bound; 0 if it is met."""
        if self.met:
            return 0.0
        return abs(self.value - self.bound) / self.bound

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return vars(self) | {"met": self.met, "missed_by": self.missed_by}

    def __str__(self) -> str:
        verdict = "met" if self.met else f"missed by {self.missed_by:.0%}"
        return f"{self.name}: {self.value:.3g} (at {self.sense} {self.bound:.3g}): {verdict}"


def bars_text(bars: Sequence[Bar]) -> str:
    """One line per bar."""
    return "\n".join(map(str, bars))


def number(value: float, digits: int = 1) -> str:
    """A number for a table; a dash for NaN and infinity."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def json_text(values: Any) -> str:
    """Strict JSON; null for NaN and infinity."""
    return json.dumps(_plain(values), indent=1, allow_nan=False)


def _plain(values: Any) -> Any:
    if isinstance(values, dict):
        return {str(key): _plain(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_plain(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]
    return "\n".join(map(line, (heads, rule, *rows)))


def machine() -> dict[str, Any]:
    """The environment: cores, device, versions, and the load, so call it before measuring."""
    return {
        "cores": cores(),
        "device": str(settings.device()),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
