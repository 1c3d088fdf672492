"""The randomness of a run: each use has its own stream, seeded by the seed of the run and an index.

The index is the step, the epoch or 0, so a resumed run draws the same numbers as an uninterrupted one.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch

__all__ = ["Stream", "seed_of", "seeded"]


class Stream(IntEnum):
    """The use of a stream of random numbers."""

    ORDER = 0  # order of the images in an epoch
    NOISE = 1  # noise of a step
    START = 2  # initial weights
    AUGMENT = 3  # augmentation of a step
    HELD_OUT = 4  # choice of the training images that are held out for validation
    CHECKED = 5  # choice of the validation images that are measured, and their noise
    PREVIEW = 6  # latents of the samples in previews


def seed_of(seed: int, stream: Stream, index: int = 0) -> int:
    """Returns a 63-bit seed for an index of a stream."""
    return int(np.random.SeedSequence([seed, int(stream), index]).generate_state(1, np.uint64)[0] >> 1)


def seeded(generator: torch.Generator, seed: int, stream: Stream, index: int = 0) -> torch.Generator:
    """Seeds a generator for an index of a stream and returns it."""
    return generator.manual_seed(seed_of(seed, stream, index))
