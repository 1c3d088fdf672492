"""Plans a frame of the stage: the latents to decode, and which row is which picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.fields import HandleName
from explorer.live.messages import Frame
from explorer.scene.handles import place_handles, walk_codes

if TYPE_CHECKING:
    from explorer.scene.loaded import Loaded
    from explorer.scene.view import View

__all__ = ["Plan", "plan_frame"]


class Plan(NamedTuple):
    """The latents of a frame, and which row is which picture."""

    z: NDArray[np.float32]  # (M, D)
    rows: list[int]  # one per picture of the answer
    names: list[str]
    handles: dict[HandleName, int]  # wanted handle -> row
    strip: slice  # rows of the strip, empty if it is not wanted


def plan_frame(loaded: Loaded, view: View, frame: Frame) -> Plan:
    """Computes the latents of a frame: its handles, or the whole strip, whose ends are the handles.

    If only one level changes, the strip does not reach B, which then gets a row of its own.

    Raises:
        ValueError: If the model has no such item, direction or level.
    """
    wanted = [name for name in frame.want if name != "strip"]
    needed: list[HandleName] = ["A", "B"] if frame.strip else wanted
    z = place_handles(loaded, view, [frame.handles[name] for name in needed], frame.residual, frame.level)
    if frame.strip is None:
        return Plan(
            z, list(range(len(wanted))), [*wanted], dict(zip(wanted, range(2), strict=False)), slice(0)
        )
    count = frame.strip.frames
    latents = walk_codes(loaded, z[0], z[1], frame.strip.path, count, frame.level)
    ends: dict[HandleName, int] = {"A": 0, "B": count - 1}
    if frame.level:
        latents = np.concatenate([latents, z[1:]])
        ends["B"] = count
    handles = {name: ends[name] for name in wanted}
    rows = [*handles.values(), *range(count)]
    names = [*wanted, *(f"S{n}" for n in range(count))]
    return Plan(latents, rows, names, handles, slice(0, count))
