"""Runs a job in a child process, with progress, a result, and cancellation.

A job is a module-level function `(request, report) -> result`. The process imports it by its path and calls
it (`explorer.jobs.worker`); requests, progress and results are sent as messages (`explorer.jobs.messages`).
To leave the live loop undisturbed, a job has its own interpreter, one thread and a lower priority. It ends
with the explorer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import IO, Any, Protocol, TypeVar

from explorer.jobs.messages import pack, read
from explorer.jobs.process import ChildProcess

__all__ = ["Job", "Report", "start"]

Request = TypeVar("Request")


class Report(Protocol):
    """The function that a job calls to report progress."""

    def __call__(self, share: float, what: str, partial: dict[str, Any] | None = None) -> None:
        """Reports the fraction done (0 to 1), the current step and, if it changed, the partial result."""


Function = Callable[[Request, Report], dict[str, Any]]


class Job(ChildProcess):
    """A running job. `partial` is the last partial result; `result` is None until the job succeeded."""

    def __init__(self, call: bytes) -> None:
        """Starts a job; use `start`.

        Arguments:
            call: The message for `worker`.
        """
        self.call = call
        self.partial: dict[str, Any] | None = None
        super().__init__("explorer.jobs.worker", given=call)

    def _read_output(self, stream: IO[bytes]) -> None:
        while True:
            try:
                message = read(stream)
            except EOFError:
                return
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"share": int() | float() as share, "what": str() as what}:
                self.share, self.what = min(1.0, max(0.0, share)), what
            case {"partial": dict() as partial}:
                self.partial = partial
            case {"result": dict() as result}:
                self.result = result
            case {"error": str() as error}:
                self.error = error
            case _:
                raise ValueError(f"The job sent an unknown message: {str(message)[:80]}.")


_keyed: dict[Hashable, Job] = {}
_guard = threading.Lock()


def start(function: Function[Request], request: Request, key: Hashable = None) -> Job:
    """Starts a job, or joins the one that runs under the same key.

    Arguments:
        function: A module-level function. Its errors are ValueError, OSError and RuntimeError, one
            sentence each.
        request: A dataclass or a dictionary of plain values and arrays (see `explorer.jobs.messages.pack`).
        key: Only one job runs per key. A running job with the same function and request is returned;
            any other is cancelled first. None for an independent job.

    Raises:
        OSError: If no process can be started.
        TypeError: If the request cannot be sent.
    """
    path = f"{function.__module__}:{function.__name__}"
    call = pack({"function": path, "request": request})
    if key is None:
        return Job(call)
    with _guard:
        for other in [other for other, job in _keyed.items() if not job.running]:
            del _keyed[other]
        running = _keyed.get(key)
        if running is not None:
            if running.call == call and not running.cancelled:
                return running
            running.cancel()
            running.wait()
        job = _keyed[key] = Job(call)
        return job
