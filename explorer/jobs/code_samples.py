"""Samples of a learnt prior over discrete codes, in a process of its own.

`python -m explorer.jobs.code_samples MODEL` prints JSON lines for `explorer.jobs.runner.Job`: how far it is, then the codes of each
sample as a text (`explorer/latent/geometry/grids.py`). With `--above` the first levels' codes are kept and the finer ones drawn.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.latent.geometry.grids import as_text, from_text
from models import checkpoint

__all__ = ["SAMPLES_AT_MOST", "TEMPERATURE_AT_MOST", "drawn", "main"]

SAMPLES_AT_MOST = 64
TEMPERATURE_AT_MOST = 2.0
EVERY = 0.1  # s between two reports


def drawn(
    model: Any, count: int, *, temperature: float = 1.0, seed: int = 0, above: list[Tensor] | None = None,
    progress: Any = None,
) -> list[str]:  # fmt: skip
    """Codes drawn from the prior, as texts.

    Arguments:
        model: With discrete codes and a prior.
        count: How many.
        temperature: What the prior's logits are divided by; 0 takes the likeliest code of each place.
        seed: Of the draws.
        above: Codes of the first levels, each (rows, columns), that are kept.
        progress: Called with the places drawn and the places in all.

    Raises:
        ValueError: If the model has no prior, or a value does not hold.
    """
    kept = [level.expand(count, -1, -1) for level in above or []]
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        found = model.sample_codes(count, generator, temperature=temperature, progress=progress, above=kept)
    return [as_text([level[number].numpy() for level in found]) for number in range(count)]


def main(arguments: list[str] | None = None) -> int:
    """Prints samples of a checkpoint's prior, and before them how far they are."""
    parser = argparse.ArgumentParser(prog="python -m explorer.jobs.code_samples", description=__doc__)
    parser.add_argument("model", help="name or folder of a checkpoint")
    parser.add_argument("--count", type=int, default=12, help="how many (12)")
    parser.add_argument("--temperature", type=float, default=1.0, help="of the prior's logits (1)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    parser.add_argument("--above", help="codes of a picture as a text, all levels; its coarser ones are kept")
    options = parser.parse_args(arguments)
    try:
        if not 1 <= options.count <= SAMPLES_AT_MOST:
            raise ValueError(f"`--count` must lie in 1..{SAMPLES_AT_MOST}. Got {options.count}.")
        if not 0 <= options.temperature <= TEMPERATURE_AT_MOST:  # NaN neither
            raise ValueError(
                f"`--temperature` must lie in 0..{TEMPERATURE_AT_MOST:g}. Got {options.temperature}."
            )
        if not 0 <= options.seed < 2**31:
            raise ValueError(f"`--seed` must lie in 0..{2**31 - 1}. Got {options.seed}.")
        _say({"share": 0.0, "what": "Opening the model"})
        model: Any = checkpoint.load(checkpoint.read(options.model).path).eval()
        if not model.spec.discrete:
            raise ValueError(f"{options.model} has no discrete codes to draw.")
        texts = drawn(
            model, options.count, temperature=options.temperature, seed=options.seed,
            above=_above(model, options.above), progress=_reporter(),
        )  # fmt: skip
        _say({"codes": texts})
    except (ValueError, OSError) as error:
        _say({"error": str(error)})
        return 1
    return 0


def _above(model: Any, text: str | None) -> list[Tensor] | None:
    """The codes of all levels but the finest.

    Raises:
        ValueError: If the model has but one level, or the text is none of its codes.
    """
    if text is None:
        return None
    shapes = [level.shape[1:] for level in model.spec.levels]
    if len(shapes) < 2:
        raise ValueError("`--above` needs a model with several levels. This one has a single grid of codes.")
    grids = from_text(text, shapes, len(model.codebooks()[0]), "--above")
    return [torch.from_numpy(np.array(grid)) for grid in grids[:-1]]


def _reporter() -> Any:
    """Says how many places are drawn, a few times a second."""
    told = -math.inf

    def report(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= EVERY or done == total:
            told = now
            _say({"share": done / total, "what": f"{done:,} of {total:,} places"})

    return report


def _say(values: dict[str, Any]) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
