"""A job: computes the geodesic through several latents of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from explorer.atlas.storage import load_atlas
from explorer.jobs.runner import Report
from explorer.scene.geodesics import POINTS, STRENGTH, Floats, evenly, geodesics, off_data
from explorer.scene.loaded import neighbours_of
from models import checkpoint

__all__ = ["Request", "find"]

STOPS_AT_MOST = 12


@dataclass(frozen=True, eq=False)
class Request:
    """The checkpoint, the waypoints and the penalty."""

    model: str  # name or folder of a checkpoint
    stops: Floats  # waypoints in order, (K, D)
    strength: float = STRENGTH  # penalty on points farther from the data than the 90th percentile; 0 for none

    def __post_init__(self) -> None:
        if self.stops.ndim != 2 or self.stops.dtype != np.float32 or not np.isfinite(self.stops).all():
            raise ValueError(
                f"`stops` must be finite float32 latents, (K, D). Got {self.stops.dtype} {self.stops.shape}."
            )
        if not 2 <= len(self.stops) <= STOPS_AT_MOST:
            raise ValueError(f"`stops` must be 2 to {STOPS_AT_MOST} latents. Got {len(self.stops)}.")


def find(request: Request, report: Report) -> dict[str, Any]:
    """The curve of least energy through the stops.

    Returns:
        `latents` of the path, evenly spaced in decoded length, float32, (POINTS, D); `rounds` of the
        optimiser;
            `energy`.

    Raises:
        ValueError: If the model has discrete codes, the stops are not of its size, or the strength is out of
            range.
    """
    report(0.0, "Opening the model")
    entry = checkpoint.read(request.model)
    atlas = load_atlas(entry)
    model: Any = checkpoint.load(entry.path).eval().requires_grad_(False)
    if model.spec.discrete:
        raise ValueError(f"{request.model} has discrete codes, and no curve connects those.")
    if request.stops.shape[1] != model.spec.size:
        raise ValueError(
            f"`stops` must be latents of {model.spec.size} numbers each. Got {request.stops.shape[1]}."
        )
    stops = torch.tensor(request.stops)

    def decode(z: Tensor) -> Tensor:
        return cast("Tensor", model.decode(z.reshape(-1, *model.spec.shape)))

    weight = off_data(neighbours_of(atlas, model.spec.has_distance_gauge), request.strength)
    result = geodesics(decode, stops[:-1], stops[1:], weight=weight, report=report)
    path = evenly(decode, result.latents, POINTS)
    return {"latents": path, "rounds": result.rounds, "energy": float(result.energy.sum())}
