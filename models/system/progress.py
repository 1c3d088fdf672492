"""Progress of a command as JSON lines, for programs that start it: `--progress json`.

While it runs, {"share": 0.2, "what": "Training", "done": 48, "total": 240}, with the steps if there are any; at the end,
{"result": {…}} or {"error": "…"}.
"""

from __future__ import annotations

import argparse
import json
import time

__all__ = ["JsonProgress", "add_option", "say"]

EVERY = 0.1  # s between two lines
MESSAGE = 1000  # characters of an error


def add_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--progress` to a parser."""
    description = "show a bar (the default), or write JSON lines for another program"
    parser.add_argument("--progress", choices=("bar", "json"), default="bar", help=description)


def say(**values: object) -> None:
    """Writes one JSON line to standard output."""
    print(json.dumps(values), flush=True)


class JsonProgress:
    """Writes the progress of a command, at most every `EVERY` seconds."""

    def __init__(self) -> None:
        self._written_at = -EVERY
        self._what = ""

    def __call__(self, share: float, what: str, **steps: int) -> None:
        """Reports the share done (0 to 1), the current task and, if known, `done` and `total` steps.

        A new task and the end are always written.
        """
        now = time.monotonic()
        if now - self._written_at >= EVERY or what != self._what or share >= 1:
            self._written_at, self._what = now, what
            say(share=round(share, 4), what=what, **steps)

    def error(self, error: Exception) -> None:
        """Writes an error, in one line."""
        say(error=" ".join(str(error).split())[:MESSAGE])
