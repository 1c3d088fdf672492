"""The address of the Time page: the sequence, the frames seen, and the sampled futures.

    ?model=moving-digits-td-vae&sequence=12&seen=11&jump=3&samples=6&seed=0&by=1&steps=14

All parameters are untrusted and validated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from explorer.addresses import read_parts, whole_in
from explorer.fields import SEED_LIMIT
from explorer.live.time_page import SAMPLES_AT_MOST, STEPS_AT_MOST
from models.system.schema import read, whole

__all__ = ["Limits", "Shown", "default", "from_json", "from_query", "query"]

SEEN = 11  # default number of frames, if there are enough
BEYOND = 5  # steps of a future after the end of the sequence


@dataclass(frozen=True)
class Limits:
    """Limits set by the open model and its sequences."""

    count: int  # sequences
    length: int  # frames of each
    longest: int  # jump, in frames


@dataclass(frozen=True)
class Shown:
    """What is shown."""

    sequence: int  # row of the test split
    seen: int  # frames, from 1
    jump: int  # frames ahead
    samples: int  # draws shown
    seed: int
    by: int  # frames per jump of a future
    steps: int  # jumps of a future


def default(limits: Limits) -> Shown:
    """The first sequence, half seen, and futures to a few frames beyond its end."""
    seen = max(1, min(SEEN, limits.length // 2 + 1))
    steps = min(STEPS_AT_MOST, limits.length - seen + BEYOND)
    return Shown(0, seen, min(3, limits.longest), 6, 0, 1, steps)


def from_json(values: object, now: Shown, limits: Limits) -> Shown:
    """Reads an edit that the browser sent.

    Arguments:
        values: Untrusted JSON, in the form of `dataclasses.asdict` of a `Shown`.
        now: Values of missing fields.
        limits: Limits set by the open model.

    Raises:
        ValueError: If a field is invalid; names the first one.
    """
    edit = read(values, dict[str, Any], "An edit")
    given = {
        name: whole(edit[name], name, low, high)
        for name, (low, high) in _bounds(limits).items()
        if name in edit
    }
    return replace(now, **given)


def from_query(params: Mapping[str, str], limits: Limits) -> tuple[Shown, list[str]]:
    """What an address describes, and a message for each invalid parameter.

    Arguments:
        params: The address's parameters.
        limits: Limits set by the open model.
    """

    def reader(name: str, low: int, high: int) -> Callable[[str, Shown], dict[str, object]]:
        return lambda text, _: {name: whole_in(text, name, low, high)}

    readers = {name: reader(name, low, high) for name, (low, high) in _bounds(limits).items()}
    return read_parts(params, default(limits), readers)


def query(shown: Shown) -> dict[str, str]:
    """The address parameters that restore what is shown."""
    return {name: str(value) for name, value in asdict(shown).items()}


def _bounds(limits: Limits) -> dict[str, tuple[int, int]]:
    """Smallest and largest value of each field."""
    return {
        "sequence": (0, limits.count - 1),
        "seen": (1, limits.length),
        "jump": (1, limits.longest),
        "samples": (1, SAMPLES_AT_MOST),
        "seed": (0, SEED_LIMIT),
        "by": (1, limits.longest),
        "steps": (1, STEPS_AT_MOST),
    }
