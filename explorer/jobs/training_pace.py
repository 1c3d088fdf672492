"""Times a few training steps in a job, so that a page can estimate the training time on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.jobs.runner import Report

__all__ = ["PaceRequest", "measure_pace"]


@dataclass(frozen=True)
class PaceRequest:
    """The model to time."""

    model: str  # a key of `models.MODELS`
    config: dict[str, Any]  # configuration of the model, with its `image_shape`
    batch: int  # images per step


def measure_pace(request: PaceRequest, report: Report) -> dict[str, Any]:
    """The job: seconds per step on one core; None for a model too large to time.

    Raises:
        ValueError: If there is no such model, or a setting is invalid.
    """
    from explorer.catalogue.training_time import seconds_a_step

    report(0.0, "Timing a few steps")
    return {"seconds": seconds_a_step(request.model, request.config, request.batch)}
