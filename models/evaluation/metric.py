"""A metric: one measured number with its unit and protocol, and how metrics are printed."""

from __future__ import annotations

import math
from typing import Any

from models.base import Autoencoder
from models.data import ImageData

__all__ = ["Metrics", "metric", "table"]

SEED = 0
PIXELS = (
    1 << 31
)  # added to the seed of drawn pixels, so that they do not share random numbers with draws of z
Metrics = dict[str, dict[str, Any]]


def describe_images(data: ImageData) -> str:
    """The images of a metric, for its protocol."""
    return f"{data.name} {data.split}, {len(data)} images"


def describe_pixels(model: Autoencoder) -> str:
    """The kind of pixels, for a protocol."""
    likelihood = getattr(model, "likelihood", model)
    return getattr(likelihood, "pixels", "grey pixels")


def metric(value: Any, unit: str, protocol: str) -> dict[str, Any]:
    """One metric with its unit and how it was measured.

    Raises:
        ValueError: If the value is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(
            f"A metric must be finite. Got {value} ({protocol}): the model's output is not finite."
        )
    return {"value": round(float(value), 6), "unit": unit, "protocol": protocol}


def table(metrics: Metrics) -> str:
    """Metrics as aligned lines for a terminal."""
    width = max(len(name) for name in metrics)
    return "\n".join(
        f"{name:{width}}  {m['value']:12.4f}  {m['unit']:20}  {m['protocol']}"
        + (f", standard error over images {m['error']:.3g}" if "error" in m else "")
        for name, m in metrics.items()
    )
