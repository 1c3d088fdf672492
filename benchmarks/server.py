"""Servers for the benchmarks, each in its own process group: started, awaited and stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType

__all__ = ["ROOT", "Server", "app_command", "cores", "end_on_sigterm", "free_port"]

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120.0  # s, timeout for the first answer
GRACE = 5.0  # s, time allowed for shutdown


def free_port() -> int:
    """A free port on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cores() -> int:
    """Number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_on_sigterm() -> None:
    """Makes a terminated benchmark stop its servers and browser first."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)


def app_command(python: str, script: str, port: int) -> list[str]:
    """The command that serves a Streamlit script."""
    return [python, "-m", "streamlit", "run", script, "--server.port", str(port), "--server.headless", "true"]


class Server:
    """A server in a subprocess, as a context manager."""

    def __init__(
        self, command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
    ) -> None:
        """Stores the arguments.

        Arguments:
            command: The command to run, in the repository's root.
            port: The port it listens on.
            environment: Further environment variables.
        """
        self.command, self.port = list(command), port
        self.address = f"http://localhost:{port}"
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def group(self) -> int:
        """The id of the process group."""
        if self._process is None:
            raise ValueError("The server was not started. Use it in a `with` statement.")
        return self._process.pid

    def start(self) -> None:
        """Starts the server without waiting."""
        self._process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Waits until the server answers.

        Raises:
            RuntimeError: If it exits first, or does not answer within two minutes; the message has the end of its log.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"{' '.join(self.command)} ended before it answered:\n{self.log()}")
            try:
                with urllib.request.urlopen(self.address, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise RuntimeError(f"{' '.join(self.command)} does not answer on {self.address}:\n{self.log()}")

    def log(self, most: int = 4000) -> str:
        """The end of its output."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")[-most:]

    def stop(self) -> None:
        """Terminates the whole process group."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                continue
            break
        self._process.wait()
        self._process = None
        self._log.close()

    def __enter__(self) -> Server:
        self.start()
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
