"""Directions exported and imported as files: safetensors or JSON, each with the hash of the model's weights.

A direction has no meaning in another latent space, so a direction of another checkpoint is rejected.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from safetensors.numpy import save

from explorer.latent.directions.mean_difference import Direction
from explorer.workspace.storage import pack_direction, unpack_direction
from models.card import Entry
from models.system.json_input import looks_like_json, read_json

__all__ = ["BYTES_AT_MOST", "MIB_AT_MOST", "as_json", "as_safetensors", "read_direction"]

MIB_AT_MOST = 4
BYTES_AT_MOST = MIB_AT_MOST << 20
NUMBERS_AT_MOST = 1 << 18
FORMAT = "latent-explorer-direction"

as_safetensors = pack_direction


def as_json(entry: Entry, direction: Direction) -> bytes:
    """A direction as JSON text; the numbers are the float32 vector, bit for bit."""
    about = {k: v for k, v in vars(direction).items() if k != "vector"}
    values = {
        "format": FORMAT,
        "checkpoint": entry.name,
        "weights_sha256": entry.card.weights_sha256 if entry.card else "",
        **about,
        "vector": [float(number) for number in direction.vector],
    }
    return json.dumps(values, indent=1, ensure_ascii=False).encode()


def read_direction(entry: Entry, data: bytes, size: int) -> Direction:
    """Reads a file written by `as_json` or `as_safetensors`.

    Arguments:
        entry: The checkpoint it must belong to.
        data: The file, untrusted.
        size: Dimensions of the checkpoint's latents.

    Raises:
        ValueError: If it is too large, in neither format, of another checkpoint, or its vector is invalid.
    """
    if not data:
        raise ValueError("The file is empty. Choose a file that was exported here.")
    if len(data) > BYTES_AT_MOST:
        raise ValueError(
            f"A direction file must have at most {BYTES_AT_MOST >> 20} MiB. Got {len(data) / 2**20:.1f}."
        )
    packed = _repacked(data) if looks_like_json(data) else data
    direction = unpack_direction(entry, packed)
    if len(direction.vector) != size:
        raise ValueError(
            f"The direction has {len(direction.vector):,} numbers; the latents of {entry.name} have {size:,}."
        )
    return direction


def _repacked(data: bytes) -> bytes:
    """Converts a JSON file to safetensors, so that it is validated like any other."""
    values: Any = read_json(data, "The file", BYTES_AT_MOST)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError(f'The JSON must be an object with "format": "{FORMAT}", as exported here.')
    numbers = values.pop("vector", None)
    valid = isinstance(numbers, list) and 0 < len(numbers) <= NUMBERS_AT_MOST
    if not valid or any(type(number) not in (int, float) for number in numbers):
        raise ValueError("`vector` must be a list of numbers.")
    with np.errstate(over="ignore"):
        try:
            vector = np.array(numbers, np.float64).astype(np.float32)
        except OverflowError as error:
            raise ValueError("`vector` must be finite. One of its numbers is too large.") from error
    facts = {name: str(values.get(name, "")) for name in ("checkpoint", "weights_sha256")}
    return save({"vector": vector}, facts | {"direction": json.dumps(values)})
