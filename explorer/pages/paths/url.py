"""The address of the Paths page: waypoints, kinds of path, frames, grid and map.

    ?model=faces-vae&stops=test-12,test-40,train-77&kinds=straight,geodesic&frames=33&keep=10&view=umap
    ?model=faces-vae&stops=test-12,test-40,test-77,test-5&shape=grid&by=great-circle&side=9

The parameters of a link to Explore work too: its handles' items (`a` and `b`) are then the ends. All
parameters are untrusted and validated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from explorer.addresses import choice_in, read_parts
from explorer.fields import PATHS, VIEW_LENGTH
from explorer.latent.item_names import row_of

__all__ = ["FRAMES", "GEODESIC", "KEEP", "KINDS", "SHAPES", "SIDES", "STOPS", "Shown", "from_query", "query"]

GEODESIC = "geodesic"
KINDS = (*PATHS, "smooth", GEODESIC)
SHAPES = ("path", "grid")
FRAMES = (9, 17, 33, 65)
KEEP = (0, 1, 10, 100)  # weight of a geodesic's penalty far from the data
SIDES = (5, 7, 9, 11, 13)
STOPS = (2, 8)  # fewest and most waypoints
CORNERS = 4


@dataclass(frozen=True)
class Shown:
    """What is shown."""

    stops: tuple[int, ...]  # waypoints: items, also the user's own pictures
    kinds: tuple[str, ...] = PATHS  # of paths side by side, in the order of `KINDS`
    frames: int = 33
    keep: int = 10
    shape: str = "path"
    by: str = "straight"  # interpolation of the grid
    side: int = 9  # pictures along a side of the grid
    view: str = ""  # id of the map; "" for the model's default


def from_query(
    params: Mapping[str, str],
    default: Shown,
    has: Callable[[int], bool],
    item: Callable[[str], int] = row_of,
) -> tuple[Shown, list[str]]:
    """What an address describes, and a message for each invalid parameter.

    Arguments:
        params: The address's parameters.
        default: Values for missing or invalid parameters.
        has: Whether the open model has an item.
        item: Reads an item from an address.
    """
    start = default
    if "path" in params and "kinds" not in params and params["path"] in PATHS:
        start = replace(start, by=params["path"])
    readers: dict[str, Callable[[str, Shown], dict[str, object]]] = {
        "stops": lambda text, _: {"stops": _stops(text, has, item)},
        "kinds": lambda text, _: {"kinds": _kinds(text)},
        "shape": lambda text, _: {"shape": choice_in(text, "shape", SHAPES)},
        "by": lambda text, _: {"by": choice_in(text, "by", PATHS)},
        "view": lambda text, _: {"view": text[:VIEW_LENGTH]},
    }
    if "stops" not in params and {"a", "b"} <= params.keys():
        ends = ",".join(params[name].split(",")[0] for name in ("a", "b"))
        readers["a"] = lambda _, __: {"stops": _stops(ends, has, item, "a` and `b")}
    for name, numbers in (("frames", FRAMES), ("keep", KEEP), ("side", SIDES)):
        if name != "frames" or "stops" in params:  # in Explore's links, `frames` is of the strip
            readers[name] = partial(_one_of, name, numbers)
    return read_parts(params, start, readers)


def query(shown: Shown, token: Callable[[int], str] = str) -> dict[str, str]:
    """The address parameters that restore what is shown; irrelevant ones are left out.

    Arguments:
        shown: What is shown.
        token: Returns an item as written in an address.
    """
    params = {"stops": ",".join(map(token, shown.stops)), "shape": shown.shape}
    if shown.shape == "grid":
        params |= {"by": shown.by, "side": str(shown.side)}
    else:
        params |= {"kinds": ",".join(shown.kinds), "frames": str(shown.frames)}
        if GEODESIC in shown.kinds:
            params["keep"] = str(shown.keep)
    return params | {"view": shown.view} if shown.view else params


def _stops(
    text: str, has: Callable[[int], bool], item: Callable[[str], int], name: str = "stops"
) -> tuple[int, ...]:
    parts = text.split(",")
    low, high = STOPS
    rule = f"`{name}` must be {low} to {high} images, such as test-12,test-40. Got {text[:40]!r}."
    if not low <= len(parts) <= high:
        raise ValueError(rule)
    try:
        items = tuple(map(item, parts))
    except ValueError as error:
        raise ValueError(f"{rule} {error}") from None
    if missing := [item for item in items if not has(item)]:
        raise ValueError(f"`{name}` must name images of this model. It has no {missing[0]}.")
    return items


def _kinds(text: str) -> tuple[str, ...]:
    requested = text.split(",")
    if not set(requested) <= set(KINDS):
        raise ValueError(f"`kinds` must be some of: {', '.join(KINDS)}. Got {text[:60]!r}.")
    return tuple(kind for kind in KINDS if kind in requested)


def _one_of(name: str, numbers: tuple[int, ...], text: str, shown: Shown) -> dict[str, object]:
    return {name: int(choice_in(text, name, tuple(map(str, numbers))))}
