"""The edit on the stage: handles, sliders and path, as carried by a link that restores the same picture.

    ?model=faces-vae&view=umap&a=test-12,1.25,-3.5&a_with=smile:0.5&b=train-40&path=straight&frames=9

Older links name a row of the atlas instead, as in `a=12`, and still work.

All input comes from a URL or the browser and is validated. Invalid parts are reported, one sentence each, and
replaced by their defaults; the rest is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from explorer.addresses import choice_in, number_in, read_parts, short
from explorer.fields import (
    FIRST_OWN,
    HANDLE_NAMES,
    PATHS,
    RESIDUALS,
    SLIDERS_AT_MOST,
    Item,
    LevelNumber,
    PathKind,
    Position,
    Residual,
    Sliders,
)
from explorer.latent.item_names import row_of
from models.system.schema import broken, choice, read, shown

__all__ = [
    "FRAMES",
    "TARGETS",
    "Edit",
    "Handle",
    "StripFrames",
    "Target",
    "edit_from_json",
    "edit_from_query",
    "link",
    "query",
    "rehomed",
    "settled",
]

Target = Literal["both", "A", "B"]
StripFrames = Literal[0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]  # 0: no filmstrip

TARGETS: tuple[Target, ...] = get_args(Target)
FRAMES: tuple[StripFrames, ...] = get_args(StripFrames)
DECIMALS = 6  # of a position or a slider, in a URL and in messages of the stage


@dataclass(frozen=True)
class Handle:
    """A handle on the map: its item, its position, and its sliders."""

    item: Item  # row of the atlas
    x: Position
    y: Position
    sliders: Sliders = field(default_factory=dict)  # direction -> s of s * (z_pos - z_neg)


@dataclass(frozen=True)
class Edit:
    """Both handles and the path between them."""

    A: Handle
    B: Handle
    target: Target = "both"  # the handles whose sliders the panel moves
    path: PathKind = "straight"
    frames: StripFrames = 9  # pictures in the filmstrip; 0 for none
    residual: Residual = "hold"  # the residual (not shown by the map): held, or fading with the distance
    level: LevelNumber = 0  # the one level of the latent that moves, counted from 1, the coarsest; 0 for all

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
    given = read(values, dict[str, Any], "An edit")
    merged = default.as_json()
    merged |= {name: value for name, value in given.items() if name not in HANDLE_NAMES}
    for name in HANDLE_NAMES:
        if isinstance(given.get(name), Mapping):
            merged[name] |= given[name]
        elif given.get(name) is not None:
            merged[name] = given[name]
    edit = read(merged, Edit, "An edit")
    for name in HANDLE_NAMES:
        _check_handle(getattr(edit, name), name, count, directions, own)
    choice(edit.level, "level", range(levels + 1))
    return edit


def edit_from_query(
    params: Mapping[str, str], default: Edit, places: Any, directions: Mapping[str, object], levels: int = 0
) -> tuple[Edit, list[str]]:
    """Reads an edit from a URL, with one sentence for each invalid part.

    Arguments:
        params: Parameters of the URL.
        default: Supplies missing or invalid parts.
        places: Map positions of the items, shape (N, 2), for a handle that names only its item. Its optional
            `own` holds the item numbers of the uploads; its optional `from_address` parses item names.
        directions: The model's directions, by slug.
        levels: Number of levels in the model's latent.
    """
    own: Container[int] = getattr(places, "own", ())

    def handle(name: str, given: dict[str, Any], edit: Edit) -> dict[str, object]:
        before: Handle = getattr(edit, name)
        read_handle = read(vars(before) | given, Handle, "A handle", name)
        _check_handle(read_handle, name, len(places), directions, own)
        return {name: read_handle}

    readers: dict[str, Callable[[str, Edit], dict[str, object]]] = {
        "a": lambda text, edit: handle("A", _place_text(text, "a", places), edit),
        "a_with": lambda text, edit: handle("A", _sliders_text(text, "a_with"), edit),
        "b": lambda text, edit: handle("B", _place_text(text, "b", places), edit),
        "b_with": lambda text, edit: handle("B", _sliders_text(text, "b_with"), edit),
        "target": lambda text, _: {"target": choice_in(text, "target", TARGETS)},
        "path": lambda text, _: {"path": choice_in(text, "path", PATHS)},
        "residual": lambda text, _: {"residual": choice_in(text, "residual", RESIDUALS)},
        "frames": lambda text, _: {"frames": int(choice_in(text, "frames", [str(n) for n in FRAMES]))},
        "level": lambda text, _: {
            "level": int(choice_in(text, "level", [str(n) for n in range(levels + 1)]))
        },
    }
    return read_parts(params, default, readers)


def settled(edit: Edit, places: Any) -> Edit:
    """Puts a handle that rounding moved off its item back on it, so that it has the item's exact latent.

    Arguments:
        edit: An edit from a URL or from the stage.
        places: Map positions of the items, shape (N, 2).
    """
    return replace(edit, A=_settled(edit.A, places), B=_settled(edit.B, places))


def rehomed(edit: Edit, places: Any) -> Edit:
    """Puts both handles on their items, for a map on which the edit's positions are meaningless.

    Arguments:
        edit: An edit made on another map.
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
        params[name.lower()] = f"{token(handle.item)},{short(handle.x, DECIMALS)},{short(handle.y, DECIMALS)}"
        moved = {slug: s for slug, s in handle.sliders.items() if s}
        if moved:
            params[f"{name.lower()}_with"] = ",".join(
                f"{slug}:{short(s, DECIMALS)}" for slug, s in moved.items()
            )
    for part in ("target", "path", "frames", "residual", "level"):
        if getattr(edit, part) != getattr(default, part):
            params[part] = str(getattr(edit, part))
    return params


def link(model: str, view: str, colour: str | None, edit: Edit, token: Callable[[int], str] = str) -> str:
    """The query string of a URL that shows this edit, including the "?"; `token` as in `query`."""
    shown = {"model": model, "view": view, "colour": colour or "none"}
    return "?" + urlencode(shown | query(edit, Edit(edit.A, edit.B), token), safe=",:")


def _check_handle(
    handle: Handle, name: str, count: int, directions: Mapping[str, object], own: Container[int]
) -> None:
    """Raises ValueError if a handle names something that the model does not have."""
    if not (handle.item < count or handle.item in own):
        _gone(name, handle.item)
        raise ValueError(f"`{name}` must name an item from 0 to {count - 1}. Got {handle.item}.")
    for slug in handle.sliders:
        if slug not in directions:
            known = ", ".join(list(directions)[:8])
            raise ValueError(f"Unknown direction {shown(slug)} for `{name}`. This model has: {known} …")


def _gone(name: str, item: int) -> None:
    """Raises ValueError if an item is an upload that no longer exists."""
    if FIRST_OWN <= item < 2 * FIRST_OWN:
        raise ValueError(
            f"`{name}` names one of your own pictures, {item}, that is not stored on this machine. Upload it "
            "again."
        )


def _at_home(handle: Handle, places: Any) -> Handle:
    x, y = (float(v) for v in places[handle.item])
    return replace(handle, x=x, y=y)


def _settled(handle: Handle, places: Any) -> Handle:
    home = _at_home(handle, places)
    return home if max(abs(handle.x - home.x), abs(handle.y - home.y)) <= 10**-DECIMALS else handle


def _place_text(text: str, name: str, places: Any) -> dict[str, Any]:
    """Parses "test-12", "test-12,1.25,-3.5", or the same with a bare row of the atlas."""
    parts = text.split(",")
    try:
        if len(parts) not in (1, 3):
            raise ValueError("It must be an item, or an item and its position.")
        item: int = getattr(places, "from_address", row_of)(parts[0])
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be an item and its position, such as test-12,1.25,-3.5. Got {text[:40]!r}. "
            f"{error}"
        ) from None
    if len(parts) == 3:
        return {"item": item, "x": number_in(parts[1], name), "y": number_in(parts[2], name)}
    if item >= len(places) and item not in getattr(places, "own", ()):
        _gone(name, item)
        raise ValueError(f"`{name}` must name an item from 0 to {len(places) - 1}. Got {item}.")
    return {"item": item, "x": float(places[item][0]), "y": float(places[item][1])}


def _sliders_text(text: str, name: str) -> dict[str, Any]:
    """Parses "smile:0.5,glasses:-1"."""
    sliders = {}
    for pair in text.split(",")[: SLIDERS_AT_MOST + 1]:
        slug, colon, value = pair.partition(":")
        if not colon:
            raise broken(name, "directions such as smile:0.5,glasses:-1", text)
        sliders[slug] = number_in(value, name)
    return {"sliders": sliders}
