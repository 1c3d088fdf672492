"""Times a few steps of a training in a job, so that a page can say how long it will take on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.jobs.runner import Report

__all__ = ["PaceRequest", "measure_pace"]


@dataclass(frozen=True)
class PaceRequest:
    """What would be trained."""

    model: str  # a key of `models.MODELS`
    config: dict[str, Any]  # of the model, with its `image_shape`
    batch: int  # images a step


def measure_pace(request: PaceRequest, report: Report) -> dict[str, Any]:
    """The job: seconds of a step on one core; None for a model too large to be tried out.

    Raises:
        ValueError: If there is no such model, or a setting does not hold.
    """
    from explorer.catalogue.training_time import seconds_a_step

    report(0.0, "Timing a few steps")
    return {"seconds": seconds_a_step(request.model, request.config, request.batch)}
