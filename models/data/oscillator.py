r"""Oscillator: a bead that swings on a spring, one-dimensional, seen through noise.

    p_t = amplitude * cos(phase + 2 pi t / period),        seen_t = p_t + noise * eps_t,  eps_t ~ N(0, 1)

A frame shows the bead as a soft spot, seen_t pixels to the right of the middle. One frame says roughly where the bead
is and nothing of where it goes: that is in the frames before, and they are noisy too. Its state is a point of the
phase plane, position and velocity.

Sequence i depends on (seed, split, i) alone:

    data = load_oscillator("test", limit=100)
    frames = data.frames([7])     # uint8 (1, 40, 16, 16, 1)
    positions(data)[7]            # (40,), where the bead is, in pixels from the middle
    spot_positions(frames)[0]     # (40,), where each frame shows it

References:
    | Temporal Difference Variational Auto-Encoder (Gregor et al., 2019), the noisy harmonic oscillator
    | https://arxiv.org/abs/1806.03107
"""

from __future__ import annotations

__all__ = ["PERIOD", "load_oscillator", "positions", "spot_positions"]

import numpy as np
from numpy.typing import NDArray

from models.data.base import STREAMS, Attribute, check_integer
from models.data.sequences import SequenceData, check_frames, check_number

PERIOD = 20.0  # frames
SIZE = 16  # of a frame, pixels
RADIUS = 1.2  # standard deviation of the spot, pixels
FAINT = 0.05  # share of the brightest pixel, taken off: what is fainter is no part of a spot
AMPLITUDES = (1.0, 4.5)  # pixels
COUNTS = {"train": 50_000, "test": 5_000}
NUMBERS = 8  # uniform numbers a sequence; more than are used, so that a new factor moves no old one
FACTORS, NOISE = range(2)  # the streams of randomness

Floats = NDArray[np.float64]


def load_oscillator(
    split: str = "train",
    limit: int | None = None,
    *,
    frames: int = 40,
    noise: float = 0.8,
    period: float = PERIOD,
    seed: int = 0,
) -> SequenceData:
    """Oscillators of one frequency; no frame is made before it is asked for.

    Arguments:
        split: "train" (50,000) or "test" (5,000); each has its own stream of random numbers.
        limit: Load only the first so many sequences; None for all.
        frames: T, of a sequence.
        noise: Standard deviation of where a frame shows the bead, in pixels, 0 to 4.
        period: Frames until the bead is back, 4 to 200.
        seed: Non-negative integer; another seed gives other amplitudes, phases and noise.

    Returns:
        Sequences with the attributes amplitude (pixels), and position (pixels from the middle) and velocity (pixels
        a frame) in the last frame: the state that a model has to find.

    Raises:
        ValueError: If an argument breaks its rule.
    """
    check_frames(frames)
    check_number("noise", noise, 0, 4)
    check_number("period", period, 4, 200)
    check_integer("seed", seed, 0)
    number = min(limit or COUNTS[split], COUNTS[split])
    amplitude, phase = sample_factors(split, number, seed)
    turn, key = 2 * np.pi / period, (seed, STREAMS[split])

    def make(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        path = swung(amplitude[rows], phase[rows], frames, period)
        return spots(path + noise * jitter(rows, frames, key))

    last = phase + turn * (frames - 1)
    found = {
        "amplitude": amplitude,
        "position": amplitude * np.cos(last),
        "velocity": -turn * amplitude * np.sin(last),
    }
    return SequenceData(
        name="oscillator",
        split=split,
        make=make,
        shape=(frames, SIZE, SIZE, 1),
        attributes={
            name: Attribute(name, "continuous", values.astype(np.float32)) for name, values in found.items()
        },
        ids=np.arange(number, dtype=np.int64),
        publishable=True,
        licence="MIT",
        source="Drawn by Latent Explorer (models/data/oscillator.py)",
    )


def positions(data: SequenceData, period: float = PERIOD) -> Floats:
    """Where the bead is in each frame, without the noise: pixels to the right of the middle, (N, T).

    Arguments:
        data: Oscillators.
        period: That they were made with, in frames.

    Raises:
        ValueError: If `data` is another data set.
    """
    if data.name != "oscillator":
        raise ValueError(f"`data` must be the data set 'oscillator'. Got {data.name!r}.")
    turn = 2 * np.pi / period
    position, velocity = (
        data.attributes[name].values.astype(float)[:, None] for name in ("position", "velocity")
    )
    angles = turn * (np.arange(data.length) - (data.length - 1))  # from the last frame back
    path: Floats = position * np.cos(angles) + velocity / turn * np.sin(angles)
    return path


def spot_positions(pictures: NDArray[np.uint8]) -> Floats:
    """Where pictures (..., H, W, C) show the bead: the centre of what is bright, pixels to the right of the middle.

    A picture that is black all over shows it in the middle.
    """
    light = pictures.astype(float)
    spot = np.maximum(light - FAINT * light.max((-3, -2, -1), keepdims=True), 0)
    weights = spot.sum((-3, -1))  # of each column
    found: Floats = (weights * columns(pictures.shape[-2])).sum(-1) / np.maximum(weights.sum(-1), 1)
    return found


def sample_factors(split: str, count: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Amplitude (pixels) and phase (radians) of the first sequences of a split, each (count,), in single precision."""
    key = np.random.SeedSequence((seed, STREAMS[split], FACTORS))
    uniform = np.random.Generator(np.random.Philox(key)).random((count, NUMBERS))
    low, high = AMPLITUDES
    amplitude, phase = low + (high - low) * uniform[:, 0], 2 * np.pi * uniform[:, 1]
    return amplitude.astype(np.float32).astype(float), phase.astype(np.float32).astype(float)


def swung(amplitude: Floats, phase: Floats, frames: int, period: float) -> Floats:
    """The positions (N, T) of beads with amplitudes and phases (N,)."""
    path: Floats = amplitude[:, None] * np.cos(phase[:, None] + 2 * np.pi / period * np.arange(frames))
    return path


def jitter(rows: NDArray[np.int64], frames: int, key: tuple[int, int]) -> Floats:
    """Standard normal noise (N, T); that of a row is its own."""
    own = (np.random.SeedSequence((*key, NOISE, int(row))) for row in rows)
    return np.stack([np.random.Generator(np.random.Philox(each)).standard_normal(frames) for each in own])


def spots(path: Floats) -> NDArray[np.uint8]:
    """Pictures of beads at positions (N, T), uint8 (N, T, SIZE, SIZE, 1)."""
    away = columns(SIZE)
    across = np.exp(-0.5 * ((away - path[..., None]) / RADIUS) ** 2)
    down = np.exp(-0.5 * (away / RADIUS) ** 2)
    levels = np.rint(255 * across[..., None, :] * down[:, None])
    pictures: NDArray[np.uint8] = levels[..., None].astype(np.uint8)
    return pictures


def columns(width: int) -> Floats:
    """How far the middle of each column is to the right of the middle of the picture, in pixels, (W,)."""
    away: Floats = np.arange(width, dtype=float) - (width - 1) / 2
    return away
