"""A model on its device: latents to pixels, and pixels to latents."""

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
WARM = (1, 2, 4, 6)  # batch sizes decoded once in advance, so that the first drag is fast


def choose_workers(device: torch.device) -> int:
    """Number of concurrent decodes: one on a GPU; otherwise one per usable core, at most 8.

    OMP_NUM_THREADS limits it too.
    """
    if device.type != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    named = os.environ.get("OMP_NUM_THREADS", "")
    if named.isdecimal() and int(named) > 0:
        cores = min(cores, int(named))
    return max(1, min(cores, WORKERS_AT_MOST))


class Decoder:
    """Decodes batches of latents to 8-bit pictures."""

    def __init__(self, model: Autoencoder, device: torch.device) -> None:
        """Moves `model` to `device` for inference, in channels-last memory format."""
        self.model = model.to(device).eval().requires_grad_(False)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device = device
        self.latent = model.spec.size
        self.shape = model.image_shape  # (C, H, W)
        self.nbytes = model.nbytes  # of the weights, and of the compiled decoder
        self._pixels: Callable[[NDArray[np.float32]], NDArray[np.uint8]] = self._torch
        self._warm(self._pixels)

    def compile(self) -> None:
        """Switches to the ONNX decoder on a CPU if the model can be exported; takes a second.

        Pictures are identical up to one grey level where rounding is a tie.
        """
        if self.device.type != "cpu" or not self.model.exportable:
            return
        try:
            faster = compiled(self.model)
            self._warm(faster)
        except Exception as error:  # export can fail in many ways; fall back to torch
            LOG.warning("%s decodes with torch: %s", type(self.model).__name__, error)
            return
        self._pixels = faster
        self.nbytes += faster.nbytes

    def _warm(self, pixels: Callable[[NDArray[np.float32]], NDArray[np.uint8]]) -> None:
        for count in WARM if self.model.exportable else WARM[:1]:  # ONNX files are ready, and may be slow
            pixels(np.zeros((count, self.latent), np.float32))

    @torch.inference_mode()
    def _torch(self, z: NDArray[np.float32]) -> NDArray[np.uint8]:
        latents = torch.from_numpy(z).to(self.device)
        x = self.model.decode(latents.reshape(-1, *self.model.spec.shape))
        return levels(x).contiguous().cpu().numpy()

    def __call__(self, z: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Decodes latents.

        Arguments:
            z: Latents, float32, shape (M, D).

        Returns:
            Pictures, uint8, shape (M, H, W, C), contiguous; rounded to the nearest level, NaN becomes black.

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
    std: NDArray[np.float32] | None  # (M, D), same unit; None for a deterministic encoder


class Encoder:
    """Encodes batches of 8-bit pictures, with the model of a decoder."""

    def __init__(self, decoder: Decoder) -> None:
        """Shares the decoder's model without copying it."""
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
            ValueError: If `pictures` has another shape or type.
        """
        channels, height, width = self.shape
        if pictures.shape[1:] != (height, width, channels) or pictures.dtype != np.uint8:
            raise ValueError(
                f"`pictures` must be uint8 of the shape (M, {height}, {width}, {channels}). "
                f"Got {pictures.dtype} {pictures.shape}."
            )
        if len(pictures) == 0:
            return Codes(np.empty((0, self.latent), np.float32), None)
        # (M, H, W, C) in memory, viewed as (M, C, H, W), is already channels last.
        x = torch.tensor(pictures).to(self.device).permute(0, 3, 1, 2).float().div_(255)
        posterior = self.model.encode(x[:, None] if self.model.spec.sequence else x)
        mean = posterior.mean.flatten(1).cpu().numpy()
        std = None if posterior.std is None else posterior.std.flatten(1).cpu().numpy()
        return Codes(mean, std)
