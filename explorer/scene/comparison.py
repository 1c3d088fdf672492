"""Several models on the same images: a latent dragged in one model, and how the others encode its picture.

All start on one item: z_m = E_m(x), p_m its position on the map of model m. A drive drags the handle of model
d to xy:

    z_d' = inverse_d(xy) + z_d - inverse_d(p_d),   z_m' = E_m(D_d(z_d')),   p_m' = forward_m(z_m')   for all others m

Drives apply in sequence, so the item and its drives determine the state, and a link that has them restores
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from explorer.catalogue.data_titles import data_title, pictures_key
from explorer.latent.geometry.projections import ScatterProjection, place
from explorer.latent.item_names import row_of
from explorer.latent.neighbours.exact import GAUGE_NEIGHBOUR
from explorer.scene.loaded import Loaded
from explorer.scene.view import View
from models.data.base import SPLITS

__all__ = [
    "MODELS",
    "Answer",
    "Comparison",
    "CurrentLatents",
    "Drive",
    "at_item",
    "compare_models",
    "follow",
    "moved",
    "neighbours",
    "settle",
    "shared_rows",
]

MODELS = (2, 6)  # fewest and most models to compare


@dataclass(frozen=True, slots=True)
class Drive:
    """Drags one model's handle to a map position."""

    by: int  # index of the model
    x: float  # map units
    y: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models to compare, and the images that all their atlases contain."""

    models: tuple[Loaded, ...]
    views: tuple[View, ...]
    rows: NDArray[np.int64]  # (M, N), row of each shared image in each model's atlas

    @property
    def count(self) -> int:
        """Number of shared images."""
        return int(self.rows.shape[1])

    def positions(self, model: int) -> NDArray[np.float32]:
        """Map positions of the shared images, shape (N, 2)."""
        return cast("NDArray[np.float32]", self.views[model].xy[self.rows[model]])

    def shared(self, model: int, row: int) -> int | None:
        """Index of the shared image at a row of a model's atlas; None if it is not shared."""
        matches = np.flatnonzero(self.rows[model] == row)
        return int(matches[0]) if len(matches) else None

    def token_of(self, item: int) -> str:
        """A shared image's name in a URL, such as "test-12"."""
        return self.models[0].token_of(int(self.rows[0, item]))

    def from_address(self, text: str) -> int:
        """The shared image that a URL names; a bare number is an index into the shared images.

        Raises:
            ValueError: If the text names no shared image.
        """
        row = self.models[0].atlas.names.find(text[:80])
        if row is None:
            return row_of(text)
        item = self.shared(0, row)
        if item is None:
            raise ValueError(f"{text[:40]!r} is not in the atlas of every model that is compared.")
        return item


class CurrentLatents(NamedTuple):
    """The current latent of every model, and its map position."""

    z: tuple[NDArray[np.float32], ...]  # M times (D_m,)
    xy: NDArray[np.float32]  # (M, 2)


class Answer(NamedTuple):
    """A model's latent, picture and neighbourhood after a drive."""

    z: NDArray[np.float32]  # (D,)
    xy: NDArray[np.float32]  # (2,)
    picture: NDArray[np.uint8]  # (H, W, C)
    nearest: int  # row of the model's atlas
    percentile: float | None  # of the distance to the neighbours, 0 to 100; None if the model has no gauge


def compare_models(models: Sequence[Loaded], views: Sequence[View]) -> Comparison:
    """Creates a comparison of models.

    Arguments:
        models: Two to six models whose atlases are of the same data set.
        views: The map of each.

    Raises:
        ValueError: If there are too few or too many, their data sets differ, or they share no images.
    """
    low, high = MODELS
    if not low <= len(models) <= high or len({model.name for model in models}) != len(models):
        names = ", ".join(model.name for model in models)[:200]
        raise ValueError(f"`models` must be {low} to {high} different ones. Got: {names or 'none'}.")
    first = models[0]
    for model in models[1:]:
        if _pictures(model) != _pictures(first) or model.shape != first.shape:
            raise ValueError(
                f"`models` must have one data set. {first.name} has {_data(first)!r}, "
                f"{model.name} has {_data(model)!r}."
            )
    return Comparison(tuple(models), tuple(views), shared_rows(models))


def _pictures(model: Loaded) -> str:
    return pictures_key(model.entry.card) if model.entry.card else ""


def _data(model: Loaded) -> str:
    return data_title(model.entry.card.data) if model.entry.card else ""


def shared_rows(models: Sequence[Loaded]) -> NDArray[np.int64]:
    """Rows (M, N) of the images in all atlases, in the order of the first.

    Raises:
        ValueError: If they share fewer than two images.
    """
    keys = [_keys(model) for model in models]
    both = keys[0]
    for other in keys[1:]:
        both = both[np.isin(both, other)]
    both = both[np.sort(np.unique(both, return_index=True)[1])]
    if len(both) < 2:
        raise ValueError(
            f"`models` must share images in their atlases. {', '.join(model.name for model in models)} share "
            f"{len(both)}. Rebuild the atlases with the same `--count`."
        )
    rows = np.empty((len(models), len(both)), np.int64)
    for row, own in zip(rows, keys, strict=True):
        order = np.argsort(own, kind="stable")
        row[:] = order[np.searchsorted(own, both, sorter=order)]
    return rows


def _keys(model: Loaded) -> NDArray[np.int64]:
    """A unique number per image, equal in all atlases: from its split and its row in the split."""
    splits = np.array([SPLITS.index(split) for split in model.atlas.split], np.int64)
    return cast("NDArray[np.int64]", len(SPLITS) * model.atlas.ids + splits)


def at_item(comparison: Comparison, item: int) -> CurrentLatents:
    """The state with all models on one shared image.

    Raises:
        ValueError: If there is no such image.
    """
    if not 0 <= item < comparison.count:
        raise ValueError(f"`item` must be one of 0..{comparison.count - 1}. Got {item}.")
    rows = comparison.rows[:, item]
    z = tuple(model.atlas.mean[row] for model, row in zip(comparison.models, rows, strict=True))
    xy = np.stack([view.xy[row] for view, row in zip(comparison.views, rows, strict=True)])
    return CurrentLatents(z, xy.astype(np.float32))


def moved(comparison: Comparison, current: CurrentLatents, drive: Drive) -> NDArray[np.float32]:
    """The latent (D,) of the driven model; exactly the current one if the handle has not moved.

    Raises:
        ValueError: If there is no such model.
    """
    if not 0 <= drive.by < len(comparison.models):
        raise ValueError(f"`by` must be one of 0..{len(comparison.models) - 1}. Got {drive.by}.")
    projection = comparison.views[drive.by].projection
    return place(projection, (drive.x, drive.y), current.xy[drive.by], current.z[drive.by])


def neighbours(view: View) -> int:
    """Number of nearest items that an answer needs, for the gauge and for the position on a scatter map."""
    count = view.projection.forward_count if isinstance(view.projection, ScatterProjection) else 0
    return max(GAUGE_NEIGHBOUR, count)


def follow(loaded: Loaded, view: View, picture: NDArray[np.uint8]) -> Answer:
    """Encodes another model's picture (H, W, C) and answers with latent, position and reconstruction."""
    z = loaded.encoder(picture[None]).mean
    if not np.isfinite(z).all():
        raise ValueError(
            f"{loaded.name} encodes this picture to a latent that is not finite. Drag elsewhere."
        )
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
    """Builds a model's answer from latent, picture and neighbours.

    Arguments:
        loaded: The model.
        view: Its map.
        z: The latent, shape (D,).
        picture: The decoded latent, shape (H, W, C).
        index: Its nearest items, nearest first, shape (1, k), k from `neighbours`.
        distance: Their distances, shape (1, k).
        xy: Its map position, shape (2,); projected if None.
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
