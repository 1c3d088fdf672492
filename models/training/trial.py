"""A few steps without consequence: which batch the memory holds, and how long a step takes on this machine.

Threads wait for each other many times a step. Where other programs use the cores, several are many times slower than one
(measured on two busy cores: 1.4 s a step instead of 0.05), so that one is tried too.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from models.base import Autoencoder
from models.training.distributed import Processes
from models.training.examples import Examples, to_floats
from models.training.randomness import Stream, seeded
from models.training.run import OPTIMIZERS, Run

__all__ = ["BATCH", "keeping_threads", "out_of_memory", "try_steps"]

BATCH = 128  # images a step where the run names none
STEPS = 3  # that are made, the first not timed
LACKS = ("out of memory", "DefaultCPUAllocator", "not enough memory")  # in the messages of torch


def try_steps(run: Run, model: Autoencoder, examples: Examples, team: Processes) -> tuple[Run, float]:
    """Makes a few steps with a copy of the model; where the memory does not suffice, with half the batch.

    Arguments:
        run: What is to be trained. A `batch` of 0 begins with `BATCH`.
        model: Untrained; it stays as it is.
        examples: To train on.
        team: The processes. Only one alone tries a smaller batch.

    Returns:
        The run with a batch that fits, and seconds a step.

    Raises:
        ValueError: If the memory does not even hold one image.
    """
    batch = run.batch or min(BATCH, len(examples))
    while True:
        try:
            run = replace(run, batch=batch)
            seconds = timed_steps(run, model, examples, team)
            return run, team.most(choose_threads(run, model, examples, team, seconds))
        except RuntimeError as error:
            if not out_of_memory(error) or team.count > 1:
                raise
        if team.device.type == "cuda":
            torch.cuda.empty_cache()
        if batch == 1:
            raise ValueError(
                "Training needs more memory than there is, even for one image. Choose a smaller network."
            )
        batch //= 2


def choose_threads(
    run: Run, model: Autoencoder, examples: Examples, team: Processes, seconds: float
) -> float:
    """Lets torch compute in one thread where all, which take `seconds` a step, are slower; seconds a step then."""
    threads = torch.get_num_threads()
    if team.device.type != "cpu" or team.count > 1 or threads == 1:
        return seconds
    torch.set_num_threads(1)
    alone = timed_steps(run, model, examples, team)
    if alone >= seconds:
        torch.set_num_threads(threads)
    return min(alone, seconds)


@contextmanager
def keeping_threads() -> Iterator[None]:
    """Gives torch its number of threads back at the end."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def timed_steps(run: Run, model: Autoencoder, examples: Examples, team: Processes) -> float:
    """Seconds of a step of a copy of the model, the mean of those after the first."""
    trained = copy.deepcopy(model).train()
    optimizer = OPTIMIZERS[run.optimizer](trained.parameters(), lr=run.rate)
    rows = torch.arange(min(run.batch, len(examples)))
    seconds = []
    for _ in range(STEPS):
        began = time.perf_counter()
        x = to_floats(examples.read(team.share(rows)), team.device)
        team.begin(len(rows))
        generator = seeded(team.generator, run.seed, Stream.NOISE)
        with torch.autocast(team.device.type, torch.bfloat16, enabled=run.bf16):
            loss = trained.loss(x, generator=generator).total
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss.item()  # waits for a GPU
        seconds.append(time.perf_counter() - began)
    return sum(seconds[1:]) / len(seconds[1:])


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch says that the memory, of the GPU or of the machine, does not suffice."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in LACKS)
