"""The picture shown by every peer: the decoder, a walk between two latents, and the slider's steps.

The benchmark passes the checkpoint and the latents in environment variables; the decoder is the explorer's own, on one
thread, as the explorer uses for a single picture.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.inference.decoder import Decoder
from models import load
from models.system import settings

__all__ = ["CODES", "MODEL", "START", "STEP", "picture", "text"]

MODEL, CODES = "LATENT_BENCH_MODEL", "LATENT_BENCH_CODES"  # a checkpoint folder, a .npy file of shape (2, D)
STEP = 0.005  # of the walk; the slider goes from 0 to 1
START = 0.3


@cache
def _decoder() -> Decoder:
    device = settings.device()
    return Decoder(load(Path(os.environ[MODEL])), device)


@cache
def _codes() -> NDArray[np.float32]:
    return np.asarray(np.load(os.environ[CODES]))


def picture(t: float) -> NDArray[np.uint8]:
    """The picture at a fraction `t` of the walk, shape (H, W, 3) or (H, W)."""
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    a, b = _codes()
    pixels = _decoder()((a + np.float32(t) * (b - a))[None])[0]
    return np.asarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def text(t: float) -> str:
    """The label of a picture, from which the measurement reads the slider's value."""
    return f"{t:.3f}"
