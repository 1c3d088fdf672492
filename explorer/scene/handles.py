"""Latents of the handles on the stage, computed identically for a drag, a download and a recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.fields import FIRST_OWN
from explorer.latent.geometry.paths import PATHS, fractions
from explorer.latent.geometry.projections import Residual, place

if TYPE_CHECKING:
    from explorer.scene.loaded import Loaded
    from explorer.scene.view import View

__all__ = [
    "HandleLike",
    "Places",
    "check_item",
    "home",
    "level_of",
    "move_to_view",
    "place_handles",
    "walk_codes",
]


class HandleLike(Protocol):
    """A handle, from the socket or from a recipe."""

    @property
    def item(self) -> int: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def sliders(self) -> dict[str, float]: ...


def place_handles(
    loaded: Loaded, view: View, handles: Sequence[HandleLike], residual: Residual, level: int = 0
) -> NDArray[np.float32]:
    """The latents of handles: from their map positions, plus s (z_pos - z_neg) for each slider.

    Arguments:
        loaded: The model.
        view: The map.
        handles: Their positions and sliders.
        residual: Treatment of the part of an item's latent that the map cannot show.
        level: The one level of the latent that moves, counted from 1, the coarsest; 0 for all. The other
            levels stay as the item has them.

    Returns:
        Shape (M, D); exactly the item's latent for a handle that has not moved.

    Raises:
        ValueError: If the model lacks an item, a direction or the level.
    """
    for handle in handles:
        check_item(loaded, handle.item)
    items = [handle.item for handle in handles]
    xy = np.array([(handle.x, handle.y) for handle in handles], np.float32)
    homes = np.stack([home(loaded, view, item) for item in items])
    z = place(view.projection, xy, homes, loaded.latents(items), residual)
    directions = loaded.directions
    for row, handle in enumerate(handles):
        for name in handle.sliders:
            if name not in directions:
                some = ", ".join(list(directions)[:6]) or "none"
                raise ValueError(
                    f"`sliders` must name directions of {loaded.name}, such as {some}. Got {name[:40]!r}."
                )
        # Fixed order: a sum of floats depends on it, and a link must reproduce the same pixels.
        steps = {name: value for name, value in sorted(handle.sliders.items()) if value}
        if steps:
            vectors = np.stack([directions[name].vector for name in steps])
            z[row] += np.array(list(steps.values()), np.float32) @ vectors
    if level:
        own = level_of(loaded, level)
        moved, z = z[:, own], loaded.latents(items).copy()
        z[:, own] = moved
    return z


def walk_codes(
    loaded: Loaded, a: NDArray[np.float32], b: NDArray[np.float32], path: str, count: int, level: int = 0
) -> NDArray[np.float32]:
    """Latents (count, D) along a path from `a` to `b`, (D,) each.

    Arguments:
        loaded: The model.
        a: Start.
        b: End.
        path: One of `explorer.latent.geometry.paths.PATHS`.
        count: Number of latents, including both ends.
        level: The one level of the latent that changes to `b`, as in `place_handles`; the others stay at `a`.

    Raises:
        ValueError: If the model has no such level.
    """
    own = level_of(loaded, level)
    latents = np.repeat(a[None], count, axis=0)
    latents[:, own] = PATHS[path](a[own], b[own], fractions(count))
    return latents


def level_of(loaded: Loaded, level: int) -> slice:
    """The dimensions of a level, counted from 1, the coarsest; all dimensions for 0.

    Raises:
        ValueError: If the model has no such level.
    """
    if level == 0:
        return slice(None)
    sizes = [math.prod(each.shape) for each in loaded.decoder.model.spec.levels]
    if not 1 <= level <= len(sizes):
        allowed = f"0 to {len(sizes)}" if sizes else "0: its latent has no levels"
        raise ValueError(f"`level` of {loaded.name} must be {allowed}. Got {level}.")
    start = sum(sizes[: level - 1])
    return slice(start, start + sizes[level - 1])


def move_to_view(
    loaded: Loaded, before: View, after: View, handle: HandleLike, residual: Residual
) -> tuple[float, float]:
    """The position of a handle on a new map such that its picture changes as little as possible.

    A handle on its item stays on it. A dragged handle moves by as much of the drag as the new map can show.
    """
    goal = home(loaded, after, handle.item)
    start = home(loaded, before, handle.item)
    if np.float32(handle.x) == start[0] and np.float32(handle.y) == start[1]:
        return float(goal[0]), float(goal[1])
    (own,) = loaded.latents([handle.item])
    z = place(before.projection, (handle.x, handle.y), start, own, residual)
    moved = goal + (after.projection.forward(z[None]) - after.projection.forward(own[None]))[0]
    return float(moved[0]), float(moved[1])


def home(loaded: Loaded, view: View, item: int) -> NDArray[np.float32]:
    """The position of an item on a map, shape (2,); an upload is projected.

    Raises:
        KeyError: If there is no such upload.
    """
    position: NDArray[np.float32] | None = view.xy[item] if item < FIRST_OWN else view.homes.get(item)
    if position is None:
        position = view.homes[item] = view.projection.forward(loaded.own[item].z[None])[0]
    return position


class Places:
    """Map positions of all items: `places[item]` is (x, y), and `len` counts the items of the atlas."""

    def __init__(self, loaded: Loaded, view: View) -> None:
        self._loaded, self._view = loaded, view
        self.own = loaded.own
        self.from_address = loaded.atlas.names.from_address

    def __len__(self) -> int:
        return self._loaded.count

    def __getitem__(self, item: int) -> NDArray[np.float32]:
        return home(self._loaded, self._view, item)


def check_item(loaded: Loaded, item: int) -> None:
    """Raises ValueError if there is no such item, in the atlas or among the uploads."""
    if item >= FIRST_OWN and not loaded.has(item):
        raise ValueError(f"`item` {item} was one of your own pictures and no longer exists. Upload it again.")
    if not loaded.has(item):
        raise ValueError(f"`item` must be one of 0..{loaded.count - 1} of {loaded.name}. Got {item}.")
