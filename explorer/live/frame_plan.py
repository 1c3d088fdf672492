"""Which codes a frame of the stage needs, and which of them is which picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.live.messages import Frame
from explorer.scene.handles import place_handles, walk_codes

if TYPE_CHECKING:
    from explorer.scene.loaded import Loaded
    from explorer.scene.view import View

__all__ = ["Plan", "plan_frame"]


class Plan(NamedTuple):
    """Which codes a frame needs, and which row is which picture."""

    z: NDArray[np.float32]  # (M, D)
    rows: list[int]  # of each picture of the answer
    names: list[str]
    handles: dict[str, int]  # wanted handle -> row
    strip: slice  # rows of the strip, empty where it is not wanted


def plan_frame(loaded: Loaded, view: View, frame: Frame) -> Plan:
    """The codes of a frame: its handles, or the whole strip, whose ends are the handles.

    Where one level goes over alone, the strip ends short of B, which then has a row of its own.

    Raises:
        ValueError: If the model has no such item, direction or level.
    """
    wanted: list[str] = [name for name in frame.want if name != "strip"]
    needed = ["A", "B"] if frame.strip else wanted
    z = place_handles(loaded, view, [frame.handles[name] for name in needed], frame.residual, frame.level)
    if frame.strip is None:
        return Plan(z, list(range(len(wanted))), wanted, dict(zip(wanted, range(2), strict=False)), slice(0))
    count = frame.strip.frames
    codes = walk_codes(loaded, z[0], z[1], frame.strip.path, count, frame.level)
    ends = {"A": 0, "B": count - 1}
    if frame.level:
        codes = np.concatenate([codes, z[1:]])
        ends["B"] = count
    handles = {name: ends[name] for name in wanted}
    rows = [*handles.values(), *range(count)]
    names = [*wanted, *(f"S{n}" for n in range(count))]
    return Plan(codes, rows, names, handles, slice(0, count))
