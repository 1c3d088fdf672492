"""What the comparison shows beside its models: the image, the drives, the selection; in an address and from a browser.

    ?models=mnist-vae,mnist-vae-2d&item=test-12&drives=0,1.5,-2_1,0.3,4&select=1,0,0,2,0,2,2&colour=digit&below=samples

Everything is read from the address bar or the browser, so everything is checked. What does not hold is left at its
default and told in a sentence.
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

__all__ = ["Drive", "Selection", "State", "from_json", "from_query", "inside", "query"]

DECIMALS = 6
LONGEST = 2000  # characters of a part of an address


@dataclass(frozen=True)
class Drive:
    """One model's handle was taken to a place of its map."""

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
    """Everything that the component changes."""

    item: Item = 0  # of the images that all models share
    drives: Annotated[tuple[Drive, ...], Meta(max_length=DRIVES_AT_MOST)] = ()
    selection: Selection | None = None

    def as_json(self) -> dict[str, Any]:
        """As the component reads and writes it."""
        return {
            "item": self.item,
            "drives": [vars(drive) for drive in self.drives],
            "selection": self.selection
            and {"by": self.selection.by, "corners": list(self.selection.corners)},
        }


def from_json(values: object, models: int, count: int) -> State:
    """A state from what a browser sent.

    Arguments:
        values: Untrusted JSON, in the form of `State.as_json`.
        models: Columns.
        count: Images that the models share.

    Raises:
        ValueError: Naming the first field that breaks a rule.
    """
    return _fitting(read(values, State, "A state"), models, count)


def _fitting(state: State, models: int, count: int) -> State:
    """The state if the models have what it names; raises ValueError else."""
    whole(state.item, "item", 0, count - 1)
    for place, drive in enumerate(state.drives):
        whole(drive.by, f"drives[{place}].by", 0, models - 1)
    if state.selection is not None:
        whole(state.selection.by, "selection.by", 0, models - 1)
    return state


def from_query(
    params: Mapping[str, str], models: int, count: int, item: Callable[[str], int] = row_of
) -> tuple[State, list[str]]:
    """A state from an address, and a sentence for each part of it that does not hold.

    Arguments:
        params: The address's parameters.
        models: Columns.
        count: Images that the models share.
        item: Reads an item of an address, as a shared image.
    """

    def part(name: str, value: Any) -> dict[str, object]:
        return {name: getattr(_fitting(read({name: value}, State, "A state"), models, count), name)}

    return read_parts(
        {name: text[:LONGEST] for name, text in params.items()},
        State(),
        {
            "item": lambda text, _: {"item": read_item(text, "item", item, lambda shared: shared < count)},
            "drives": lambda text, _: part("drives", [_drive_text(each) for each in text.split("_")]),
            "select": lambda text, _: part("selection", _select_text(text)),
        },
    )


def query(state: State, token: Callable[[int], str] = str) -> dict[str, str]:
    """The parameters of an address that shows this state; `token` gives a shared image as an address carries it."""
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
    """Which points (N, 2) lie inside a polygon, by the even-odd rule; their rows, rising."""
    x, y = xy[:, 0].astype(np.float64), xy[:, 1].astype(np.float64)
    polygon = np.asarray(corners, np.float64).reshape(-1, 2)
    within = np.zeros(len(xy), bool)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, 1, 0), strict=True):
        crosses = (ay > y) != (by > y)
        height = by - ay if by != ay else 1.0
        within ^= crosses & (x < (bx - ax) * (y - ay) / height + ax)
    return np.flatnonzero(within)


def _drive_text(text: str) -> dict[str, object]:
    """Reads "0,1.5,-2"."""
    numbers = numbers_in(text, "drives")
    if len(numbers) != 3:
        raise broken("drives", "drives such as 0,1.5,-2", text)
    return {"by": _column(numbers[0]), "x": numbers[1], "y": numbers[2]}


def _select_text(text: str) -> dict[str, object]:
    """Reads "1,0,0,2,0,2,2"."""
    by, *corners = numbers_in(text, "select")
    return {"by": _column(by), "corners": corners}


def _column(value: float) -> int | float:
    """A model's column; what is no whole number is refused with the rest."""
    return int(value) if value.is_integer() else value
