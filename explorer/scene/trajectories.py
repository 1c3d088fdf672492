"""Paths through several latents of a model: their latents, pictures, lengths, and how far they lie from the data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.inference.compiled import levels
from explorer.latent.geometry.energy import length, speeds
from explorer.latent.geometry.paths import PATHS, fractions
from explorer.latent.geometry.splines import piecewise, smooth
from explorer.scene.geodesics import USUAL, off_data
from explorer.scene.loaded import Loaded
from explorer.scene.view import View

__all__ = ["DENSE", "KINDS", "Measured", "at_stops", "measure", "on_map", "way"]

Floats = NDArray[np.float32]

DENSE = 65  # codes of a way that is measured; its frames are some of them
KINDS = ("straight", "great-circle", "smooth")  # what is known at once
BATCH = 16  # decodes at once


class Measured(NamedTuple):
    """A path of T latents, decoded and measured."""

    pictures: NDArray[np.uint8]  # (T, H, W, C)
    length: float  # of the decoded path: Euclidean distances of pictures, pixels in [0, 1]
    penalised: float  # the length with the penalty off the data, which a geodesic minimises; same unit
    beyond: (
        float | None
    )  # share of the length where the penalty counts: above the percentile 100 * `geodesic.USUAL`
    percentile: NDArray[np.float64] | None
    # (T,), of the data's own distances to their 10th neighbour, 0 to 100; both None where the model has no gauge


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
def measure(loaded: Loaded, codes: Floats, strength: float = 0.0) -> Measured:
    """Decodes a path once and measures it.

    Arguments:
        loaded: The model.
        codes: Latents of the path, shape (T, D).
        strength: Of the penalty off the data, as `explorer.jobs.geodesic` has it.

    Raises:
        ValueError: If the latents have another D or are not finite, or `strength` is out of range.
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
    factor = off_data(loaded.atlas.mean, loaded.atlas.neighbour_distance, strength)(torch.from_numpy(codes))
    steps = speeds(x.numpy())
    beyond = None
    if percentile is not None:
        off = (percentile[1:] + percentile[:-1]) / 2 > 100 * USUAL
        beyond = float(steps[off].sum() / max(steps.sum(), 1e-12))
    return Measured(pictures, float(steps.sum()), length(x.numpy(), factor.numpy()), beyond, percentile)


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
