"""A child process at lower priority, whose progress and result can be read from any thread."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from abc import ABC, abstractmethod
from collections import deque
from typing import IO, Any

from explorer.installation import module_command, module_environment
from models.system.priority import lower_priority
from models.system.settings import job_niceness

__all__ = ["ChildProcess"]

LAST_LINES = 5  # last lines of its output, kept for an error message
LINE_AT_MOST = 500  # characters of such a line


class ChildProcess(ABC):
    """A running Python module; `share`, `what`, `result` and `error` are thread-safe to read.

    A subclass reads standard output (`_read_output`); the end of standard error is kept for an error message.
    """

    def __init__(self, *arguments: str, given: bytes = b"", keep_open: tuple[int, ...] = ()) -> None:
        """Starts `python -m arguments` in the working directory.

        Arguments:
            arguments: Module and its arguments.
            given: Bytes written to its standard input, which stays open until the process ends.
            keep_open: File descriptors that it inherits; a lock among them is held as long as it runs.

        Raises:
            OSError: If no process can be started.
            SettingError: If LATENT_JOB_NICENESS is invalid.
        """
        self.share = 0.0  # fraction done, 0 to 1
        self.what = "Starting"
        self.result: dict[str, Any] | None = None
        self.error: str | None = None
        self.cancelled = False
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        niceness = job_niceness()
        try:
            self._process = subprocess.Popen(
                module_command(*arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=module_environment(),
                start_new_session=True,
                pass_fds=keep_open,
            )
        except OSError as error:
            raise OSError(
                f"No process can be started: {error}. Close other programs and try again."
            ) from error
        lower_priority(self._process.pid, niceness)
        self._reader = threading.Thread(target=self._follow, args=(given,), daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self._reader.is_alive()

    def cancel(self) -> None:
        """Ends it and its child processes. Unfinished work is lost; no partly written file is left."""
        self.cancelled = True
        self._terminate()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until it has ended, at most `seconds`."""
        self._reader.join(seconds)

    @abstractmethod
    def _read_output(self, stream: IO[bytes]) -> None:
        """Reads standard output to its end."""

    def _follow(self, given: bytes) -> None:
        """Writes the input, reads the output to its end and sets the result."""
        process = self._process
        assert process.stdin and process.stdout and process.stderr
        errors = threading.Thread(target=self._read_errors, args=(process.stderr,), daemon=True)
        errors.start()
        with contextlib.suppress(OSError):  # it has ended; its exit status gives the reason
            process.stdin.write(given)
            process.stdin.flush()
        try:
            self._read_output(process.stdout)
        except ValueError as error:
            self.error = str(error)
            self._terminate()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        status = process.wait()
        errors.join(1.0)  # a surviving child process may keep the stream open
        self._end(status)

    def _terminate(self) -> None:
        """Sends its process group a signal to end; it leads its own group, except on Windows."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGTERM)
                else:
                    self._process.terminate()

    def _read_errors(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(1 << 16):
                if text := line.decode(errors="replace").strip():
                    self._last.append(text[:LINE_AT_MOST])

    def _end(self, status: int) -> None:
        """Sets the result or the error."""
        if self.result is not None:
            self.error = None
        elif self.cancelled:
            self.error = "Cancelled."
        elif self.error is None:
            message = self._last[-1] if self._last else "it printed nothing"
            self.error = f"It ended with status {status}: {message.rstrip('.')}."
