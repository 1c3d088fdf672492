"""Runs one of our commands with `--progress json`, whose output is its progress and result.

Trainings are commands rather than job functions, so that a page runs exactly the command that it shows.
"""

from __future__ import annotations

import json
from typing import IO

from explorer.jobs.process import LINE_AT_MOST, ChildProcess

__all__ = ["Command"]


class Command(ChildProcess):
    """A running command; `done` and `total` are its steps, if it reports any."""

    done = total = 0

    def _read_output(self, stream: IO[bytes]) -> None:
        while line := stream.readline(1 << 16):
            self._take(line.decode(errors="replace").strip())

    def _take(self, line: str) -> None:
        """Reads a line; other output is kept for the error message in case the command fails."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        match message:
            case {"share": int() | float() as share, "what": str() as what}:
                self.share, self.what = min(1.0, max(0.0, share)), what
                match message:
                    case {"done": int() as done, "total": int() as total} if 0 <= done <= total:
                        self.done, self.total = done, total
            case {"result": dict() as result}:
                self.result = result
            case {"error": str() as error}:
                self.error = error
            case _ if line:
                self._last.append(line[:LINE_AT_MOST])
