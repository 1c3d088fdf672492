"""What the Directions page shows, as a link carries it: what the direction is made of, how, and what it is tried on.

    ?model=faces-vae&from=attribute:smile&method=lda&hold=glasses,hat&item=test-12

Everything is read from the address bar, so everything is checked. What `from` may be, `explorer.scene.direction_sources`
says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from explorer.latent.directions.estimators import METHODS
from explorer.latent.item_names import read_item, row_of
from explorer.scene.direction_sources import KINDS, LONGEST

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
    readers: dict[str, Callable[[str, Shown, Limits], Shown]] = {
        "from": _source, "method": _method, "hold": _hold, "item": _item,
    }  # fmt: skip
    shown, problems = default, []
    for name, read in readers.items():
        if name in params:
            try:
                shown = read(params[name], shown, limits)
            except ValueError as error:
                problems.append(str(error))
    return shown, problems


def query(shown: Shown, token: Callable[[int], str] = str) -> dict[str, str]:
    """The parameters of an address that shows the same again; `token` gives an item as an address carries it."""
    params = {"from": f"{shown.kind}:{shown.text}", "method": shown.method}
    if shown.hold:
        params["hold"] = ",".join(shown.hold)
    return params | {"item": token(shown.item)}


def _source(text: str, shown: Shown, limits: Limits) -> Shown:
    kind, colon, rest = text.partition(":")
    if kind not in KINDS or not colon or len(rest) > LONGEST:
        raise ValueError(
            f"`from` must be one of {', '.join(KINDS)}, a colon and what it is. Got {text[:60]!r}."
        )
    return replace(shown, kind=kind, text=rest)


def _method(text: str, shown: Shown, limits: Limits) -> Shown:
    if text not in METHODS:
        raise ValueError(f"`method` must be one of: {', '.join(METHODS)}. Got {text[:40]!r}.")
    return replace(shown, method=text)


def _hold(text: str, shown: Shown, limits: Limits) -> Shown:
    held = tuple(dict.fromkeys(text.split(","))) if text else ()
    if len(held) > HELD_AT_MOST:
        raise ValueError(f"`hold` may name at most {HELD_AT_MOST} directions. Got {len(held)}.")
    for name in held:
        if name not in limits.directions:
            raise ValueError(f"`hold` must name directions of the model. Got {name[:40]!r}.")
    return replace(shown, hold=held)


def _item(text: str, shown: Shown, limits: Limits) -> Shown:
    return replace(shown, item=read_item(text, "item", limits.item, limits.has))
