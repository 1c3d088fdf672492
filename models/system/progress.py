"""Progress of a command as JSON lines, for programs that start it: `--progress json`.

{"share": 0.2, "what": "Training", "done": 48, "total": 240} as it goes, with steps where there are some; at the end
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
    parser.add_argument("--progress", choices=("bar", "json"), default="bar",
                        help="show a bar (the default), or write a JSON object a line for another program")  # fmt: skip


def say(**values: object) -> None:
    """Writes one JSON line to standard output."""
    print(json.dumps(values), flush=True)


class JsonProgress:
    """Writes how far a command is, at most every `EVERY` seconds."""

    def __init__(self) -> None:
        self._told = -EVERY
        self._what = ""

    def __call__(self, share: float, what: str, **steps: int) -> None:
        """Reports the share done (0 to 1), what is being done and perhaps `done` of `total` steps.

        What is new, and the end, is always written.
        """
        now = time.monotonic()
        if now - self._told >= EVERY or what != self._what or share >= 1:
            self._told, self._what = now, what
            say(share=round(share, 4), what=what, **steps)

    def error(self, error: Exception) -> None:
        """Writes what went wrong, in one line."""
        say(error=" ".join(str(error).split())[:MESSAGE])
