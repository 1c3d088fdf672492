"""A model on its device: from latent codes to pixels, and from pixels to codes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.inference.compiled import compiled, levels
from models.base import Autoencoder

__all__ = ["Codes", "Decoder", "Encoder", "choose_workers"]

LOG = logging.getLogger(__name__)

WORKERS_AT_MOST = 8
WARM = (1, 2, 4, 6)  # batch sizes decoded once before they count, so that the first drag is quick


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
        self._pixels: Callable[[NDArray[np.float32]], NDArray[np.uint8]] = self._torch
        self._warm(self._pixels)

    def compile(self) -> None:
        """Puts a faster function in the place of torch's, on a CPU and if the model allows; takes a second.

        The pictures are the same, but for a level where a value lies on the edge of two.
        """
        if self.device.type != "cpu":
            return
        try:
            faster = compiled(self.model)
            self._warm(faster)
        except Exception as error:  # what an exporter may raise is without end, and torch is there
            LOG.warning("%s decodes with torch: %s", type(self.model).__name__, error)
            return
        self._pixels = faster

    def _warm(self, pixels: Callable[[NDArray[np.float32]], NDArray[np.uint8]]) -> None:
        for count in WARM:
            pixels(np.zeros((count, self.latent), np.float32))

    @torch.inference_mode()
    def _torch(self, z: NDArray[np.float32]) -> NDArray[np.uint8]:
        codes = torch.from_numpy(z).to(self.device)
        x = self.model.decode(codes.reshape(-1, *self.model.spec.shape))
        pixels: NDArray[np.uint8] = levels(x).contiguous().cpu().numpy()
        return pixels

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
        return self._pixels(np.ascontiguousarray(z, np.float32))


class Codes(NamedTuple):
    """The posteriors of M pictures."""

    mean: NDArray[np.float32]  # (M, D), in prior standard deviations
    std: NDArray[np.float32] | None  # (M, D), same unit; None for a deterministic code


class Encoder:
    """Encodes batches of 8-bit pictures, with the model that a decoder has put on its device."""

    def __init__(self, decoder: Decoder) -> None:
        """Shares the decoder's model; nothing is copied."""
        self.model = decoder.model
        self.device = decoder.device
        self.latent = decoder.latent
        self.shape = decoder.shape  # (C, H, W)

    @torch.inference_mode()
    def __call__(self, pictures: NDArray[np.uint8]) -> Codes:
        """Encodes pictures.

        Arguments:
            pictures: uint8, shape (M, H, W, C).

        Raises:
            ValueError: If `pictures` have another shape or type.
        """
        channels, height, width = self.shape
        if pictures.shape[1:] != (height, width, channels) or pictures.dtype != np.uint8:
            raise ValueError(
                f"`pictures` must be uint8 of the shape (M, {height}, {width}, {channels}). "
                f"Got {pictures.dtype} {pictures.shape}."
            )
        if len(pictures) == 0:
            return Codes(np.empty((0, self.latent), np.float32), None)
        # (M, H, W, C) in memory, seen as (M, C, H, W), is channels last already.
        x = torch.tensor(pictures).to(self.device).permute(0, 3, 1, 2).float().div_(255)
        posterior = self.model.encode(x[:, None] if self.model.spec.sequence else x)
        mean = posterior.mean.flatten(1).cpu().numpy()
        std = None if posterior.std is None else posterior.std.flatten(1).cpu().numpy()
        return Codes(mean, std)
