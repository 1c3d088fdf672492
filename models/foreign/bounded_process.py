"""Runs a task on untrusted files in a process of its own, with bounded memory and time. Does not import torch."""

from __future__ import annotations

__all__ = ["ask", "main"]

import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from models.system.json_input import read_object

# Name -> module and function (request) -> answer, both JSON objects; errors are ValueError, OSError and RuntimeError.
TASKS = {
    "examine": ("models.foreign.inspection", "examine"),
    "export": ("models.foreign.conversion", "export"),
}
SECONDS = 120
ANSWER_BYTES = 1 << 16
ERROR_LENGTH = 2000  # characters
START = "from models.foreign.bounded_process import main; raise SystemExit(main())"
ROOT = Path(__file__).resolve().parents[2]


def ask(task: str, request: Mapping[str, object], names: str, memory: int) -> dict[str, object]:
    """Runs a task and returns its answer.

    Arguments:
        task: A key of `TASKS`.
        request: JSON values.
        names: The files, for error messages.
        memory: Bytes that the process may allocate.

    Raises:
        ValueError: If the task raises an error, takes longer than two minutes, or needs more memory.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    call = {"task": task, "request": dict(request), "memory": memory, "seconds": SECONDS}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", START],
            input=json.dumps(call).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | own,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(
            f"{names} could not be read within {SECONDS} s. Choose a smaller `--size`, or a smaller model."
        ) from error
    if done.returncode or not done.stdout:
        raise ValueError(
            f"{names} cannot be used: the process that reads it ended, which happens if it needs more than "
            f"{memory >> 30} GiB of memory or is damaged. Choose a smaller `--size`, or a smaller model."
        )
    answer = read_object(done.stdout, "The process that reads models", ANSWER_BYTES)
    if "error" in answer:
        raise ValueError(str(answer["error"]))
    return answer


def main() -> int:
    """Reads a call from standard input, performs it, and writes the answer to standard output."""
    call = json.loads(sys.stdin.buffer.read())
    _limit(call["memory"], call["seconds"])
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may print
    module, function = TASKS[call["task"]]
    try:
        answer = getattr(importlib.import_module(module), function)(call["request"])
    except (ValueError, OSError, RuntimeError) as error:
        answer = {"error": " ".join(str(error).split())[:ERROR_LENGTH] or type(error).__name__}
    print(json.dumps(answer), file=output, flush=True)
    return 0


def _limit(memory: int, seconds: int) -> None:
    """Bounds memory and time of this process, where the system can."""
    try:
        import resource
    except ImportError:  # Windows; the parent bounds the time
        return
    for kind, bound in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
        with contextlib.suppress(ValueError, OSError):  # macOS does not bound the address space
            resource.setrlimit(kind, (bound, bound))
