"""Runs a job in a process of its own, with progress, a result, and a way to cancel it.

A job is a function `(request, report) -> result` of a module. The process imports it by its path and calls it
(`explorer.jobs.worker`); requests, progress and results travel as messages (`explorer.jobs.messages`). The live loop
never notices: another interpreter, one thread, a lower priority. A job ends with the explorer.
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
    """What a job calls as it goes."""

    def __call__(self, share: float, what: str, partial: dict[str, Any] | None = None) -> None:
        """Reports the share done (0 to 1), what is being done and, where it has changed, what is known so far."""


Function = Callable[[Request, Report], dict[str, Any]]


class Job(ChildProcess):
    """A running job. `partial` is what it knew at last report; `result` is None until it has ended well."""

    def __init__(self, call: bytes) -> None:
        """Starts a job; use `start`.

        Arguments:
            call: The message that `worker` reads.
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
        function: Of a module, so that it can be imported. Its errors are ValueError, OSError and RuntimeError, one
            sentence each.
        request: A dataclass or a dictionary of plain values and arrays, as `explorer.jobs.messages.pack` takes it.
        key: Of a place that holds one job at a time. A running job with the same function and request is returned;
            one with another is cancelled first. None for a job beside all others.

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
