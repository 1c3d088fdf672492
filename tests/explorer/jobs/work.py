"""Jobs for the tests of the runner."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.jobs.runner import Report


@dataclass(frozen=True, eq=False)
class Scale:
    """Numbers and a factor."""

    numbers: NDArray[np.float32]
    factor: float = 2.0

    def __post_init__(self) -> None:
        if self.factor == 0:
            raise ValueError("`factor` must not be 0.")


def scale(request: Scale, report: Report) -> dict[str, Any]:
    """Multiplies, and prints where messages must not be disturbed."""
    print("some library prints")
    os.write(1, b"\x00\xff raw bytes\n")
    assert not sys.stdin.read(), "there is nothing to read"
    report(0.4, "Multiplying", {"so far": request.numbers[:1]})
    time.sleep(0.4)
    return {"scaled": request.numbers * np.float32(request.factor), "factor": request.factor}


def hold(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Holds a lock on a file for a minute."""
    file = open(request["path"], "w")  # noqa: SIM115
    fcntl.flock(file, fcntl.LOCK_EX)
    report(0.1, "Holding", {"pid": os.getpid()})
    time.sleep(60)
    return {}


def hold_in_a_child(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Has a process of its own hold a lock on a file for a minute."""
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); print(1, flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code, request["path"]], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline()
    report(0.1, "Holding", {"pid": child.pid})
    child.wait()
    return {}


def hurry(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Reports more often than is sent."""
    for step in range(request["steps"]):
        report((step + 1) / request["steps"], f"Step {step + 1}")
    return {"nice": os.getpriority(os.PRIO_PROCESS, 0), "threads": os.environ["OMP_NUM_THREADS"]}


def fail(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Fails in the requested way."""
    if request["how"] == "sentence":
        raise ValueError("`neighbours` must lie in [2, 200]. Got 1.\nAnd more.")
    if request["how"] == "crash":
        raise KeyError("out of paper")
    if request["how"] == "share":
        report(request["share"], "Reporting")
    return {"object": object() if request["how"] == "object" else None}
