"""What the Compare page shows, and its live part (image, moved handles, selection), read from an address or the browser.

    ?models=mnist-vae,mnist-vae-2d&item=test-12&drives=0,1.5,-2_1,0.3,4&select=1,0,0,2,0,2,2&colour=digit&below=samples

All input is untrusted and validated; invalid parameters are reported and replaced by their defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from explorer.addresses import numbers_in, read_parts, short
from explorer.fields import CORNERS, DRIVES_AT_MOST, Item, Position
from explorer.latent.item_names import read_item, row_of
from models.system.schema import broken, read, whole

__all__ = ["Drive", "Selection", "Shown", "State", "from_json", "from_query", "inside", "query"]

DECIMALS = 6
LENGTH_LIMIT = 2000  # characters of a part of an address


@dataclass(frozen=True)
class Drive:
    """A model's handle, moved to a position on its map."""

    by: int  # the model's column
    x: Position
    y: Position


@dataclass(frozen=True)
class Selection:
    """The images inside a polygon on one model's map."""

    by: int
    corners: Annotated[  # x, y, x, y, ...
        tuple[Position, ...],
        Meta(
            min_length=2 * CORNERS[0],
            max_length=2 * CORNERS[1],
            description=f"x and y of {CORNERS[0]} to {CORNERS[1]} corners",
        ),
    ]

    def __post_init__(self) -> None:
        if len(self.corners) % 2:
            raise ValueError(
                f"`selection.corners` must be x and y of each corner. Got {len(self.corners)} numbers."
            )


@dataclass(frozen=True)
class State:
    """The state that the component changes."""

    item: Item = 0  # index of the shared images
    drives: Annotated[tuple[Drive, ...], Meta(max_length=DRIVES_AT_MOST)] = ()
    selection: Selection | None = None

    def as_json(self) -> dict[str, Any]:
        """The state as the component's JSON."""
        return {
            "item": self.item,
            "drives": [vars(drive) for drive in self.drives],
            "selection": self.selection
            and {"by": self.selection.by, "corners": list(self.selection.corners)},
        }


@dataclass(frozen=True)
class Shown:
    """What the page shows."""

    models: tuple[str, ...]  # names of the checkpoints, a column each
    group: str = ""  # title of their data set
    colour: str | None = None  # attribute that colours the maps, "none" for one colour; None for the default
    section: str = ""  # key of the section below
    state: State | None = None  # None until read for these models


def from_json(values: object, models: int, count: int) -> State:
    """Reads a state that the browser sent.

    Arguments:
        values: Untrusted JSON, in the form of `State.as_json`.
        models: Number of models.
        count: Number of images that the models share.

    Raises:
        ValueError: If a field is invalid; names the first one.
    """
    return _fitting(read(values, State, "A state"), models, count)


def _fitting(state: State, models: int, count: int) -> State:
    """The state if it fits the models; raises ValueError otherwise."""
    whole(state.item, "item", 0, count - 1)
    for index, drive in enumerate(state.drives):
        whole(drive.by, f"drives[{index}].by", 0, models - 1)
    if state.selection is not None:
        whole(state.selection.by, "selection.by", 0, models - 1)
    return state


def from_query(
    params: Mapping[str, str], models: int, count: int, item: Callable[[str], int] = row_of
) -> tuple[State, list[str]]:
    """A state from an address, and a message for each invalid parameter.

    Arguments:
        params: The address's parameters.
        models: Number of models.
        count: Number of images that the models share.
        item: Reads an item from an address, as index of the shared images.
    """

    def part(name: str, value: Any) -> dict[str, object]:
        return {name: getattr(_fitting(read({name: value}, State, "A state"), models, count), name)}

    return read_parts(
        {name: text[:LENGTH_LIMIT] for name, text in params.items()},
        State(),
        {
            "item": lambda text, _: {"item": read_item(text, "item", item, lambda shared: shared < count)},
            "drives": lambda text, _: part("drives", [_drive_text(each) for each in text.split("_")]),
            "select": lambda text, _: part("selection", _select_text(text)),
        },
    )


def query(state: State, token: Callable[[int], str] = str) -> dict[str, str]:
    """The address parameters of a state; `token` returns a shared image as written in an address."""
    params = {"item": token(state.item)}
    if state.drives:
        params["drives"] = "_".join(
            f"{d.by},{short(d.x, DECIMALS)},{short(d.y, DECIMALS)}" for d in state.drives
        )
    if state.selection:
        corners = ",".join(short(value, DECIMALS) for value in state.selection.corners)
        params["select"] = f"{state.selection.by},{corners}"
    return params


def inside(xy: NDArray[np.float32], corners: tuple[float, ...]) -> NDArray[np.int64]:
    """Ascending rows of the points (N, 2) inside a polygon, by the even-odd rule."""
    x, y = xy[:, 0].astype(np.float64), xy[:, 1].astype(np.float64)
    polygon = np.asarray(corners, np.float64).reshape(-1, 2)
    within = np.zeros(len(xy), bool)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, 1, 0), strict=True):
        crosses = (ay > y) != (by > y)
        height = by - ay if by != ay else 1.0
        within ^= crosses & (x < (bx - ax) * (y - ay) / height + ax)
    return np.flatnonzero(within)


def _drive_text(text: str) -> dict[str, object]:
    """Reads a drive, e.g. "0,1.5,-2"."""
    numbers = numbers_in(text, "drives")
    if len(numbers) != 3:
        raise broken("drives", "drives such as 0,1.5,-2", text)
    return {"by": _column(numbers[0]), "x": numbers[1], "y": numbers[2]}


def _select_text(text: str) -> dict[str, object]:
    """Reads a selection, e.g. "1,0,0,2,0,2,2"."""
    by, *corners = numbers_in(text, "select")
    return {"by": _column(by), "corners": corners}


def _column(value: float) -> int | float:
    """A model's column as an integer; other numbers are refused by the schema."""
    return int(value) if value.is_integer() else value
