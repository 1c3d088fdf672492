r"""How well a sequence model predicts an oscillator's position, compared with the best linear estimate.

The first `CONTEXT` frames are seen, then one jump of 1 to `JUMPS` frames is made, up to half a period of the default
oscillators, or the longest that the model supports. The position of the bead in the picture is compared with its true
position without noise: root mean square, in pixels.

    expected   each layer of a state at its mean, of the belief and of the jump
    drawn      one draw of each; includes the unpredictable noise of the next frame
    fitted     least squares of a cos(w t) + b sin(w t) to the positions in the seen frames, w known: the linear
               unbiased estimate with the smallest error
    unmoved    the position in the last seen frame

References:
    | Temporal Difference Variational Auto-Encoder (Gregor et al., 2019), the noisy harmonic oscillator
    | https://arxiv.org/abs/1806.03107
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.data import SequenceData
from models.data.oscillator import positions, spot_positions
from models.data.tensors import BATCH
from models.evaluation.metric import SEED, Metrics, metric
from models.evaluation.moving_digits import as_tensor
from models.protocols import SequenceModel

__all__ = ["CONTEXT", "JUMPS", "fitted", "foreseen", "oscillation"]

CONTEXT = 20  # frames seen by the model
JUMPS = 10  # the longest jump

Floats = NDArray[np.float64]


def oscillation(model: SequenceModel, data: SequenceData, period: float, jumps: int = JUMPS) -> Metrics:
    """Errors of the bead's predicted position after jumps of 1 to `jumps` frames.

    Arguments:
        model: A model of sequences.
        data: Oscillators of at least `CONTEXT` + `jumps` frames.
        period: Period of the oscillators, in frames.
        jumps: The longest jump, in frames.

    Raises:
        ValueError: If the sequences are too short, or the model cannot jump so far.
    """
    if data.length < CONTEXT + jumps:
        raise ValueError(f"`data` must have {CONTEXT + jumps} frames or more. Got {data.length}.")
    generator = torch.Generator().manual_seed(SEED)
    found: dict[str, list[Floats]] = {"expected": [], "drawn": [], "fitted": [], "unmoved": []}
    for start in range(0, len(data), BATCH):
        seen = data.frames(np.arange(start, min(start + BATCH, len(data))))[:, :CONTEXT]
        shown = spot_positions(seen)
        with torch.inference_mode():
            belief = model.belief(as_tensor(seen))[:, -1]
        found["expected"].append(foreseen(model, belief, jumps, generator, means=True))
        found["drawn"].append(foreseen(model, belief, jumps, generator))
        found["fitted"].append(fitted(shown, period, jumps))
        found["unmoved"].append(np.repeat(shown[:, -1:], jumps, axis=1))
    true = positions(data, period)[:, CONTEXT : CONTEXT + jumps]
    errors = {name: float(np.sqrt(np.square(np.concatenate(x) - true).mean())) for name, x in found.items()}
    about = (
        f"root mean squared, centre of the bright pixels against the place without noise, {CONTEXT} frames seen, one "
        f"jump of 1 to {jumps} frames, {data.name} {data.split}, {len(data)} sequences, seed {SEED}"
    )
    return {
        "expected_position_error": metric(errors["expected"], "px", f"each layer at its mean, {about}"),
        "drawn_position_error": metric(errors["drawn"], "px", f"one draw, {about}"),
        "fitted_position_error": metric(errors["fitted"], "px", f"not the model: least squares, {about}"),
        "unmoved_position_error": metric(errors["unmoved"], "px", f"not the model: last seen, {about}"),
    }


def foreseen(
    model: SequenceModel, belief: Tensor, jumps: int, generator: torch.Generator, *, means: bool = False
) -> Floats:
    """Positions of the bead in pictures after one jump of 1 to `jumps` frames.

    Arguments:
        model: A sequence model.
        belief: Belief states to jump from, one per row, (B, ...).
        jumps: The longest jump, in frames.
        generator: Random generator.
        means: Use the mean of each layer instead of a draw.

    Returns:
        Pixels to the right of the middle, (B, jumps).
    """
    with torch.inference_mode():
        z, _ = model.filter(belief, generator, means=means)
        lengths = range(1, jumps + 1)
        pictures = [model.decode(model.jump(z, length, generator, means=means)[0]) for length in lengths]
        whole = torch.stack(pictures, dim=1).permute(0, 1, 3, 4, 2)
    return spot_positions((whole * 255).round().to(torch.uint8).numpy())


def fitted(shown: Floats, period: float, ahead: int = JUMPS) -> Floats:
    """Least-squares prediction of an oscillator of known period from T positions.

    Arguments:
        shown: Positions (B, T), in pixels.
        period: In frames.
        ahead: Frames that follow.

    Returns:
        Positions (B, ahead) in the frames that follow.
    """
    angles = 2 * np.pi / period * np.arange(shown.shape[1] + ahead)
    waves = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    weights, *_ = np.linalg.lstsq(waves[: shown.shape[1]], shown.T, rcond=None)
    positions: Floats = (waves[shown.shape[1] :] @ weights).T
    return positions
