"""Data for the slider tracks: the gauge along each direction from the handles, and the range of the images.

t(z) = (z - m) . v / |v|^2

is the position of a latent z along a direction v, relative to the mean m of the collection's latents; moving
a slider changes it by the same amount. Of more than 50,000 images a random sample of 50,000, always the same, gives
mean, range and ranks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.latent.blocks import sample_rows
from explorer.latent.neighbours.exact import percentile
from explorer.live.messages import Frame
from explorer.scene.handles import level_of, place_handles

if TYPE_CHECKING:
    from explorer.scene.loaded import Loaded
    from explorer.scene.view import View

__all__ = ["DIRECTIONS_AT_MOST", "REACH", "STEPS", "Along", "measure_along"]

STEPS = (
    -5.0,
    -4.0,
    *np.arange(-3.0, 3.5, 0.5).tolist(),
    4.0,
    5.0,
)  # slider values at which the gauge is read
REACH = (0.5, 99.5)  # percentiles of the images' positions: the range of the data
DIRECTIONS_AT_MOST = 64
ITEMS_AT_MOST = 50_000


class Along(NamedTuple):
    """Measurements along one direction from the handles."""

    off: list[
        float
    ]  # percentile of the gauge at each of STEPS, of several handles the highest; empty without a gauge
    low: float  # REACH percentiles of the images' positions
    high: float
    position: dict[str, float]  # of each handle's latent
    rank: dict[str, float]  # percentile of that position among the images'


def measure_along(loaded: Loaded, view: View, frame: Frame) -> dict[str, Along]:
    """The data of each slider's track, by direction; at most `DIRECTIONS_AT_MOST`, saved directions first.

    Arguments:
        loaded: The model.
        view: The map.
        frame: The handles; those in `want` are measured.

    Raises:
        ValueError: If the model has no such item, direction or level.
    """
    names = [name for name in frame.want if name != "strip"]
    handles = [frame.handles[name] for name in names]
    chosen = sorted(loaded.directions.items(), key=lambda pair: pair[1].kind != "own")[:DIRECTIONS_AT_MOST]
    vectors = {slug: direction.vector for slug, direction in chosen if np.any(direction.vector)}
    if not vectors or not handles:
        return {}
    z = place_handles(loaded, view, handles, frame.residual, frame.level)
    moves = np.zeros((len(vectors), loaded.latent), np.float32)  # (K, D), the change per unit of each slider
    moves[:, level_of(loaded, frame.level)] = np.stack(list(vectors.values()))[
        :, level_of(loaded, frame.level)
    ]
    now = np.array([[handle.sliders.get(slug, 0.0) for slug in vectors] for handle in handles], np.float32)
    steps = np.array(STEPS, np.float32)[None, None] - now[..., None]  # (M, K, S)
    reached = z[:, None, None] + steps[..., None] * moves[None, :, None]
    off = loaded.neighbours.query(reached.reshape(-1, loaded.latent)).percentile
    worst = None if off is None else off.reshape(steps.shape).max(0)
    units = np.stack([vector / (vector @ vector) for vector in vectors.values()])
    some = loaded.atlas.mean[sample_rows(loaded.count, ITEMS_AT_MOST)]
    mean = some.mean(0)
    items: NDArray[np.float32] = (some - mean) @ units.T  # (N, K)
    low, high = np.percentile(items, REACH, axis=0)
    positions = (z - mean) @ units.T  # (M, K)
    tracks = {}
    for k, slug in enumerate(vectors):
        ranks = percentile(np.sort(items[:, k]).astype(np.float64), positions[:, k].astype(np.float64))
        tracks[slug] = Along(
            [] if worst is None else np.round(worst[k], 1).tolist(),
            float(low[k]),
            float(high[k]),
            dict(zip(names, positions[:, k].tolist(), strict=True)),
            dict(zip(names, ranks.tolist(), strict=True)),
        )
    return tracks
