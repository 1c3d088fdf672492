r"""Beliefs of a sequence model after each frame, and the futures sampled from them.

b_t is the belief after t frames. States at time t and later are drawn by

    z_t ~ p_B(z|b_t),    z_{t+d} ~ p_T(z|z_t, d),    z_{t+2d} ~ p_T(z|z_{t+d}, d), ...

Noise depends on the seed alone, so each draw keeps its noise while t or d is dragged, and future i starts
from draw i of the current state. Frames are counted from 1: after t frames, frame t is the newest seen.

References:
    | Temporal Difference Variational Auto-Encoder (Gregor et al., 2019)
    | https://arxiv.org/abs/1806.03107
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.latent.statistics.beliefs import entropy, spread_of_mixture
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.scene.sequences import SequenceCollection
from models.evaluation.moving_digits import as_tensor
from models.protocols import as_sequence_model

__all__ = [
    "DRAWS",
    "Errors",
    "Followed",
    "Uncertainty",
    "believed",
    "direction_known",
    "errors",
    "expected",
    "follow",
    "futures",
    "longest_jump",
    "spread",
    "uncertainty",
]

Floats = NDArray[np.float64]
Latents = NDArray[np.float32]
Pictures = NDArray[np.uint8]

DRAWS = 32  # draws of a belief or a jump; a page shows the first ones
SPREAD_FULL = 510  # grey levels for a standard deviation of 1; values in [0, 1] have at most 0.5
BATCH = 64  # likelihoods evaluated at once


@dataclass(frozen=True, eq=False)
class Followed:
    """A sequence, and the model's belief after each of its frames."""

    number: int
    frames: Pictures  # (T, H, W, C)
    beliefs: Tensor  # (T, B)

    @property
    def length(self) -> int:
        """Number of frames, T."""
        return len(self.frames)


class Uncertainty(NamedTuple):
    """How uncertain the belief is after each frame."""

    top: Floats  # entropy of the top layer, nats, (T,)
    bottom: Floats  # entropy of the bottom layer given the top, nats, (T,)
    std: Floats  # of each dimension of the state, (T, D)


class Errors(NamedTuple):
    """Errors of sampled futures against the true one, up to its end: S samples, N steps."""

    frames: NDArray[np.int64]  # number of the frame that each step shows, (N,)
    squared: Floats  # mean squared error per pixel of the decoded picture, [0, 1], (S, N)
    nll: Floats  # -log p(x|z) of the true frame, nats, (S, N)
    still: Floats  # mean squared error of repeating the last seen frame, (N,)
    position: Floats | None  # distance of the moving object from its true position, pixels, (S, N)
    right: Floats | None  # 1 if it moved to the true side, else 0; NaN where sides are undefined


def longest_jump(loaded: Loaded) -> int:
    """The longest jump in training, frames."""
    model = as_sequence_model(loaded.decoder.model)
    return int(model.config.jump)


@torch.inference_mode()
def follow(loaded: Loaded, sequences: SequenceCollection, number: int) -> Followed:
    """Shows a sequence to the model.

    Raises:
        ValueError: If there is no such sequence, or its frames are not of the model's size.
    """
    model = as_sequence_model(loaded.decoder.model)
    frames = sequences.frames(number)
    seen = as_tensor(frames[None]).to(loaded.decoder.device)
    return Followed(number, frames, model.belief(seen)[0])


@torch.inference_mode()
def uncertainty(loaded: Loaded, followed: Followed, seed: int = 0) -> Uncertainty:
    """Uncertainty of the belief after each frame, from `DRAWS` draws of its top layer."""
    model = as_sequence_model(loaded.decoder.model)
    top = model.top_size
    rows = followed.beliefs.repeat_interleave(DRAWS, 0)
    _, beliefs = model.filter(rows, _generator(loaded, seed))
    mean, std = (
        part.view(followed.length, DRAWS, -1).transpose(0, 1).cpu().double().numpy()
        for part in (beliefs.mean, beliefs.std)
    )
    return Uncertainty(
        entropy(std[0, :, :top]), entropy(std[..., top:]).mean(0), spread_of_mixture(mean, std)
    )


@torch.inference_mode()
def expected(loaded: Loaded, followed: Followed) -> Latents:
    """The mean of the belief after each frame, layer by layer, (T, D)."""
    model = as_sequence_model(loaded.decoder.model)
    return _latents(model.filter(followed.beliefs, means=True)[0])


@torch.inference_mode()
def believed(loaded: Loaded, followed: Followed, seen: int, seed: int) -> Latents:
    """Draws of the state after `seen` frames, (DRAWS, D).

    Raises:
        ValueError: If the sequence has fewer frames.
    """
    return _latents(_now(loaded, followed, seen, _generator(loaded, seed)))


@torch.inference_mode()
def futures(loaded: Loaded, followed: Followed, seen: int, steps: int, length: int, seed: int) -> Latents:
    """Draws future states, jump by jump.

    Arguments:
        loaded: A sequence model.
        followed: The sequence and its beliefs.
        seen: Frames seen, 1 to T.
        steps: Number of jumps, at least 1.
        length: Frames per jump, 1 to `longest_jump`.
        seed: Seed of the noise; the current states are those of `believed`.

    Returns:
        Shape (DRAWS, steps, D); index i holds frame `seen` + (i + 1) * `length`.

    Raises:
        ValueError: If an argument is out of range.
    """
    if steps < 1:
        raise ValueError(f"`steps` must be at least 1. Got {steps}.")
    model = as_sequence_model(loaded.decoder.model)
    generator = _generator(loaded, seed)
    z = _now(loaded, followed, seen, generator)
    states = []
    for _ in range(steps):
        z, _ = model.jump(z, length, generator)
        states.append(z)
    return _latents(torch.stack(states, dim=1))


def spread(pictures: Pictures) -> Pictures:
    """Standard deviation per pixel over pictures (..., K, H, W, C), uint8 (..., H, W, C); 255 is 0.5."""
    return cast(
        "Pictures",
        np.round(pictures.std(-4, dtype=np.float32) * (SPREAD_FULL / 255)).clip(0, 255).astype(np.uint8),
    )


def errors(
    loaded: Loaded,
    sequences: SequenceCollection,
    followed: Followed,
    seen: int,
    steps: int,
    length: int,
    seed: int,
) -> Errors:
    """Errors of `DRAWS` sampled futures, up to the end of the sequence.

    Arguments:
        loaded: A sequence model.
        sequences: The data set of the sequence.
        followed: The sequence and its beliefs.
        seen: Frames seen.
        steps: Number of jumps, at least 1; jumps beyond the end are left out.
        length: Frames per jump.
        seed: Of the noise.

    Raises:
        ValueError: If no jump ends within the sequence, or as for `futures`.
    """
    known = min(steps, (followed.length - seen) // length)
    if known < 1:
        raise ValueError(
            f"`seen` must leave at least {length} of {followed.length} frames to compare with. Got {seen}. "
            "Choose fewer frames seen or a shorter jump."
        )
    z = futures(loaded, followed, seen, known, length, seed)
    pictures = engine().decode_sync(loaded, z.reshape(-1, z.shape[-1]), background=True)
    pictures = pictures.reshape(*z.shape[:2], *pictures.shape[1:])
    frames = seen + length * np.arange(1, known + 1)
    truth = followed.frames[frames - 1]
    last = followed.frames[seen - 1]
    position, right = _places(sequences, followed, seen, frames, pictures)
    return Errors(
        frames,
        _squared(pictures, truth),
        _nll(loaded, z, truth, seed),
        _squared(last, truth),
        position,
        right,
    )


def direction_known(
    loaded: Loaded, sequences: SequenceCollection, followed: Followed, seed: int = 0
) -> Floats | None:
    """Share of jumps in the true direction after each frame, (T,), 0.5 by chance; None without a direction.

    Draws `DRAWS` jumps from each belief, of the longest length at which a side is defined.
    """
    mover = sequences.mover
    if mover is None or not mover.sides:
        return None
    path, width = mover.path(followed.number), followed.frames.shape[2]
    length = max(1, min(longest_jump(loaded), width // 2 - 1))
    heading = mover.displaced(path[:1], path[1:2])
    z = np.concatenate(
        [futures(loaded, followed, seen, 1, length, seed)[:, 0] for seen in range(1, followed.length + 1)]
    )
    pictures = engine().decode_sync(loaded, z, background=True)[None]
    places = mover.locate(pictures, followed.number)[0].reshape(followed.length, -1)
    return cast("Floats", (np.sign(mover.displaced(path[:, None], places)) == heading).mean(1))


def _now(loaded: Loaded, followed: Followed, seen: int, generator: torch.Generator) -> Tensor:
    """Draws of the state after `seen` frames, (DRAWS, D)."""
    if not 1 <= seen <= followed.length:
        raise ValueError(f"`seen` must lie in 1..{followed.length}. Got {seen}.")
    model = as_sequence_model(loaded.decoder.model)
    return model.filter(followed.beliefs[seen - 1].expand(DRAWS, -1), generator)[0]


def _generator(loaded: Loaded, seed: int) -> torch.Generator:
    return torch.Generator(loaded.decoder.device).manual_seed(seed)


def _latents(z: Tensor) -> Latents:
    return cast("Latents", z.float().cpu().numpy())


def _squared(pictures: Pictures, truth: Pictures) -> Floats:
    """Mean squared error per pixel, [0, 1], over the last three axes."""
    return cast("Floats", np.square(pictures / 255 - truth / 255).mean((-3, -2, -1)))


@torch.inference_mode()
def _nll(loaded: Loaded, z: Latents, truth: Pictures, seed: int) -> Floats:
    """-log p(x|z) of frames (N, H, W, C) under states (S, N, D), in nats, (S, N)."""
    model = as_sequence_model(loaded.decoder.model)
    x = model.likelihood.prepare(as_tensor(truth[None])[0], torch.Generator().manual_seed(seed))
    x = x.to(loaded.decoder.device).repeat(len(z), 1, 1, 1)
    latents = torch.from_numpy(z.reshape(-1, z.shape[-1])).to(loaded.decoder.device)
    costs = [model.nll(latents[n : n + BATCH], x[n : n + BATCH]) for n in range(0, len(x), BATCH)]
    return cast("Floats", torch.cat(costs).cpu().double().numpy().reshape(z.shape[:2]))


def _places(
    sequences: SequenceCollection,
    followed: Followed,
    seen: int,
    frames: NDArray[np.int64],
    pictures: Pictures,
) -> tuple[Floats | None, Floats | None]:
    """Position error of the moving object in pictures (S, N, H, W, C), and whether it is on the true side."""
    mover = sequences.mover
    if mover is None:
        return None, None
    path, width = mover.path(followed.number), pictures.shape[3]
    last, true = path[seen - 1], path[frames - 1]
    located = mover.locate(pictures, followed.number)
    distance = np.abs(mover.displaced(true, located))
    if not mover.sides:
        return distance, None
    right = (np.sign(mover.displaced(last, located)) == np.sign(mover.displaced(last, true))).astype(float)
    right[:, frames - seen >= width // 2] = np.nan  # it has wrapped around
    return distance, right
