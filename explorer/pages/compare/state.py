"""What the comparison shows beside its models: the image, the drives, the selection; in an address and from a browser.

    ?models=mnist-vae,mnist-vae-2d&item=test-12&drives=0,1.5,-2_1,0.3,4&select=1,0,0,2,0,2,2&colour=digit&below=samples

Everything is read from the address bar or the browser, so everything is checked. What does not hold is left at its
default and told in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.latent.item_names import read_item, row_of

__all__ = ["Drive", "Selection", "State", "from_json", "from_query", "inside", "query"]

DRIVES_AT_MOST = 8
CORNERS = (3, 32)  # of a selection's polygon
PLACE_AT_MOST = 1e6  # map units
DECIMALS = 6
LONGEST = 2000  # characters of a part of an address


@dataclass(frozen=True)
class Drive:
    """One model's handle was taken to a place of its map."""

    by: int  # the model's column
    x: float  # map units
    y: float


@dataclass(frozen=True)
class Selection:
    """The images inside a polygon on one model's map."""

    by: int
    corners: tuple[float, ...]  # x, y, x, y, ... in map units


@dataclass(frozen=True)
class State:
    """Everything that the component changes."""

    item: int = 0  # of the images that all models share
    drives: tuple[Drive, ...] = ()
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
    if not isinstance(values, Mapping):
        raise ValueError(f"A state must be an object. Got {_seen(values)}.")
    drives = values.get("drives", [])
    if not isinstance(drives, list) or len(drives) > DRIVES_AT_MOST:
        raise ValueError(f"`drives` must be a list of at most {DRIVES_AT_MOST} drives. Got {_seen(drives)}.")
    selection = values.get("selection")
    return State(
        _whole(values.get("item", 0), "item", count),
        tuple(_drive(drive, models) for drive in drives),
        None if selection is None else _selection(selection, models),
    )


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
    state, problems = State(), []
    readers = {
        "item": lambda text, _, count: {"item": read_item(text, "item", item, lambda shared: shared < count)},
        "drives": _drives_text,
        "select": _select_text,
    }
    for part, read in readers.items():
        if part not in params:
            continue
        try:
            state = replace(state, **read(params[part][:LONGEST], models, count))
        except ValueError as error:
            problems.append(str(error))
    return state, problems


def query(state: State, token: Callable[[int], str] = str) -> dict[str, str]:
    """The parameters of an address that shows this state; `token` gives a shared image as an address carries it."""
    params = {"item": token(state.item)}
    if state.drives:
        params["drives"] = "_".join(f"{d.by},{_short(d.x)},{_short(d.y)}" for d in state.drives)
    if state.selection:
        corners = ",".join(_short(value) for value in state.selection.corners)
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


def _drives_text(text: str, models: int, count: int) -> dict[str, Any]:
    """Reads "0,1.5,-2_1,0.3,4"."""
    drives = []
    for part in text.split("_")[: DRIVES_AT_MOST + 1]:
        numbers = _numbers(part, "drives")
        if len(numbers) != 3:
            raise ValueError(f"`drives` must list drives such as 0,1.5,-2. Got {_seen(part)}.")
        by, x, y = numbers
        drives.append({"by": _column(by, "drives"), "x": x, "y": y})
    if len(drives) > DRIVES_AT_MOST:
        raise ValueError(f"`drives` must list at most {DRIVES_AT_MOST} drives. Got more.")
    return {"drives": tuple(_drive(drive, models) for drive in drives)}


def _select_text(text: str, models: int, count: int) -> dict[str, Any]:
    """Reads "1,0,0,2,0,2,2"."""
    by, *corners = _numbers(text, "select")
    return {"selection": _selection({"by": _column(by, "select"), "corners": corners}, models)}


def _numbers(text: str, name: str) -> list[float]:
    try:
        return [float(part[:40]) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"`{name}` must hold numbers. Got {_seen(text)}.") from None


def _column(value: float, name: str) -> int:
    if not value.is_integer():
        raise ValueError(f"`{name}` must name models by whole numbers. Got {value:g}.")
    return int(value)


def _drive(values: object, models: int) -> Drive:
    if not isinstance(values, Mapping):
        raise ValueError(f"`drives` must hold objects. Got {_seen(values)}.")
    by = _whole(values.get("by"), "by", models)
    return Drive(by, _place(values.get("x"), "x"), _place(values.get("y"), "y"))


def _selection(values: object, models: int) -> Selection:
    if not isinstance(values, Mapping):
        raise ValueError(f"`selection` must be an object. Got {_seen(values)}.")
    corners = values.get("corners")
    low, high = CORNERS
    if not isinstance(corners, list) or len(corners) % 2 or not 2 * low <= len(corners) <= 2 * high:
        raise ValueError(f"`selection` must have {low} to {high} corners. Got {_seen(corners)}.")
    places = tuple(_place(value, "selection") for value in corners)
    return Selection(_whole(values.get("by"), "selection", models), places)


def _whole(value: object, name: str, below: int) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise ValueError(f"`{name}` must be a whole number from 0 to {below - 1}. Got {_seen(value)}.")
    return value


def _place(value: object, name: str) -> float:
    if type(value) not in (int, float) or not abs(value) <= PLACE_AT_MOST:  # type: ignore[arg-type]
        raise ValueError(
            f"`{name}` must be a number of at most {PLACE_AT_MOST:g} either way. Got {_seen(value)}."
        )
    return float(value)  # type: ignore[arg-type]


def _seen(value: object) -> str:
    return repr(value)[:60]


def _short(value: float) -> str:
    text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
