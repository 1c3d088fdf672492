"""What the Directions page shows, as a link carries it: what the direction is made of, how, and what it is tried on.

    ?model=faces-vae&from=attribute:smile&method=lda&hold=glasses,hat&item=test-12

Everything is read from the address bar, so everything is checked. What `from` may be, `explorer.scene.direction_sources`
says.
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
    has: Callable[[int], bool]  # whether there is an item
    item: Callable[[str], int] = row_of  # reads an item of an address


@dataclass(frozen=True)
class Shown:
    """What is shown."""

    kind: str  # of the source
    text: str  # of the source, what stands behind the colon
    method: str = "mean"
    hold: tuple[str, ...] = ()  # directions that are held fixed
    item: int = 0  # that the direction is tried on


def from_query(params: Mapping[str, str], default: Shown, limits: Limits) -> tuple[Shown, list[str]]:
    """What an address asks for, and a sentence for each part of it that does not hold.

    Arguments:
        params: The address's parameters.
        default: For what is missing or does not hold.
        limits: Of the open model.
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
    """The parameters of an address that shows the same again; `token` gives an item as an address carries it."""
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
