"""Paths through several latents of a model: latents, pictures, lengths, and distance from the data."""

from __future__ import annotations

from typing import NamedTuple, cast

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

__all__ = ["DENSE", "KINDS", "Measured", "at_stops", "measure", "on_map", "path_through"]

Floats = NDArray[np.float32]

DENSE = 65  # latents of a measured path; its frames are a subset
KINDS = ("straight", "great-circle", "smooth")  # computed without a job
BATCH = 16  # latents decoded at once


class Measured(NamedTuple):
    """A path of T latents, decoded and measured."""

    pictures: NDArray[np.uint8]  # (T, H, W, C)
    length: float  # of the decoded path: Euclidean distances of pictures, pixels in [0, 1]
    penalised: float  # length with the penalty far from the data, which a geodesic minimises; same unit
    # Share of the length above the percentile 100 * `geodesics.USUAL`, where the penalty applies.
    beyond: float | None
    # Percentiles of the gauge, (T,), 0 to 100; both None if the model has no gauge.
    percentile: NDArray[np.float64] | None


def path_through(kind: str, stops: Floats, count: int = DENSE) -> Floats:
    """Latents (count, D) of a path through all stops (K, D), with the first and the last exact.

    Arguments:
        kind: One of `KINDS`: "smooth" is one curve, the others connect consecutive stops.
        stops: At least two waypoints.
        count: Number of latents.

    Raises:
        ValueError: If the kind is unknown, or the stops are invalid.
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of: {', '.join(KINDS)}. Got {kind[:40]!r}.")
    t = fractions(count)
    return smooth(stops, t) if kind == "smooth" else piecewise(stops, t, PATHS[kind])


def at_stops(latents: Floats, stops: Floats) -> list[int]:
    """Indices of the path's latents closest to each stop, ascending, with the first and the last at the ends.

    Arguments:
        latents: Shape (T, D).
        stops: Shape (K, D), K at most T.
    """
    indices = [0]
    for number, stop in enumerate(stops[1:-1], start=1):
        room = latents[indices[-1] + 1 : len(latents) - (len(stops) - 1 - number)]
        indices.append(indices[-1] + 1 + int(np.linalg.norm(room - stop, axis=1).argmin()))
    return [*indices, len(latents) - 1]


@torch.inference_mode()
def measure(loaded: Loaded, latents: Floats, strength: float = 0.0) -> Measured:
    """Decodes a path once and measures it.

    Arguments:
        loaded: The model.
        latents: Latents of the path, shape (T, D).
        strength: Strength of the penalty, see `explorer.scene.geodesics.off_data`.

    Raises:
        ValueError: If the latents have another D or are not finite, or `strength` is out of range.
    """
    percentile = loaded.neighbours.query(latents).percentile
    decoder = loaded.decoder
    parts = [
        decoder.model.decode(
            torch.from_numpy(part).to(decoder.device).reshape(-1, *decoder.model.spec.shape)
        ).cpu()
        for part in np.array_split(np.ascontiguousarray(latents), -(-len(latents) // BATCH))
    ]
    x = torch.cat(parts)
    pictures: NDArray[np.uint8] = levels(x).contiguous().numpy()
    factor = off_data(loaded.neighbours, strength)(torch.from_numpy(latents))
    steps = speeds(x.numpy())
    beyond = None
    if percentile is not None:
        off = (percentile[1:] + percentile[:-1]) / 2 > 100 * USUAL
        beyond = float(steps[off].sum() / max(steps.sum(), 1e-12))
    return Measured(pictures, float(steps.sum()), length(x.numpy(), factor.numpy()), beyond, percentile)


def on_map(view: View, latents: Floats, at: list[int], homes: Floats) -> Floats:
    """Projects a path onto a map, shape (T, 2).

    A scatter map projects a latent to its neighbours' positions, slightly off the item's own position. The
    offsets at the stops are corrected, and interpolated between them.

    Arguments:
        view: The map.
        latents: Latents of the path, shape (T, D).
        at: Indices of the stops.
        homes: Map positions of the stops, shape (K, 2).
    """
    xy = view.projection.forward(latents).astype(np.float64)
    off = homes - xy[at]
    steps = np.arange(len(latents))
    return cast(
        "Floats", (xy + np.stack([np.interp(steps, at, side) for side in off.T], axis=1)).astype(np.float32)
    )
