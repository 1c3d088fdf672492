"""How long a training will take: a step of an untrained model, timed on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch

from explorer.catalogue.architecture import untrained

__all__ = ["in_words", "map_seconds", "seconds_a_step"]

NUMBERS_AT_ONCE, IMAGES_AT_LEAST = 1 << 15, 8  # pixels of a timed batch; the rest of a larger one is reckoned
START = 6.0  # s until the first step: Python, torch, the data
MAP, MAP_IMAGE = 16.0, 0.004  # s to import UMAP and start, and for each image; measured on two shared cores
MOST = 1 << 26  # weights of a model that is timed
FRAMES = 20  # of a sequence, where a model takes sequences


def seconds_a_step(key: str, config: Mapping[str, Any], batch: int) -> float | None:
    """Seconds of one training step on one core; None for a model too large to be tried out.

    Arguments:
        key: Of `models.MODELS`.
        config: Of the model, with its `image_shape`.
        batch: Images a step, or sequences of `FRAMES` images.

    Raises:
        ValueError: If there is no such model, or a setting does not hold.
    """
    model = untrained(key, config).train()
    if sum(p.numel() for p in model.parameters()) > MOST:
        return None
    shape = (FRAMES, *model.image_shape) if model.spec.sequence else model.image_shape
    count = min(batch, max(IMAGES_AT_LEAST, NUMBERS_AT_ONCE // math.prod(shape)))
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, *shape, generator=generator)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    best = math.inf
    for _ in range(2):  # the first one also prepares
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        model.loss(images, generator=generator).total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        best = min(best, time.perf_counter() - began)
    return best * batch / count


def map_seconds(images: int, latent: int) -> float:
    """Seconds to encode images and lay out their map; two dimensions are their own map."""
    return START + (MAP + MAP_IMAGE * images if latent > 2 else 0.0)


def in_words(seconds: float) -> str:
    """A duration as one says it: "8 s", "2 min", "1 h 20 min"."""
    if seconds < 95:
        return f"{max(1, round(seconds)):d} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
