"""Long work in a process of its own, with progress and a way to stop it.

A job runs one of our own commands, which prints JSON lines: {"share", "what"} as it goes, then what it gives, or
{"error"}. A `Command` runs one that talks to people: its bar is the progress, its status the outcome. The live loop
never notices either: another interpreter, one thread, a lower priority.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import threading
from collections import deque
from typing import Any

from explorer.installation import module_command, module_environment

__all__ = ["Command", "Job"]

NICE = 10
STEPS = re.compile(r"(\d+)/(\d+) \[.*step")  # of tqdm's bars: "45/240 [00:03<00:13, 14.6step/s"
PERCENT = re.compile(r"(\d+) %(?:[ ,]+(.+))?$")  # "digits-vae ███ 40 % Laying out the map"


class Job:
    """A running command. Read `share`, `what`, `result` and `error` at any time, from any thread."""

    def __init__(self, *arguments: str, keep_open: tuple[int, ...] = ()) -> None:
        """Starts `python -m arguments` in the working directory.

        Arguments:
            arguments: Module and its arguments, e.g. "explorer.atlas.umap_maps", "faces-vae".
            keep_open: File descriptors that it inherits; a lock among them lasts as long as it does.
        """
        self.share = 0.0  # done, 0 to 1
        self.what = "Starting"
        self.result: dict[str, Any] | None = None
        self.error: str | None = None
        self._cancelled = False
        self._last: deque[str] = deque(maxlen=5)
        self._process = subprocess.Popen(
            module_command(*arguments),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", env=module_environment(), start_new_session=True,
            pass_fds=keep_open,
        )  # fmt: skip
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return self._reader.is_alive()

    def cancel(self) -> None:
        """Stops it. What it had not finished is gone; nothing half-written is left."""
        self._cancelled = True
        self._process.terminate()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until it has ended, at most `seconds`."""
        self._reader.join(seconds)

    def _read(self) -> None:
        with self._process as process:  # at the end its pipe is closed and its status taken
            for line in process.stdout or ():
                self._take(line.strip())
        self._ended(process.returncode)

    def _ended(self, status: int) -> None:
        """Settles the outcome."""
        if self.result is not None:
            self.error = None
        elif self._cancelled:
            self.error = "Cancelled."
        elif self.error is None:
            said = " ".join(self._last) or "it said nothing"
            self.error = f"It ended with status {status}: {said}."

    def _take(self, line: str) -> None:
        """Takes a line; what is no JSON object is kept for the message, should it fail."""
        try:
            values = json.loads(line)
        except ValueError:
            self._last.append(line)
            return
        if not isinstance(values, dict):
            self._last.append(line)
        elif "share" in values:
            share = values["share"]
            if isinstance(share, int | float):
                self.share = min(1.0, max(0.0, share))
            self.what = str(values.get("what", ""))
        elif "error" in values:
            self.error = str(values["error"])
        else:
            self.result = values


class Command(Job):
    """A running command that talks to people; `done` and `total` are the steps of its bar, where it shows some."""

    done = total = 0

    def _take(self, line: str) -> None:
        steps, percent = STEPS.search(line), PERCENT.search(line)
        if steps and int(steps[2]):
            self.done, self.total = int(steps[1]), int(steps[2])
            self.share, self.what = min(1.0, self.done / self.total), "Training"
        elif percent:
            self.share, self.what = min(1.0, int(percent[1]) / 100), percent[2] or self.what
        elif line:
            self._last.append(line)

    def _ended(self, status: int) -> None:
        if status == 0:
            self.result = {}
        elif self._last and (told := re.fullmatch(r"python -m [\w.]+: (.+)", self._last[-1])):
            self.error = told[1]  # one line that says what to do
        super()._ended(status)
        if self._cancelled and self.result is None:
            self.error = "Cancelled."
