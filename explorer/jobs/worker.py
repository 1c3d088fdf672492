"""The process of one job: reads the import path of a function and its request, calls it, sends the result.

It is started by `explorer.jobs.runner`. Messages use the original standard input and output; output of
libraries goes to standard error. Standard input stays open as long as the parent lives: at its end this
process ends too.
"""

from __future__ import annotations

import importlib
import inspect
import os
import signal
import sys
import threading
import time
import typing
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import IO, Any, cast

from explorer.jobs.messages import pack, read

__all__ = ["Reporter", "main"]

EVERY = 0.1  # seconds between two reports; the newest in between is delayed


class Reporter:
    """Sends progress, at most every `EVERY` seconds, and finally the result. Thread-safe."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._waiting: dict[str, bytes] = {}
        threading.Thread(target=self._send_newest, daemon=True).start()

    def __call__(self, share: float, what: str, partial: Any = None) -> None:
        """Reports the fraction done (0 to 1), the current step and, if it changed, the partial result."""
        packed = {"progress": pack({"share": share, "what": what})}
        if partial is not None:
            packed["partial"] = pack({"partial": partial})
        with self._lock:
            self._waiting |= packed
        self._news.set()

    def end(self, message: dict[str, Any]) -> None:
        """Sends a delayed report, then the result."""
        packed = pack(message)
        with self._lock:
            self._flush()
            self._write(packed)

    def _send_newest(self) -> None:
        while self._news.wait():
            self._news.clear()
            with self._lock:
                self._flush()
            time.sleep(EVERY)

    def _flush(self) -> None:
        for packed in self._waiting.values():
            self._write(packed)
        self._waiting = {}

    def _write(self, packed: bytes) -> None:
        rest = memoryview(packed)
        while rest:
            rest = rest[self._stream.write(rest) :]


def main() -> int:
    """Runs one job."""
    incoming, outgoing = _take_streams()
    try:
        call = read(incoming)
    except EOFError:  # the parent is gone
        return 1
    threading.Thread(target=_end_with_parent, args=(incoming,), daemon=True).start()
    report = Reporter(outgoing)
    try:
        function = _function(call["function"])
        report.end({"result": function(_request(function, call["request"]), report)})
    except (ValueError, OSError, RuntimeError) as error:
        report.end({"error": _sentence(error)})
        return 1
    return 0


def _take_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Reserves standard input and output for messages; other code gets an empty input and standard error."""
    incoming, outgoing = (
        os.fdopen(os.dup(place), mode, buffering=0) for place, mode in ((0, "rb"), (1, "wb"))
    )
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return incoming, outgoing


def _end_with_parent(incoming: IO[bytes]) -> None:
    """Ends this process and its children once the parent closes the pipe or dies."""
    while incoming.read(1):
        pass
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():  # it leads a group of its own
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _function(path: str) -> Callable[..., Any]:
    """The function of an import path, "package.module:function"."""
    module, _, name = path.partition(":")
    return cast("Callable[..., Any]", getattr(importlib.import_module(module), name))


def _request(function: Callable[..., Any], values: Any) -> Any:
    """The request as the function's first parameter declares it: a dataclass of the values, or the values."""
    first = next(iter(inspect.signature(function).parameters))
    declared = typing.get_type_hints(function).get(first)
    return declared(**values) if isinstance(declared, type) and is_dataclass(declared) else values


def _sentence(error: Exception) -> str:
    """The message of an error, in one line."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


if __name__ == "__main__":
    sys.exit(main())
