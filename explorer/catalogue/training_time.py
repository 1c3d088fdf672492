"""Estimates the duration of a training by timing a step of an untrained model on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch

from explorer.catalogue.architecture import untrained

__all__ = ["in_words", "map_seconds", "seconds_a_step"]

NUMBERS_AT_ONCE, IMAGES_AT_LEAST = 1 << 15, 8  # pixels of a timed batch; larger ones are extrapolated
START = 6.0  # seconds until the first step: Python, torch, the data
MAP, MAP_IMAGE = 16.0, 0.004  # seconds to import and start UMAP, and per image; measured on two shared cores
MOST = 1 << 26  # largest number of weights of a model to time
FRAMES = 20  # frames of a sequence, for a sequence model


def seconds_a_step(key: str, config: Mapping[str, Any], batch: int) -> float | None:
    """Seconds per training step on one core; None for a model too large to time.

    Arguments:
        key: A key of `models.MODELS`.
        config: Configuration of the model, with its `image_shape`.
        batch: Images per step, or sequences of `FRAMES` images.

    Raises:
        ValueError: If there is no such model, or a setting is invalid.
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
    for _ in range(2):  # the first one is a warm-up
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        model.loss(images, generator=generator).total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        best = min(best, time.perf_counter() - began)
    return best * batch / count


def map_seconds(images: int, latent: int) -> float:
    """Seconds to encode images and fit their map; a two-dimensional latent needs no map."""
    return START + (MAP + MAP_IMAGE * images if latent > 2 else 0.0)


def in_words(seconds: float) -> str:
    """A duration as text: "8 s", "2 min", "1 h 20 min"."""
    if seconds < 95:
        return f"{max(1, round(seconds)):d} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
