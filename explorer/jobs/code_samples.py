"""A job: draws samples from a learnt prior over discrete codes, optionally given the coarser levels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.fields import SEED_AT_MOST
from explorer.jobs.runner import Report
from explorer.latent.geometry.grids import as_text, from_text
from models import checkpoint

__all__ = ["SAMPLES_AT_MOST", "TEMPERATURE_AT_MOST", "Request", "draw", "sample_texts"]

SAMPLES_AT_MOST = 64
TEMPERATURE_AT_MOST = 2.0


@dataclass(frozen=True)
class Request:
    """What to draw."""

    model: str  # name or folder of a checkpoint
    count: int = 12
    temperature: float = 1.0  # of the prior's logits
    seed: int = 0
    above: str | None = None  # codes of a picture as text, all levels; its coarser levels are kept

    def __post_init__(self) -> None:
        if not 1 <= self.count <= SAMPLES_AT_MOST:
            raise ValueError(f"`count` must lie in 1..{SAMPLES_AT_MOST}. Got {self.count}.")
        if not 0 <= self.temperature <= TEMPERATURE_AT_MOST:  # nor NaN
            raise ValueError(f"`temperature` must lie in 0..{TEMPERATURE_AT_MOST:g}. Got {self.temperature}.")
        if not 0 <= self.seed <= SEED_AT_MOST:
            raise ValueError(f"`seed` must lie in 0..{SEED_AT_MOST}. Got {self.seed}.")


def sample_texts(
    model: Any,
    count: int,
    *,
    temperature: float = 1.0,
    seed: int = 0,
    above: list[Tensor] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Codes drawn from the prior, as text.

    Arguments:
        model: A model with discrete codes and a prior.
        count: Number of samples.
        temperature: Divides the prior's logits; 0 takes the most probable code of each cell.
        seed: Seed of the draws.
        above: Codes of the first levels to keep, each (rows, columns).
        progress: Called with the number of cells drawn and the total.

    Raises:
        ValueError: If the model has no prior, or a value is invalid.
    """
    kept = [level.expand(count, -1, -1) for level in above or []]
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        samples = model.sample_codes(count, generator, temperature=temperature, progress=progress, above=kept)
    return [as_text([level[number].numpy() for level in samples]) for number in range(count)]


def draw(request: Request, report: Report) -> dict[str, Any]:
    """Draws samples from a checkpoint's prior.

    Returns:
        `codes`, the codes of each sample as text (`explorer/latent/geometry/grids.py`).

    Raises:
        ValueError: If the model has no discrete codes or no prior, or `above` is not valid for it.
    """
    report(0.0, "Opening the model")
    model: Any = checkpoint.load(checkpoint.read(request.model).path).eval()
    if not model.spec.discrete:
        raise ValueError(f"{request.model} has no discrete codes to draw.")
    texts = sample_texts(
        model,
        request.count,
        temperature=request.temperature,
        seed=request.seed,
        above=_above(model, request.above),
        progress=lambda done, total: report(done / total, f"{done:,} of {total:,} codes"),
    )
    return {"codes": texts}


def _above(model: Any, text: str | None) -> list[Tensor] | None:
    """The codes of all levels but the finest.

    Raises:
        ValueError: If the model has one level only, or the text is not valid for it.
    """
    if text is None:
        return None
    shapes = [level.shape[1:] for level in model.spec.levels]
    if len(shapes) < 2:
        raise ValueError("`above` needs a model with several levels. This one has a single grid of codes.")
    grids = from_text(text, shapes, len(model.codebooks()[0]), "above")
    return [torch.from_numpy(np.array(grid)) for grid in grids[:-1]]
