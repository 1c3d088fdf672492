"""The address of the Directions page: source of the direction, estimator, directions held fixed, image.

    ?model=faces-vae&from=attribute:smile&method=lda&hold=glasses,hat&item=test-12

All parameters are validated. The sources are defined in `explorer.scene.direction_sources`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from explorer.addresses import choice_in, read_parts
from explorer.latent.directions.estimators import METHODS
from explorer.latent.item_names import read_item, row_of
from explorer.scene.direction_sources import KINDS, LENGTH_LIMIT
from models.system.schema import broken, shown

__all__ = ["HELD_AT_MOST", "Limits", "Shown", "from_query", "query"]

HELD_AT_MOST = 16


@dataclass(frozen=True)
class Limits:
    """What the open model allows."""

    directions: Collection[str]  # slugs
    has: Callable[[int], bool]  # whether an item exists
    item: Callable[[str], int] = row_of  # reads an item of an address


@dataclass(frozen=True)
class Shown:
    """What the page shows."""

    kind: str  # kind of the source
    text: str  # the source, after the colon
    method: str = "mean"
    hold: tuple[str, ...] = ()  # directions held fixed
    item: int = 0  # image that the direction is applied to


def from_query(params: Mapping[str, str], default: Shown, limits: Limits) -> tuple[Shown, list[str]]:
    """Reads an address; returns a message for each invalid parameter.

    Arguments:
        params: The address's parameters.
        default: Used for missing and invalid parameters.
        limits: Limits of the open model.
    """
    return read_parts(
        params,
        default,
        {
            "from": lambda text, _: _source(text),
            "method": lambda text, _: {"method": choice_in(text, "method", tuple(METHODS))},
            "hold": lambda text, _: {"hold": _hold(text, limits)},
            "item": lambda text, _: {"item": read_item(text, "item", limits.item, limits.has)},
        },
    )


def query(shown: Shown, token: Callable[[int], str] = str) -> dict[str, str]:
    """The address's parameters; `token` returns an item as written in an address."""
    params = {"from": f"{shown.kind}:{shown.text}", "method": shown.method}
    if shown.hold:
        params["hold"] = ",".join(shown.hold)
    return params | {"item": token(shown.item)}


def _source(text: str) -> dict[str, object]:
    kind, colon, rest = text.partition(":")
    if kind not in KINDS or not colon or len(rest) > LENGTH_LIMIT:
        raise broken("from", f"one of {', '.join(KINDS)}, a colon and what it is", text)
    return {"kind": kind, "text": rest}


def _hold(text: str, limits: Limits) -> tuple[str, ...]:
    held = tuple(dict.fromkeys(text.split(","))) if text else ()
    if len(held) > HELD_AT_MOST:
        raise ValueError(f"`hold` may name at most {HELD_AT_MOST} directions. Got {len(held)}.")
    for name in held:
        if name not in limits.directions:
            raise ValueError(f"`hold` must name directions of the model. Got {shown(name)}.")
    return held
