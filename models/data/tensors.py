"""Converts images to tensors for models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["chunks", "to_tensor"]

BATCH = 256


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Converts images uint8 (N, H, W, C) to float (N, C, H, W) in [0, 1]."""
    return torch.tensor(np.asarray(images)).permute(0, 3, 1, 2).float() / 255


def chunks(images: NDArray[np.uint8]) -> Iterator[Tensor]:
    """Yields consecutive batches of uint8 images as float tensors."""
    for start in range(0, len(images), BATCH):
        yield to_tensor(images[start : start + BATCH])
