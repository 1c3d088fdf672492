"""The address of the Anatomy page: the image, the two dimensions, and eps.

    ?model=mnist-vae&item=test-12&dims=3-11&draw=4&turn=3:0.5,11:-1

All input is untrusted and validated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from explorer.addresses import number_in, read_parts, short, whole_in
from explorer.fields import SEED_LIMIT, TURNS_AT_MOST, Item, Seed, Turn
from explorer.latent.item_names import read_item, row_of
from models.system.schema import broken, read, shown, whole

__all__ = ["Limits", "Shown", "from_json", "from_query", "query"]

DECIMALS = 4  # of eps
DIMENSIONS = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")


@dataclass(frozen=True)
class Limits:
    """Limits set by the open model."""

    count: int  # items of its atlas
    latent: int  # dimensions
    draws: bool  # it has a posterior to draw from
    item: Callable[[str], int] = row_of  # reads an item from an address


@dataclass(frozen=True)
class Shown:
    """The image and its eps."""

    item: int  # row of the atlas
    dims: tuple[int, int]  # across and up
    draw: int | None = None  # seed of eps; None for zero, the mean
    turn: dict[int, float] = field(default_factory=dict)  # dimension -> eps

    @property
    def view(self) -> str:
        """The id of the view of the two dimensions."""
        return f"dims-{self.dims[0]}-{self.dims[1]}"

    def as_json(self) -> dict[str, Any]:
        """The state as the component's JSON."""
        turn = {str(dimension): eps for dimension, eps in self.turn.items()}
        return {"item": self.item, "draw": self.draw, "turn": turn}


class _Edit(Struct, frozen=True):
    """The edit that the browser sends."""

    item: Item | UnsetType = UNSET
    draw: Seed | None = None
    turn: Turn = {}


def from_json(values: object, now: Shown, limits: Limits) -> Shown:
    """Reads an edit that the browser sent.

    Arguments:
        values: Untrusted JSON, in the form of `Shown.as_json`.
        now: What is shown; keeps its dimensions.
        limits: Limits set by the open model.

    Raises:
        ValueError: If a field is invalid; names the first one.
    """
    edit = read(values, _Edit, "An edit")
    item = now.item if edit.item is UNSET else edit.item
    return replace(
        now,
        item=whole(item, "item", 0, limits.count - 1),
        draw=_draw(edit.draw, limits),
        turn=_turn(edit.turn, limits),
    )


def from_query(params: Mapping[str, str], default: Shown, limits: Limits) -> tuple[Shown, list[str]]:
    """What an address describes, and a message for each invalid parameter.

    Arguments:
        params: The address's parameters.
        default: Values for missing or invalid parameters.
        limits: Limits set by the open model.
    """
    return read_parts(
        params,
        default,
        {
            "item": lambda text, _: {
                "item": read_item(text, "item", limits.item, lambda item: item < limits.count)
            },
            "dims": lambda text, _: {"dims": _dims(text, limits)},
            "draw": lambda text, _: {"draw": _draw(whole_in(text, "draw", 0, SEED_LIMIT), limits)},
            "turn": lambda text, _: {"turn": _turn(_turn_text(text), limits)},
        },
    )


def query(shown: Shown, token: Callable[[int], str] = str) -> dict[str, str]:
    """The address parameters that restore what is shown; `token` returns an item as written there."""
    params = {"item": token(shown.item), "dims": f"{shown.dims[0]}-{shown.dims[1]}"}
    if shown.draw is not None:
        params["draw"] = str(shown.draw)
    if shown.turn:
        params["turn"] = ",".join(f"{d}:{short(eps, DECIMALS)}" for d, eps in sorted(shown.turn.items()))
    return params


def _dims(text: str, limits: Limits) -> tuple[int, int]:
    match = DIMENSIONS.fullmatch(text)
    if match is None:
        raise broken("dims", "two dimensions, such as 0-1", text)
    across, up = (whole(int(end), "dims", 0, max(limits.latent, 2) - 1) for end in match.groups())
    if across == up:
        raise broken("dims", "two different dimensions", text)
    return across, up


def _turn_text(text: str) -> dict[str, float]:
    turn: dict[str, float] = {}
    for pair in text.split(",")[: TURNS_AT_MOST + 1]:
        name, colon, value = pair.partition(":")
        if not colon:
            raise broken("turn", "dimensions such as 3:0.5,11:-1", text)
        turn[name] = number_in(value, f"turn.{name[:5]}")
    return read(turn, Turn, "", "turn")


def _draw(draw: int | None, limits: Limits) -> int | None:
    if draw is not None and not limits.draws:
        raise ValueError("`draw` must be left out: a deterministic latent has no posterior to draw from.")
    return draw


def _turn(given: Mapping[str, float], limits: Limits) -> dict[int, float]:
    for name in given:
        if int(name) >= limits.latent:
            raise ValueError(f"`turn` must name dimensions of 0..{limits.latent - 1}. Got {shown(name)}.")
    return {int(name): round(eps, DECIMALS) for name, eps in given.items()}
