"""Finds the geodesic through several latents in a process of its own."""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.scene.geodesics import POINTS, STRENGTH, Floats, evenly, geodesics, off_data
from models import checkpoint

__all__ = ["as_text", "codes_from", "main"]

STOPS_AT_MOST = 12


def as_text(codes: Floats) -> str:
    """Codes (K, D) as the command line and the answer have them."""
    return base64.b64encode(np.ascontiguousarray(codes, "<f4").tobytes()).decode("ascii")


def codes_from(text: str, size: int, name: str = "--stops") -> Floats:
    """Codes (K, D) from the text that `as_text` made.

    Raises:
        ValueError: If it is anything else, with the rule.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw or len(raw) % (4 * size):
        raise ValueError(f"`{name}` must be codes of {size} float32 numbers each, in base64.")
    codes = np.frombuffer(raw, "<f4").reshape(-1, size).astype(np.float32)
    if not np.isfinite(codes).all():
        raise ValueError(f"`{name}` must be finite. Got NaN or infinity.")
    return codes


def main(arguments: list[str] | None = None) -> int:
    """Prints the least energetic way through some codes of a checkpoint, and before it how far it is."""
    parser = argparse.ArgumentParser(prog="python -m explorer.jobs.geodesic", description=__doc__)
    parser.add_argument("model", help="name or folder of a checkpoint")
    parser.add_argument("--stops", required=True, help="codes to go through, float32 in base64, in order")
    parser.add_argument(
        "--strength", type=float, default=STRENGTH,
        help=f"penalty on places farther off the data than the 90th percentile, 0 for none ({STRENGTH:g})",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        _say({"share": 0.0, "what": "Opening the model"})
        from explorer.atlas.storage import load_atlas

        entry = checkpoint.read(options.model)
        atlas = load_atlas(entry)
        model: Any = checkpoint.load(entry.path).eval().requires_grad_(False)
        if model.spec.discrete:
            raise ValueError(f"{options.model} has discrete codes: no curve leads from one to another.")
        stops = torch.from_numpy(codes_from(options.stops, model.spec.size))
        if not 2 <= len(stops) <= STOPS_AT_MOST:
            raise ValueError(f"`--stops` must be 2 to {STOPS_AT_MOST} codes. Got {len(stops)}.")

        def decode(z: Tensor) -> Tensor:
            x: Tensor = model.decode(z.reshape(-1, *model.spec.shape))
            return x

        found = geodesics(
            decode, stops[:-1], stops[1:],
            weight=off_data(atlas.mean, atlas.neighbour_distance, options.strength),
            report=lambda share, what: _say({"share": round(share, 3), "what": what}),
        )  # fmt: skip
        codes = evenly(decode, found.codes, POINTS)
        _say({"codes": as_text(codes), "rounds": found.rounds, "energy": float(found.energy.sum())})
    except (ValueError, OSError, RuntimeError) as error:
        _say({"error": str(error)})
        return 1
    return 0


def _say(values: dict[str, Any]) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
