"""Parts that several subcommands share: NAME=VALUE arguments, and the command line that a card records."""

from __future__ import annotations

import json
import os
import shlex
from typing import Any

__all__ = ["parse_assignments", "recorded_command"]


def parse_assignments(pairs: list[str]) -> dict[str, Any]:
    """Parses ["latent=2", "network=mlp"] into {"latent": 2, "network": "mlp"}.

    A value that is not JSON is a string.

    Raises:
        ValueError: If a pair is not of the form NAME=VALUE.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"Options are written NAME=VALUE. Got {pair!r}.")
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text
    return values


def recorded_command(arguments: list[str]) -> str:
    """Returns the command line that a card records, to repeat the run from a checkout."""
    return shlex.join([*launcher(), "-m", "models", *without_progress(arguments)])


def launcher() -> list[str]:
    """Returns the program that started this process: Python, or `torchrun` with its number of processes."""
    processes, local = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if processes == 1:
        return ["python"]
    machines = ["--nnodes", str(processes // local)] if processes > local else []
    return ["torchrun", *machines, "--nproc-per-node", str(local)]


def without_progress(arguments: list[str]) -> list[str]:
    """Removes `--progress` from a command line, since it does not affect the result."""
    remaining = []
    iterator = iter(arguments)
    for argument in iterator:
        if argument == "--progress":
            next(iterator, None)
        elif not argument.startswith("--progress="):
            remaining.append(argument)
    return remaining
