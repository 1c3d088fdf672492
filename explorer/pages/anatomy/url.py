"""What the Anatomy page shows, as a link carries it: the image, the two dimensions, and eps.

    ?model=mnist-vae&item=test-12&dims=3-11&draw=4&turn=3:0.5,11:-1

Everything is read from the address bar or the browser, so everything is checked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from explorer.latent.item_names import read_item, row_of

__all__ = ["Limits", "Shown", "from_json", "from_query", "query"]

TURNS_AT_MOST = 64  # dimensions set by hand
TURN_AT_MOST = 1e6  # of eps
DRAW_AT_MOST = 2**31
DECIMALS = 4  # of eps
WHOLE = re.compile(r"\d{1,10}")  # so many digits has the largest draw
DIMENSIONS = re.compile(r"(\d{1,5})-(\d{1,5})")


@dataclass(frozen=True)
class Limits:
    """What the open model allows."""

    count: int  # items of its atlas
    latent: int  # dimensions
    draws: bool  # it has a posterior to draw from
    item: Callable[[str], int] = row_of  # reads an item of an address


@dataclass(frozen=True)
class Shown:
    """The image and where its code was turned to."""

    item: int  # row of the atlas
    dims: tuple[int, int]  # across and up
    draw: int | None = None  # seed of eps; None for zero, the mean
    turn: dict[int, float] = field(default_factory=dict)  # dimension -> eps

    @property
    def view(self) -> str:
        """The id of the view of the two dimensions."""
        return f"dims-{self.dims[0]}-{self.dims[1]}"

    def as_json(self) -> dict[str, Any]:
        """As the component reads and writes it."""
        turn = {str(dimension): eps for dimension, eps in self.turn.items()}
        return {"item": self.item, "draw": self.draw, "turn": turn}


def from_json(values: object, now: Shown, limits: Limits) -> Shown:
    """What a browser sent.

    Arguments:
        values: Untrusted JSON, in the form of `Shown.as_json`.
        now: What is shown; keeps its dimensions.
        limits: Of the open model.

    Raises:
        ValueError: Naming the first field that breaks a rule.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"An edit must be an object. Got {_seen(values)}.")
    given = values.get("turn", {})
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise ValueError(f"`turn` must be an object. Got {_seen(given)}.")
    return replace(
        now,
        item=_whole(values.get("item", now.item), "item", limits.count - 1),
        draw=_draw(values.get("draw"), limits),
        turn=_turn(given, limits),
    )


def from_query(params: Mapping[str, str], default: Shown, limits: Limits) -> tuple[Shown, list[str]]:
    """What an address asks for, and a sentence for each part of it that does not hold.

    Arguments:
        params: The address's parameters.
        default: For what is missing or does not hold.
        limits: Of the open model.
    """
    readers = {"item": _item_text, "dims": _dims_text, "draw": _draw_text, "turn": _turn_text}
    shown, problems = default, []
    for name, read in readers.items():
        if name in params:
            try:
                shown = replace(shown, **{name: read(params[name], limits)})  # type: ignore[arg-type]
            except ValueError as error:
                problems.append(str(error))
    return shown, problems


def query(shown: Shown, token: Callable[[int], str] = str) -> dict[str, str]:
    """The parameters of an address that shows the same again; `token` gives an item as an address carries it."""
    params = {"item": token(shown.item), "dims": f"{shown.dims[0]}-{shown.dims[1]}"}
    if shown.draw is not None:
        params["draw"] = str(shown.draw)
    if shown.turn:
        params["turn"] = ",".join(f"{d}:{_short(eps)}" for d, eps in sorted(shown.turn.items()))
    return params


def _item_text(text: str, limits: Limits) -> int:
    return read_item(text, "item", limits.item, lambda item: item < limits.count)


def _draw_text(text: str, limits: Limits) -> int | None:
    return _draw(_number_of(text, "draw"), limits)


def _dims_text(text: str, limits: Limits) -> tuple[int, int]:
    match = DIMENSIONS.fullmatch(text)
    if match is None:
        raise ValueError(f"`dims` must be two dimensions, such as 0-1. Got {_seen(text)}.")
    across, up = (_whole(int(end), "dims", max(limits.latent, 2) - 1) for end in match.groups())
    if across == up:
        raise ValueError(f"`dims` must be two different dimensions. Got {_seen(text)}.")
    return across, up


def _turn_text(text: str, limits: Limits) -> dict[int, float]:
    turn: dict[str, float] = {}
    for pair in text.split(",")[: TURNS_AT_MOST + 1]:
        name, colon, value = pair.partition(":")
        if not colon or not WHOLE.fullmatch(name):
            raise ValueError(f"`turn` must list dimensions such as 3:0.5,11:-1. Got {_seen(text)}.")
        try:
            turn[name] = float(value[:40])
        except ValueError:
            raise ValueError(f"`turn` must hold numbers. Got {_seen(text)}.") from None
    return _turn(turn, limits)


def _number_of(text: str, name: str) -> int:
    if not WHOLE.fullmatch(text):
        raise ValueError(f"`{name}` must be a whole number. Got {_seen(text)}.")
    return int(text)


def _whole(value: object, name: str, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"`{name}` must lie in 0..{most}. Got {_seen(value)}.")
    return value


def _draw(value: object, limits: Limits) -> int | None:
    if value is None:
        return None
    if not limits.draws:
        raise ValueError("`draw` must be left out: a deterministic code has no posterior to draw from.")
    return _whole(value, "draw", DRAW_AT_MOST)


def _turn(given: Mapping[str, object], limits: Limits) -> dict[int, float]:
    if len(given) > TURNS_AT_MOST:
        raise ValueError(f"`turn` must name at most {TURNS_AT_MOST} dimensions. Got {len(given)}.")
    turn = {}
    for name, eps in given.items():
        number = type(eps) in (int, float) and math.isfinite(eps) and abs(eps) <= TURN_AT_MOST  # type: ignore[arg-type]
        if not WHOLE.fullmatch(name) or int(name) >= limits.latent or not number:
            raise ValueError(
                f"`turn` must give dimensions of 0..{limits.latent - 1} a number. Got {_seen(name)}: {_seen(eps)}."
            )
        turn[int(name)] = round(float(eps), DECIMALS)  # type: ignore[arg-type]
    return turn


def _seen(value: object) -> str:
    """A value as a message shows it."""
    return repr(value)[:60]


def _short(value: float) -> str:
    text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
