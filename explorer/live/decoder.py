"""A model on its device, from latent codes to pixels."""

from __future__ import annotations

import os

import numpy as np
import torch
from numpy.typing import NDArray

from models.base import Autoencoder

__all__ = ["Decoder", "choose_device", "choose_workers"]

WORKERS_AT_MOST = 8


def choose_device() -> torch.device:
    """LATENT_DEVICE where it is set, else CUDA, MPS or the CPU, whichever comes first.

    Raises:
        ValueError: If LATENT_DEVICE names no device of this machine.
    """
    named = os.environ.get("LATENT_DEVICE", "")
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if not named:
        return torch.device(next(kind for kind, usable in there.items() if usable))
    kind = named.partition(":")[0]
    if not there.get(kind, False):
        usable = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise ValueError(f"LATENT_DEVICE must be one of: {usable}. Got {named[:40]!r}.")
    try:
        return torch.device(named)
    except RuntimeError as error:
        raise ValueError(f"LATENT_DEVICE must name a device such as {kind}. Got {named[:40]!r}.") from error


def choose_workers(device: torch.device) -> int:
    """How many decodes run at once: one on a GPU; else a thread a usable core, at most 8.

    OMP_NUM_THREADS bounds them too.
    """
    if device.type != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    named = os.environ.get("OMP_NUM_THREADS", "")
    if named.isdecimal() and int(named) > 0:
        cores = min(cores, int(named))
    return max(1, min(cores, WORKERS_AT_MOST))


class Decoder:
    """Decodes batches of codes to 8-bit pictures."""

    def __init__(self, model: Autoencoder, device: torch.device) -> None:
        """Puts `model` on `device` for inference; convolutions run channels last."""
        self.model = model.to(device).eval().requires_grad_(False)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device = device
        self.latent = model.spec.size
        self.shape = model.image_shape  # (C, H, W)
        self.nbytes = sum(p.nbytes for p in (*model.parameters(), *model.buffers()))

    @torch.inference_mode()
    def __call__(self, z: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Decodes codes.

        Arguments:
            z: Codes, float32, shape (M, D).

        Returns:
            Pictures, uint8, shape (M, H, W, C), contiguous; rounded to the nearest level, NaN is
            black.

        Raises:
            ValueError: If `z` has another shape.
        """
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"`z` must have the shape (M, {self.latent}). Got {z.shape}.")
        if len(z) == 0:
            channels, height, width = self.shape
            return np.empty((0, height, width, channels), np.uint8)
        codes = torch.from_numpy(np.ascontiguousarray(z, np.float32)).to(self.device)
        x = self.model.decode(codes.reshape(-1, *self.model.spec.shape))
        levels = x.mul(255).nan_to_num_(0.0).round_().clamp_(0, 255).to(torch.uint8)
        pixels: NDArray[np.uint8] = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return pixels
