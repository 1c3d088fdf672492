r"""Several models on the same images, and what each makes of a code that is moved by hand in one of them.

All start on one item: z_m = E_m(x), p_m its place on the map of model m. A drive takes one model, d, to a place xy:

    z_d' = inverse_d(xy) + z_d - inverse_d(p_d),   z_m' = E_m(D_d(z_d')),   p_m' = forward_m(z_m')   for all others m

Drives follow one another, so item and drives say everything, and a link that carries them shows the same again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.latent.geometry.projections import ScatterProjection, place
from explorer.latent.item_names import row_of
from explorer.latent.neighbours.exact import GAUGE_NEIGHBOUR
from explorer.scene.loaded import Loaded
from explorer.scene.view import View

__all__ = [
    "MODELS",
    "Answer",
    "Drive",
    "Lineup",
    "Stand",
    "at_item",
    "follow",
    "line_up",
    "moved",
    "neighbours",
    "settle",
    "shared_rows",
]

MODELS = (2, 6)  # fewest and most side by side


@dataclass(frozen=True, slots=True)
class Drive:
    """One model's handle was taken to a place of its map."""

    by: int  # which model
    x: float  # map units
    y: float


@dataclass(frozen=True, eq=False)
class Lineup:
    """Models side by side, and the images that all of them have in their atlas."""

    models: tuple[Loaded, ...]
    views: tuple[View, ...]
    rows: NDArray[np.int64]  # (M, N), row of each shared image in each model's atlas

    @property
    def count(self) -> int:
        """Images that all models share."""
        return int(self.rows.shape[1])

    def positions(self, model: int) -> NDArray[np.float32]:
        """Map positions of the shared images, shape (N, 2)."""
        xy: NDArray[np.float32] = self.views[model].xy[self.rows[model]]
        return xy

    def shared(self, model: int, row: int) -> int | None:
        """Which shared image a row of a model's atlas is; None where the others lack it."""
        found = np.flatnonzero(self.rows[model] == row)
        return int(found[0]) if len(found) else None

    def token_of(self, item: int) -> str:
        """A shared image as an address carries it, such as "test-12"."""
        return self.models[0].token_of(int(self.rows[0, item]))

    def from_address(self, text: str) -> int:
        """The shared image that an address names; a bare number is its place among the shared ones.

        Raises:
            ValueError: If the text names none.
        """
        row = self.models[0].atlas.names.find(text[:80])
        if row is None:
            return row_of(text)
        item = self.shared(0, row)
        if item is None:
            raise ValueError(f"{text[:40]!r} is not in the atlas of every model that is compared.")
        return item


class Stand(NamedTuple):
    """Where all models stand: a code each, and its place on the model's map."""

    z: tuple[NDArray[np.float32], ...]  # M times (D_m,)
    xy: NDArray[np.float32]  # (M, 2)


class Answer(NamedTuple):
    """What one model shows."""

    z: NDArray[np.float32]  # (D,)
    xy: NDArray[np.float32]  # (2,)
    picture: NDArray[np.uint8]  # (H, W, C)
    nearest: int  # row of the model's atlas
    percentile: float | None  # of the distance to the neighbours, 0 to 100; None where the model has no gauge


def line_up(models: Sequence[Loaded], views: Sequence[View]) -> Lineup:
    """Puts models side by side.

    Arguments:
        models: Two to six, trained on one data set.
        views: The map of each.

    Raises:
        ValueError: If they are too few or too many, were trained on different data, or share no images.
    """
    low, high = MODELS
    if not low <= len(models) <= high or len({model.name for model in models}) != len(models):
        names = ", ".join(model.name for model in models)[:200]
        raise ValueError(f"`models` must be {low} to {high} different ones. Got: {names or 'none'}.")
    first = models[0]
    for model in models[1:]:
        if _data(model) != _data(first) or model.shape != first.shape:
            raise ValueError(
                f"`models` must be trained on one data set. {first.name} knows {_data(first)[0]!r}, "
                f"{model.name} {_data(model)[0]!r}."
            )
    return Lineup(tuple(models), tuple(views), shared_rows(models))


def _data(model: Loaded) -> tuple[str, object]:
    card = model.entry.card
    return (card.data["name"], card.data.get("options", {})) if card else ("", None)


def shared_rows(models: Sequence[Loaded]) -> NDArray[np.int64]:
    """Rows (M, N) of the images that all atlases hold, in the first one's order.

    Raises:
        ValueError: If they share fewer than two.
    """
    keys = [_keys(model) for model in models]
    both = keys[0]
    for other in keys[1:]:
        both = both[np.isin(both, other)]
    both = both[np.sort(np.unique(both, return_index=True)[1])]
    if len(both) < 2:
        raise ValueError(
            f"`models` must share images in their atlases. {', '.join(model.name for model in models)} share "
            f"{len(both)}. Build the atlases anew with the same `--count`."
        )
    rows = np.empty((len(models), len(both)), np.int64)
    for row, own in zip(rows, keys, strict=True):
        order = np.argsort(own, kind="stable")
        row[:] = order[np.searchsorted(own, both, sorter=order)]
    return rows


def _keys(model: Loaded) -> NDArray[np.int64]:
    """A number an image, the same in all atlases: its row in its split of the data set, and which split."""
    test = np.array([split == "test" for split in model.atlas.split])
    keys: NDArray[np.int64] = 2 * model.atlas.ids + test
    return keys


def at_item(lineup: Lineup, item: int) -> Stand:
    """All models on one shared image.

    Raises:
        ValueError: If there is no such image.
    """
    if not 0 <= item < lineup.count:
        raise ValueError(f"`item` must be one of 0..{lineup.count - 1}. Got {item}.")
    rows = lineup.rows[:, item]
    z = tuple(model.atlas.mean[row] for model, row in zip(lineup.models, rows, strict=True))
    xy = np.stack([view.xy[row] for view, row in zip(lineup.views, rows, strict=True)])
    return Stand(z, xy.astype(np.float32))


def moved(lineup: Lineup, stand: Stand, drive: Drive) -> NDArray[np.float32]:
    """The code (D,) of the model that is driven; its own where the handle has not moved.

    Raises:
        ValueError: If there is no such model.
    """
    if not 0 <= drive.by < len(lineup.models):
        raise ValueError(f"`by` must be one of 0..{len(lineup.models) - 1}. Got {drive.by}.")
    projection = lineup.views[drive.by].projection
    return place(projection, (drive.x, drive.y), stand.xy[drive.by], stand.z[drive.by])


def neighbours(view: View) -> int:
    """Nearest items that a model's answer needs: for its gauge, and for the place of a code on a scattered map."""
    count = view.projection.forward_count if isinstance(view.projection, ScatterProjection) else 0
    return max(GAUGE_NEIGHBOUR + 1, count)


def follow(loaded: Loaded, view: View, picture: NDArray[np.uint8]) -> Answer:
    """What a model makes of another's picture (H, W, C): its code, where that lies, its reconstruction."""
    z = loaded.encoder(picture[None]).mean
    if not np.isfinite(z).all():
        raise ValueError(f"{loaded.name} gives no finite code for this picture.")
    pictures = loaded.decoder(z)
    index, distance = loaded.nearby.nearest(z, min(neighbours(view), loaded.count))
    return settle(loaded, view, z[0], pictures[0], index, distance)


def settle(
    loaded: Loaded,
    view: View,
    z: NDArray[np.float32],
    picture: NDArray[np.uint8],
    index: NDArray[np.int64],
    distance: NDArray[np.float64],
    xy: NDArray[np.float32] | None = None,
) -> Answer:
    """The answer of a model whose code, picture and neighbours are known.

    Arguments:
        loaded: The model.
        view: Its map.
        z: The code, shape (D,).
        picture: What it decodes to, shape (H, W, C).
        index: Its nearest items, nearest first, shape (1, k); k as `neighbours` says.
        distance: Their distances, shape (1, k).
        xy: Its place on the map, shape (2,); where the map puts it if None.
    """
    if xy is None:
        projection = view.projection
        if isinstance(projection, ScatterProjection):
            count = projection.forward_count
            xy = projection.forward_nearest(index[:, :count], distance[:, :count])[0]
        else:
            xy = projection.forward(z[None])[0]
    gauge = loaded.neighbours.gauge(index, distance)
    return Answer(z, xy, picture, int(gauge.nearest[0]), gauge.at(0))
