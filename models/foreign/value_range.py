"""The values that a model from elsewhere takes for pixels: range and channel order, and how they are measured.

Pictures are float32 (N, C, H, W) in [0, 1] with the channels red, green, blue outside of the model.
"""

from __future__ import annotations

__all__ = [
    "CHANNELS",
    "PSNR_AT_LEAST",
    "RANGES",
    "Candidate",
    "from_model",
    "guess_range",
    "measure",
    "reconstruct",
    "to_model",
]

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

RANGES = ("unit", "signed", "imagenet")  # [0, 1], [-1, 1], mean and standard deviation of ImageNet
CHANNELS = ("rgb", "bgr")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and standard deviation of red, green, blue
PSNR_AT_LEAST = 20.0  # dB; below, a model does not fit the pictures, or its value range is another
EXACT = 1e-10  # squared error per pixel that counts as 0, as in models/evaluation/reconstruction.py
SECONDS = 60.0  # of measuring
FEWEST = 8  # pictures that are measured however long it takes
TOLERANCE = 0.05  # by which values may leave their range


@dataclass(frozen=True)
class Candidate:
    """One way of giving pictures to a model and reading its pictures, with its result."""

    input_range: str  # of `RANGES`
    output_range: str
    channels: str  # of `CHANNELS`
    scaling: float  # of the latents between encoder and decoder
    psnr: float = 0.0  # dB, mean over the pictures
    pictures: int = 0  # measured


def to_model(x: Array, kind: str, channels: str) -> Array:
    """Converts pictures in [0, 1] to the values that a model takes."""
    shift, scale = _shift_and_scale(kind, x.shape[1])
    return np.ascontiguousarray(_ordered((x - shift) / scale, channels), np.float32)


def from_model(y: Array, kind: str, channels: str) -> Array:
    """Converts the pictures of a model to [0, 1]; values outside are clipped, NaN is black."""
    x = _ordered(y, channels)
    shift, scale = _shift_and_scale(kind, x.shape[1])
    pixels: Array = np.clip(np.nan_to_num(x * scale + shift), 0, 1).astype(np.float32)
    return pixels


def measure(
    encode: Callable[[Array], Array],
    decode: Callable[[Array], Array],
    pictures: Array,
    *,
    ranges: Sequence[str] = RANGES,
    channels: Sequence[str] = CHANNELS,
    scalings: Sequence[float] = (1.0,),
    seconds: float = SECONDS,
) -> list[Candidate]:
    """Encodes and decodes pictures under each candidate.

    Arguments:
        encode: From the values of a model to latents.
        decode: From latents to the values of a model.
        pictures: In [0, 1], shape (N, C, H, W).
        ranges: Candidates for the range of the inputs and that of the outputs.
        channels: Candidates for the order of the channels; grey pictures have one.
        scalings: Factors of the latents between `encode` and `decode`.
        seconds: Time after which fewer pictures are measured, at least 8.

    Returns:
        The candidates, best PSNR first; the first of equal ones is the simplest.

    Raises:
        ValueError: If the model gives no finite values under any candidate.
    """
    orders = channels if pictures.shape[1] >= 3 else channels[:1]
    ways = [(kind, order, scaling) for order in orders for kind in ranges for scaling in scalings]
    chosen = pictures[: _affordable(encode, decode, pictures, len(ways), seconds)]
    found = []
    for kind, order, scaling in ways:
        decoded = decode(np.float32(scaling) * encode(to_model(chosen, kind, order)))
        if not np.isfinite(decoded).all():
            continue
        for back in ranges:
            error = np.square(from_model(decoded, back, order) - chosen).mean((1, 2, 3), np.float64)
            psnr = float(-10 * np.log10(np.maximum(error, EXACT)).mean())
            found.append(Candidate(kind, back, order, scaling, round(psnr, 2), len(chosen)))
    if not found:
        raise ValueError(
            "The model gives no finite pictures under any value range. Check its export with ONNX Runtime."
        )
    return sorted(found, key=lambda each: (-each.psnr, each.input_range != each.output_range))


def reconstruct(
    encode: Callable[[Array], Array], decode: Callable[[Array], Array], pictures: Array, way: Candidate
) -> Array:
    """Encodes and decodes pictures in [0, 1], shape (N, C, H, W), under a candidate; returns them in [0, 1]."""
    z = encode(to_model(pictures, way.input_range, way.channels))
    return from_model(decode(np.float32(way.scaling) * z), way.output_range, way.channels)


def guess_range(decoded: Array) -> str:
    """Returns the range that the values of decoded pictures suggest; a decoder alone has no PSNR to choose by."""
    low, high = (float(value) for value in np.nanquantile(decoded, (0.001, 0.999)))
    if low >= -TOLERANCE and high <= 1 + TOLERANCE:
        return "unit"
    return "signed" if low >= -1 - TOLERANCE and high <= 1 + TOLERANCE else "imagenet"


def _affordable(
    encode: Callable[[Array], Array],
    decode: Callable[[Array], Array],
    pictures: Array,
    ways: int,
    seconds: float,
) -> int:
    """Returns how many pictures can be measured in time."""
    begun = time.perf_counter()
    decode(encode(pictures[:1]))
    one = time.perf_counter() - begun
    return min(len(pictures), max(FEWEST, int(seconds / max(one * ways, 1e-9))))


def _shift_and_scale(kind: str, channels: int) -> tuple[Array, Array]:
    """Returns shift and scale of each channel, shape (C, 1, 1): pixel = scale * value + shift."""
    if kind == "unit":
        shift, scale = np.zeros(channels), np.ones(channels)
    elif kind == "signed":
        shift, scale = np.full(channels, 0.5), np.full(channels, 0.5)
    else:
        shift, scale = (np.resize(np.array(each), channels) for each in IMAGENET)
        if channels == 1:
            shift, scale = (np.array([np.mean(each)]) for each in IMAGENET)
        elif channels == 4:
            shift[3], scale[3] = 0.0, 1.0
    return tuple(each.astype(np.float32)[:, None, None] for each in (shift, scale))  # type: ignore[return-value]


def _ordered(x: Array, channels: str) -> Array:
    """Exchanges red and blue if the order is "bgr"; transparency stays last."""
    if channels == "rgb" or x.shape[1] < 3:
        return x
    return x[:, [2, 1, 0, *range(3, x.shape[1])]]
