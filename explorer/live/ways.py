"""Ways through several codes of a model: their codes, pictures, energy, and how far they stray from the data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.latent.energy import energy, length
from explorer.latent.paths import PATHS, fractions
from explorer.latent.splines import piecewise, smooth
from explorer.live.compiled import levels
from explorer.live.loaded import Loaded
from explorer.live.views import View

__all__ = ["DENSE", "KINDS", "Measured", "at_stops", "measure", "on_map", "way"]

Floats = NDArray[np.float32]

DENSE = 65  # codes of a way that is measured; its frames are some of them
KINDS = ("straight", "great-circle", "smooth")  # what is known at once
BATCH = 16  # decodes at once


class Measured(NamedTuple):
    """What a way of T codes shows."""

    pictures: NDArray[np.uint8]  # (T, H, W, C)
    energy: float  # of the decoded way, summed squares of pixels in [0, 1]
    length: float  # of the decoded way, the root of that unit
    percentile: NDArray[np.float64]  # (T,), of the data's own distances to their 10th neighbour, 0 to 100


def way(kind: str, stops: Floats, count: int = DENSE) -> Floats:
    """Codes (count, D) through all stops (K, D), the first and the last exactly.

    Arguments:
        kind: One of `KINDS`: "smooth" is one curve, the others go from stop to stop.
        stops: At least two.
        count: How many.

    Raises:
        ValueError: If there is no such kind, or the stops do not hold.
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of: {', '.join(KINDS)}. Got {kind[:40]!r}.")
    t = fractions(count)
    return smooth(stops, t) if kind == "smooth" else piecewise(stops, t, PATHS[kind])


def at_stops(codes: Floats, stops: Floats) -> list[int]:
    """Which of a way's codes come nearest to each stop, in order, the first and the last at the ends.

    Arguments:
        codes: Shape (T, D).
        stops: Shape (K, D), K at most T.
    """
    found = [0]
    for number, stop in enumerate(stops[1:-1], start=1):
        room = codes[found[-1] + 1 : len(codes) - (len(stops) - 1 - number)]
        found.append(found[-1] + 1 + int(np.linalg.norm(room - stop, axis=1).argmin()))
    return [*found, len(codes) - 1]


@torch.inference_mode()
def measure(loaded: Loaded, codes: Floats) -> Measured:
    """Decodes a way (T, D) once and measures it.

    Raises:
        ValueError: If the codes have another D or are not finite.
    """
    percentile = loaded.neighbours.query(codes).percentile
    decoder = loaded.decoder
    parts = [
        decoder.model.decode(
            torch.from_numpy(part).to(decoder.device).reshape(-1, *decoder.model.spec.shape)
        ).cpu()
        for part in np.array_split(np.ascontiguousarray(codes), -(-len(codes) // BATCH))
    ]
    x = torch.cat(parts)
    pictures: NDArray[np.uint8] = levels(x).contiguous().numpy()
    return Measured(pictures, energy(x.numpy()), length(x.numpy()), percentile)


def on_map(view: View, codes: Floats, at: list[int], homes: Floats) -> Floats:
    """Where a way runs on a map, shape (T, 2).

    A map of scattered items shows a code at its neighbours' places, not quite where the item itself lies: what a stop
    is off is made good, and between two stops by their shares.

    Arguments:
        view: The map.
        codes: Of the way, shape (T, D).
        at: Which of them are the stops.
        homes: Where the stops lie on the map, shape (K, 2).
    """
    xy = view.projection.forward(codes).astype(np.float64)
    off = homes - xy[at]
    steps = np.arange(len(codes))
    moved: Floats = (xy + np.stack([np.interp(steps, at, side) for side in off.T], axis=1)).astype(np.float32)
    return moved
