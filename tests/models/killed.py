"""What `test_kills.py` runs in a process of its own: a training that is killed again and again, at random moments.

The process has imported everything once and taken some steps, and each attempt is a fork of it: that costs
milliseconds instead of seconds. It has one thread only, so nothing is lost in a fork.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

import models.training.loop
from models.card import CARD, TRAINING
from models.training.state import read_run
from models.training.train import Run, train

CPU = torch.device("cpu")
PARTS = 12  # parts of a run; a kill comes within two of them
AT_MOST = 120  # number of kills
RUN = Run(
    "vae",
    "digits",
    {"latent": 3, "width": 6, "network": "mlp"},
    epochs=60,
    batch=50,
    limit=300,
    save_every=2,
    rate_warmup=20,
    ema=0.9,
)


def fork(work: Callable[[], Any]) -> int:
    """Starts a child that does `work` and ends; its process id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def ended_within(child: int, seconds: float) -> bool:
    """Whether a child ends by itself in that time; else it is killed without warning."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            if status:
                raise RuntimeError(f"A training ended with status {status}.")
            return True
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    return not os.WIFSIGNALED(os.waitpid(child, 0)[1])


def kill_at_random(out: Path, kills: int, places: int) -> None:
    """Trains once undisturbed, then kills until `kills` have hit a run, and states of `places` steps were left.

    Each run that meets its end meanwhile stays, and the next begins in a new folder. Leaves `kills.json`: the steps
    of the state that each kill left behind, 0 for none.
    """
    began = time.monotonic()
    if not ended_within(fork(lambda: train(RUN, out / "whole", device=CPU)), 600):
        raise RuntimeError("The undisturbed training did not end within ten minutes.")
    whole = time.monotonic() - began
    chance = random.Random(0)
    left: list[int] = []
    run = 0
    while (len(left) < kills or len(set(left)) < places) and len(left) < AT_MOST:
        folder = out / f"killed-{run}"
        wait = chance.uniform(0, 2 * whole / PARTS)
        if ended_within(fork(lambda folder=folder: train(RUN, folder, resume=True, device=CPU)), wait):
            run += 1
            continue
        left.append(read_run(folder)[1] if (folder / TRAINING).is_file() else 0)
        if (folder / CARD).is_file() and not left[-1]:
            run += 1  # killed after its last write
    ended_within(fork(lambda: train(RUN, out / f"killed-{run}", resume=True, device=CPU)), 600)
    (out / "kills.json").write_text(json.dumps(left))


if __name__ == "__main__":
    torch.set_num_threads(1)
    models.training.loop.LOG_EVERY = 3
    tqdm.monitor_interval = 0  # no thread
    out = Path(sys.argv[1])
    train(replace(RUN, epochs=1), out / "warm-up", device=CPU)
    if threading.active_count() > 1:
        raise RuntimeError("A process with several threads cannot be forked safely.")
    kill_at_random(out, int(sys.argv[2]), int(sys.argv[3]))
