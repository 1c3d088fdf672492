r"""How well a sequence model predicts moving digits: direction, position and digit in unseen frames.

The first `CONTEXT` frames are seen, z is drawn from p_B(z|b) at the last of them, and one jump of 1 to `JUMPS`
frames gives one picture each: a single draw, not the mean of many. A picture x' is compared with the known ground
truth:

    position    p' = argmax_p <x', x rolled by p>, x the true digit's frame: circular cross-correlation, whole pixels
    error       |p' - p| around the circle, in pixels; the mean over sequences and jumps
    direction   right if p' lies on the true side of the last seen position, up to half the width away
    digit       what a classifier, trained on still originals, reads from x' rolled back by the true position

References:
    | Temporal Difference Variational Auto-Encoder (Gregor et al., 2019), the moving digits
    | https://arxiv.org/abs/1806.03107
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.data import SequenceData
from models.data.moving_digits import positions, rolled
from models.data.tensors import BATCH
from models.evaluation.attribute_classifier import AttributeClassifier, score
from models.evaluation.metric import SEED, Metrics, metric
from models.protocols import SequenceModel

__all__ = [
    "CONTEXT",
    "JUMPS",
    "as_tensor",
    "displaced",
    "foreseen",
    "found_positions",
    "prediction",
    "rolled_back",
]

Number = TypeVar("Number", np.int64, np.float64)

CONTEXT = 11  # frames seen by the model
JUMPS = 5  # the longest jump


def as_tensor(frames: NDArray[np.uint8]) -> Tensor:
    """Sequences uint8 (B, T, H, W, C) as float (B, T, C, H, W) in [0, 1]."""
    return torch.tensor(frames).permute(0, 1, 4, 2, 3).float() / 255


def prediction(
    model: SequenceModel, data: SequenceData, clean: SequenceData, classifier: AttributeClassifier
) -> Metrics:
    """Direction, position and digit of the frames that a model predicts, over jumps of 1 to `JUMPS` frames.

    Arguments:
        model: A model of sequences.
        data: Moving digits, of at least `CONTEXT` + `JUMPS` frames.
        clean: The same sequences without noise.
        classifier: Reads the digit of a still image.

    Raises:
        ValueError: If the sequences are too short, or the model cannot jump so far.
    """
    if data.length < CONTEXT + JUMPS:
        raise ValueError(f"`data` must have {CONTEXT + JUMPS} frames or more. Got {data.length}.")
    generator = torch.Generator().manual_seed(SEED)
    path, width = positions(data), data.shape[2]
    last, true = path[:, CONTEXT - 1, None], path[:, CONTEXT : CONTEXT + JUMPS]
    places, pictures, truths, squares = [], [], [], 0.0
    for start in range(0, len(data), BATCH):
        rows = np.arange(start, min(start + BATCH, len(data)))
        seen = clean.frames(rows)
        imagined, truth = foreseen(model, data.frames(rows), generator), seen[:, CONTEXT : CONTEXT + JUMPS]
        places.append(found_positions(imagined, seen[:, 0], path[rows, 0]))
        pictures.append(rolled_back(imagined, true[rows]))
        truths.append(rolled_back(truth, true[rows])[:, 0])
        squares += float(np.square(imagined / 255.0 - truth / 255.0).mean((1, 2, 3, 4)).sum())
    found, still = np.concatenate(places), np.concatenate(pictures)
    right = np.sign(displaced(last, found, width)) == np.sign(displaced(last, true, width))
    digit = {"digit": data.attributes["digit"]}
    read = [score(classifier, still[:, jump], digit)["digit"] for jump in range(JUMPS)]
    known = score(classifier, np.concatenate(truths), digit)["digit"]
    about = (
        f"{CONTEXT} frames seen, one draw of z and one of each jump of 1 to {JUMPS} frames, "
        f"{data.name} {data.split}, {len(data)} sequences, seed {SEED}"
    )
    place = "position by circular cross-correlation with the true digit, whole pixels"
    side = f"on the true side of the last one seen; {place}"
    judged = (
        f"classifier trained on still originals, which reads {100 * known:.2f} % of the true frames, "
        "picture rolled back by the true position"
    )
    return {
        "direction_right": metric(100 * right.mean(), "%", f"{side}, {about}"),
        "position_error": metric(
            np.abs(displaced(true, found, width)).mean(), "px", f"mean, {place}, {about}"
        ),
        "digit_kept": metric(100 * np.mean(read), "%", f"{judged}, {about}"),
        "prediction_mse": metric(
            squares / len(data), "per pixel, [0, 1]", f"against the true frame, {about}"
        ),
    }


def foreseen(
    model: SequenceModel, frames: NDArray[np.uint8], generator: torch.Generator
) -> NDArray[np.uint8]:
    """One drawn picture for each jump of 1 to `JUMPS` frames from the `CONTEXT`-th frame.

    Arguments:
        model: A sequence model.
        frames: uint8 (B, T, H, W, C).
        generator: Random generator.

    Returns:
        uint8 (B, JUMPS, H, W, C).
    """
    with torch.inference_mode():
        z, _ = model.filter(model.belief(as_tensor(frames[:, :CONTEXT]))[:, -1], generator)
        pictures = [model.decode(model.jump(z, length, generator)[0]) for length in range(1, JUMPS + 1)]
        whole = torch.stack(pictures, dim=1).permute(0, 1, 3, 4, 2)
    levels: NDArray[np.uint8] = (whole * 255).round().to(torch.uint8).numpy()
    return levels


def found_positions(
    pictures: NDArray[np.uint8], digits: NDArray[np.uint8], at: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Positions of digits in pictures, by circular cross-correlation over all columns.

    Arguments:
        pictures: uint8 (N, J, H, W, C).
        digits: A frame of each true digit, uint8 (N, H, W, C).
        at: The position of the digit in that frame, (N,).

    Returns:
        Positions (N, J), int64.
    """
    everywhere = rolled(digits, np.arange(digits.shape[2]) - at[:, None])  # (N, W, H, W, C), at 0, 1, 2 ...
    a, b = (x.reshape(*x.shape[:2], -1).astype(np.float32) for x in (pictures, everywhere))
    places: NDArray[np.int64] = (a @ b.swapaxes(1, 2)).argmax(2)
    return places


def displaced(start: NDArray[Number], end: NDArray[Number], width: int) -> NDArray[Number]:
    """The shortest circular displacement from `start` to `end`, in pixels: -width/2 to width/2 - 1."""
    around: NDArray[Number] = (end - start + width // 2) % width - width // 2
    return around


def rolled_back(pictures: NDArray[np.uint8], path: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Pictures (N, J, H, W, C) shifted back by the digit's positions (N, J)."""
    return rolled(pictures.reshape(-1, *pictures.shape[2:]), -path.reshape(-1, 1)).reshape(pictures.shape)
