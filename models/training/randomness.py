"""The randomness of a run: each use has a stream of its own, seeded by the run's seed and an index alone.

The index is the step, the epoch or 0, so a resumed run draws what an uninterrupted one draws.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch

__all__ = ["Stream", "seed_of", "seeded"]


class Stream(IntEnum):
    """What the numbers of a stream decide."""

    ORDER = 0  # of the images in an epoch
    NOISE = 1  # of a step
    START = 2  # the first weights
    AUGMENT = 3  # the augmentation of a step
    HELD_OUT = 4  # which training images are held out for validation
    CHECKED = 5  # which validation images are measured, and with which noise
    PREVIEW = 6  # the latents of the preview's samples


def seed_of(seed: int, stream: Stream, index: int = 0) -> int:
    """A 63-bit seed for one place of one stream."""
    return int(np.random.SeedSequence([seed, int(stream), index]).generate_state(1, np.uint64)[0] >> 1)


def seeded(generator: torch.Generator, seed: int, stream: Stream, index: int = 0) -> torch.Generator:
    """The generator, at the beginning of one place of one stream."""
    return generator.manual_seed(seed_of(seed, stream, index))
