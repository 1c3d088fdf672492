"""How large a checkpoint is, and how many bits its codes take: what a comparison of models must keep equal."""

from __future__ import annotations

import math

from models import checkpoint
from models.card import Entry, weights_file

__all__ = ["code_bits", "weight_count"]


def weight_count(entry: Entry) -> int | None:
    """Numbers in a checkpoint's weights; None if it has no card or no weights."""
    from safetensors import safe_open

    path = weights_file(entry.path, entry.card) if entry.card else entry.path
    if not path.is_file():
        return None
    with safe_open(path, framework="numpy") as file:
        return sum(int(math.prod(file.get_slice(key).get_shape())) for key in file.keys())  # noqa: SIM118


def code_bits(entry: Entry) -> float | None:
    """Bits of the codes of an image, log2 of the codebook at each position; None if the latent is not discrete."""
    spec = checkpoint.load(entry.path).spec
    if not spec.discrete or entry.card is None:
        return None
    positions = sum(math.prod(level.shape[1:]) for level in spec.levels)
    return positions * math.log2(entry.card.config["codebook"])
