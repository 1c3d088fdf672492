"""The edit on the stage: handles, sliders and path, as carried by a link that restores the same picture.

    ?model=faces-vae&view=umap&a=test-12,1.25,-3.5&a_with=smile:0.5&b=train-40&path=straight&frames=9

Older links name a row of the atlas instead, as in `a=12`, and still work.

All input comes from a URL or the browser and is validated. Invalid parts are reported, one sentence each, and replaced
by their defaults; the rest is kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from explorer.fields import SLUG
from explorer.latent.item_names import row_of

__all__ = [
    "FIRST_OWN",
    "FRAMES",
    "PATHS",
    "RESIDUALS",
    "TARGETS",
    "Edit",
    "Handle",
    "edit_from_json",
    "edit_from_query",
    "link",
    "query",
    "rehomed",
    "settled",
]

FIRST_OWN = 1 << 30  # first item number of uploads, far above the rows of any atlas
PATHS = ("straight", "great-circle")
RESIDUALS = ("hold", "fade")
TARGETS = ("both", "A", "B")
FRAMES = (0, *range(5, 16))  # 0: no filmstrip
PLACE_AT_MOST = 1e6  # map units
SLIDER_AT_MOST = 5.0  # times the difference of the two means
SLIDERS_AT_MOST = 64
DECIMALS = 6  # of a position or a slider, in a URL and in messages of the stage


@dataclass(frozen=True)
class Handle:
    """A handle on the map: its item, its position, and its sliders."""

    item: int  # row of the atlas
    x: float  # map units
    y: float
    sliders: dict[str, float] = field(default_factory=dict)  # direction -> s of s * (z_pos - z_neg)


@dataclass(frozen=True)
class Edit:
    """Both handles and the path between them."""

    A: Handle
    B: Handle
    target: str = "both"  # the handles whose sliders the panel moves
    path: str = "straight"
    frames: int = 9  # pictures in the filmstrip; 0 for none
    residual: str = "hold"  # the part of a latent that the map cannot show: held, or fading with the distance
    level: int = 0  # the one level of the latent that moves, counted from 1, the coarsest; 0 for all

    def as_json(self) -> dict[str, Any]:
        """The edit in the stage's JSON form."""
        return {
            "A": vars(self.A) | {"sliders": dict(self.A.sliders)},
            "B": vars(self.B) | {"sliders": dict(self.B.sliders)},
            "target": self.target,
            "path": self.path,
            "frames": self.frames,
            "residual": self.residual,
            "level": self.level,
        }


def edit_from_json(
    values: object,
    default: Edit,
    count: int,
    directions: Mapping[str, object],
    levels: int = 0,
    own: Container[int] = (),
) -> Edit:
    """Reads an edit sent by a browser.

    Arguments:
        values: Untrusted JSON, in the form of `Edit.as_json`.
        default: Supplies missing fields.
        count: Items of the atlas.
        directions: The model's directions, by slug.
        levels: Number of levels in the model's latent.
        own: Item numbers of the uploads.

    Raises:
        ValueError: For the first invalid field, by name.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"An edit must be an object. Got {_seen(values)}.")
    return replace(
        default,
        A=_handle(values.get("A"), "A", default.A, count, directions, own),
        B=_handle(values.get("B"), "B", default.B, count, directions, own),
        target=_choice(values.get("target", default.target), "target", TARGETS),
        path=_choice(values.get("path", default.path), "path", PATHS),
        frames=_choice(values.get("frames", default.frames), "frames", FRAMES),
        residual=_choice(values.get("residual", default.residual), "residual", RESIDUALS),
        level=_choice(values.get("level", default.level), "level", tuple(range(levels + 1))),
    )


def edit_from_query(
    params: Mapping[str, str], default: Edit, places: Any, directions: Mapping[str, object], levels: int = 0
) -> tuple[Edit, list[str]]:
    """Reads an edit from a URL, with one sentence for each invalid part.

    Arguments:
        params: Parameters of the URL.
        default: Supplies missing or invalid parts.
        places: Map positions of the items, shape (N, 2), for a handle that names only its item. Its optional `own`
            holds the item numbers of the uploads; its optional `from_address` parses item names.
        directions: The model's directions, by slug.
        levels: Number of levels in the model's latent.
    """
    edit, problems = default, []
    own: Container[int] = getattr(places, "own", ())
    for name in ("A", "B"):
        for part, read in ((name.lower(), _place_text), (f"{name.lower()}_with", _sliders_text)):
            if part not in params:
                continue
            try:
                given = read(params[part], part, places)
                handle = _handle(given, name, getattr(edit, name), len(places), directions, own)
                edit = replace(edit, **{name: handle})  # type: ignore[arg-type]
            except ValueError as error:
                problems.append(str(error))
    for part, choices in (("target", TARGETS), ("path", PATHS), ("residual", RESIDUALS)):
        if part in params:
            try:
                edit = replace(edit, **{part: _choice(params[part], part, choices)})
            except ValueError as error:
                problems.append(str(error))
    for part, numbers in (("frames", FRAMES), ("level", tuple(range(levels + 1)))):
        if part in params:
            try:
                text = params[part]
                number = int(text) if re.fullmatch(r"\d{1,3}", text) else text
                edit = replace(edit, **{part: _choice(number, part, numbers)})
            except ValueError as error:
                problems.append(str(error))
    return edit, problems


def settled(edit: Edit, places: Any) -> Edit:
    """Puts a handle that rounding moved off its item exactly back on it, so that it has the item's exact latent.

    Arguments:
        edit: From a URL or from the stage.
        places: Map positions of the items, shape (N, 2).
    """
    return replace(edit, A=_settled(edit.A, places), B=_settled(edit.B, places))


def rehomed(edit: Edit, places: Any) -> Edit:
    """Puts both handles on their items, for a map on which the edit's positions are meaningless.

    Arguments:
        edit: Made on another map.
        places: Map positions of the items, shape (N, 2).
    """
    return replace(edit, A=_at_home(edit.A, places), B=_at_home(edit.B, places))


def query(edit: Edit, default: Edit, token: Callable[[int], str] = str) -> dict[str, str]:
    """The URL parameters of this edit; defaults are left out, except the handles.

    Arguments:
        edit: The edit.
        default: Values that need not be written.
        token: Formats an item's name for a URL.
    """
    params = {}
    for name in ("A", "B"):
        handle: Handle = getattr(edit, name)
        params[name.lower()] = f"{token(handle.item)},{_short(handle.x)},{_short(handle.y)}"
        moved = {slug: s for slug, s in handle.sliders.items() if s}
        if moved:
            params[f"{name.lower()}_with"] = ",".join(f"{slug}:{_short(s)}" for slug, s in moved.items())
    for part in ("target", "path", "frames", "residual", "level"):
        if getattr(edit, part) != getattr(default, part):
            params[part] = str(getattr(edit, part))
    return params


def link(model: str, view: str, colour: str | None, edit: Edit, token: Callable[[int], str] = str) -> str:
    """The query string of a URL that shows this edit, including the "?"; `token` as in `query`."""
    shown = {"model": model, "view": view, "colour": colour or "none"}
    return "?" + urlencode(shown | query(edit, Edit(edit.A, edit.B), token), safe=",:")


def _handle(
    values: object,
    name: str,
    default: Handle,
    count: int,
    directions: Mapping[str, object],
    own: Container[int],
) -> Handle:
    if values is None:
        return default
    if not isinstance(values, Mapping):
        raise ValueError(f"`{name}` must be an object. Got {_seen(values)}.")
    item = values.get("item", default.item)
    if type(item) is not int or not (0 <= item < count or item in own):
        _gone(name, item)
        raise ValueError(f"`{name}` must name an item from 0 to {count - 1}. Got {_seen(item)}.")
    x = _number(values.get("x", default.x), f"{name}.x", PLACE_AT_MOST)
    y = _number(values.get("y", default.y), f"{name}.y", PLACE_AT_MOST)
    given = values.get("sliders", default.sliders)
    if not isinstance(given, Mapping) or len(given) > SLIDERS_AT_MOST:
        raise ValueError(f"`{name}.sliders` must be an object of at most {SLIDERS_AT_MOST} directions.")
    sliders = {}
    for slug, value in given.items():
        if not isinstance(slug, str) or slug not in directions:
            known = ", ".join(list(directions)[:8])
            raise ValueError(f"Unknown direction {str(slug)[:40]!r} for `{name}`. This model has: {known} …")
        sliders[slug] = _number(value, f"{name}.{slug}", SLIDER_AT_MOST)
    return Handle(item, x, y, sliders)


def _gone(name: str, item: object) -> None:
    """Raises ValueError if an item is an upload that no longer exists."""
    if type(item) is int and FIRST_OWN <= item < 2 * FIRST_OWN:
        raise ValueError(
            f"`{name}` names a picture of your own, {item}, that is not kept on this machine. Upload it again."
        )


def _at_home(handle: Handle, places: Any) -> Handle:
    x, y = (float(v) for v in places[handle.item])
    return replace(handle, x=x, y=y)


def _settled(handle: Handle, places: Any) -> Handle:
    home = _at_home(handle, places)
    return home if max(abs(handle.x - home.x), abs(handle.y - home.y)) <= 10**-DECIMALS else handle


def _number(value: object, name: str, most: float) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > most:  # type: ignore[arg-type]
        raise ValueError(f"`{name}` must be a number from {-most:g} to {most:g}. Got {_seen(value)}.")
    return float(value)  # type: ignore[arg-type]


def _choice(value: Any, name: str, choices: tuple[Any, ...]) -> Any:
    if type(value) is not type(choices[0]) or value not in choices:
        raise ValueError(f"`{name}` must be one of: {', '.join(map(str, choices))}. Got {_seen(value)}.")
    return value


def _seen(value: object) -> str:
    """A value as an error message shows it."""
    return repr(value)[:60]


def _place_text(text: str, name: str, places: Any) -> dict[str, Any]:
    """Parses "test-12", "test-12,1.25,-3.5", or the same with a bare row of the atlas."""
    parts = text.split(",")
    try:
        if len(parts) not in (1, 3):
            raise ValueError("It must be an item, or an item and its place.")
        item: int = getattr(places, "from_address", row_of)(parts[0])
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be an item and its place, such as test-12,1.25,-3.5. Got {text[:40]!r}. {error}"
        ) from None
    if len(parts) == 3:
        return {"item": item, "x": _float(parts[1], name), "y": _float(parts[2], name)}
    if item >= len(places) and item not in getattr(places, "own", ()):
        _gone(name, item)
        raise ValueError(f"`{name}` must name an item from 0 to {len(places) - 1}. Got {item}.")
    return {"item": item, "x": float(places[item][0]), "y": float(places[item][1])}


def _sliders_text(text: str, name: str, places: Any) -> dict[str, Any]:
    """Parses "smile:0.5,glasses:-1"."""
    sliders = {}
    for pair in text.split(",")[: SLIDERS_AT_MOST + 1]:
        slug, colon, value = pair.partition(":")
        if not colon or not SLUG.fullmatch(slug):
            raise ValueError(
                f"`{name}` must list directions such as smile:0.5,glasses:-1. Got {text[:40]!r}."
            )
        sliders[slug] = _float(value, name)
    return {"sliders": sliders}


def _float(text: str, name: str) -> float:
    try:
        return float(text[:40])
    except ValueError:
        raise ValueError(f"`{name}` must hold numbers. Got {text[:40]!r}.") from None


def _short(value: float) -> str:
    text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
