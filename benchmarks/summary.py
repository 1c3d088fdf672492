"""Summary statistics of latencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Metrics", "quantile", "summarise"]


@dataclass(frozen=True)
class Metrics:
    """Results of one gesture. Times in ms, rates per second."""

    pictures: int  # painted, each different from the previous one
    seconds: float
    p50: float  # from the event's time stamp to the changed pixels
    p95: float
    shown_p50: float  # from the event's time stamp to the next animation frame
    shown_p95: float
    heard_p50: float  # from the event's time stamp to the page's first listener; part of the above
    fps: float
    longest_gap: float  # between two pictures
    events: float  # received by the page, per second
    values: float  # taken by a slider, per second
    frames: float  # animation frames, per second


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile (0 to 1), interpolated; NaN if there are no values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    at = q * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def summarise(seen: dict[str, Any]) -> Metrics:
    """Summarises the probe's records.

    Arguments:
        seen: `ms`, `events`, `values`, `frames` and `pictures`, each [stamp, heard, drawn, shown, differs], in ms.
    """
    pictures = [p for p in seen["pictures"] if p[4]]
    drawn = [p[2] - p[0] for p in pictures]
    shown = [p[3] - p[0] for p in pictures]
    times = sorted(p[2] for p in pictures)
    seconds = seen["ms"] / 1e3
    return Metrics(
        pictures=len(pictures),
        seconds=seconds,
        p50=quantile(drawn, 0.5),
        p95=quantile(drawn, 0.95),
        shown_p50=quantile(shown, 0.5),
        shown_p95=quantile(shown, 0.95),
        heard_p50=quantile([p[1] - p[0] for p in pictures], 0.5),
        fps=len(pictures) / seconds,
        longest_gap=max((b - a for a, b in pairwise(times)), default=float("nan")),
        events=seen["events"] / seconds,
        values=seen["values"] / seconds,
        frames=seen["frames"] / seconds,
    )
