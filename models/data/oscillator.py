r"""Oscillator: a bead on a spring, in one dimension, with noisy observations.

    p_t = amplitude * cos(phase + 2 pi t / period),        seen_t = p_t + noise * eps_t,  eps_t ~ N(0, 1)

A frame shows the bead as a soft spot, seen_t pixels to the right of the centre. One frame gives the approximate position
of the bead, but not its velocity, which must be inferred from the earlier, noisy frames. The state is a point of the
phase plane, position and velocity.

Sequence i depends only on (seed, split, i):

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
SIZE = 16  # side of a frame, pixels
RADIUS = 1.2  # standard deviation of the spot, pixels
FAINT = 0.05  # threshold of a spot, as a share of the brightest pixel; it is subtracted
AMPLITUDES = (1.0, 4.5)  # pixels
COUNTS = {"train": 50_000, "validation": 5_000, "test": 5_000}
NUMBERS = (
    8  # uniform numbers per sequence; more than are used, so that a new factor does not change the others
)
FACTORS, NOISE = range(2)  # streams of random numbers

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
    """Loads oscillators of one frequency; frames are generated on demand.

    Arguments:
        split: "train" (50,000), "validation" or "test" (5,000 each); each has its own stream of random numbers.
        limit: Largest number of sequences; None for all.
        frames: T, frames per sequence.
        noise: Standard deviation of the observed position, in pixels, 0 to 4.
        period: Period in frames, 4 to 200.
        seed: Non-negative integer; another seed gives other amplitudes, phases and noise.

    Returns:
        Sequences with the attributes amplitude (pixels), and position (pixels from the centre) and velocity (pixels
        per frame) in the last frame: the state that a model has to infer.

    Raises:
        ValueError: If an argument is invalid.
    """
    check_frames(frames)
    check_number("noise", noise, 0, 4)
    check_number("period", period, 4, 200)
    check_integer("seed", seed, 0)
    number = min(limit or COUNTS[split], COUNTS[split])
    amplitude, phase = sample_factors(split, number, seed)
    turn, key = 2 * np.pi / period, (seed, STREAMS[split])

    def make(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        path = positions_over_time(amplitude[rows], phase[rows], frames, period)
        return spots(path + noise * jitter(rows, frames, key))

    last = phase + turn * (frames - 1)
    factors = {
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
            name: Attribute(name, "continuous", values.astype(np.float32)) for name, values in factors.items()
        },
        ids=np.arange(number, dtype=np.int64),
        publishable=True,
        licence="MIT",
        source="Drawn by Latent Explorer (models/data/oscillator.py)",
    )


def positions(data: SequenceData, period: float = PERIOD) -> Floats:
    """Computes the true position of the bead in each frame, in pixels to the right of the centre, (N, T).

    Arguments:
        data: Oscillators.
        period: Their period, in frames.

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
    return np.asarray(position * np.cos(angles) + velocity / turn * np.sin(angles))


def spot_positions(pictures: NDArray[np.uint8]) -> Floats:
    """Estimates the position of the bead in pictures (..., H, W, C), in pixels to the right of the centre.

    The estimate is the centroid of the bright pixels; 0 for a black picture.
    """
    light = pictures.astype(float)
    spot = np.maximum(light - FAINT * light.max((-3, -2, -1), keepdims=True), 0)
    weights = spot.sum((-3, -1))  # of each column
    return np.asarray((weights * columns(pictures.shape[-2])).sum(-1) / np.maximum(weights.sum(-1), 1))


def sample_factors(split: str, count: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Draws amplitude (pixels) and phase (radians) of the first sequences of a split, (count,) each, float32."""
    key = np.random.SeedSequence((seed, STREAMS[split], FACTORS))
    uniform = np.random.Generator(np.random.Philox(key)).random((count, NUMBERS))
    low, high = AMPLITUDES
    amplitude, phase = low + (high - low) * uniform[:, 0], 2 * np.pi * uniform[:, 1]
    return amplitude.astype(np.float32).astype(float), phase.astype(np.float32).astype(float)


def positions_over_time(amplitude: Floats, phase: Floats, frames: int, period: float) -> Floats:
    """Computes the positions (N, T) of beads with amplitudes and phases (N,)."""
    angles = phase[:, None] + 2 * np.pi / period * np.arange(frames)
    return np.asarray(amplitude[:, None] * np.cos(angles))


def jitter(rows: NDArray[np.int64], frames: int, key: tuple[int, int]) -> Floats:
    """Draws standard normal noise (N, T), which depends only on the row."""
    seeds = (np.random.SeedSequence((*key, NOISE, int(row))) for row in rows)
    return np.stack([np.random.Generator(np.random.Philox(seed)).standard_normal(frames) for seed in seeds])


def spots(path: Floats) -> NDArray[np.uint8]:
    """Draws beads at positions (N, T): uint8 (N, T, SIZE, SIZE, 1)."""
    offset = columns(SIZE)
    across = np.exp(-0.5 * ((offset - path[..., None]) / RADIUS) ** 2)
    down = np.exp(-0.5 * (offset / RADIUS) ** 2)
    levels = np.rint(255 * across[..., None, :] * down[:, None])
    return np.asarray(levels[..., None], np.uint8)


def columns(width: int) -> Floats:
    """Returns the distance of each column to the right of the centre of the picture, in pixels, (W,)."""
    return np.asarray(np.arange(width, dtype=float) - (width - 1) / 2)
