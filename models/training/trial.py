"""Trial steps: they find the largest batch that fits into memory, and the time per step on this machine.

Threads synchronise many times per step. If other programs use the cores, several threads can be much slower than one
(measured on two busy cores: 1.4 s per step instead of 0.05), so a single thread is tried too.
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

__all__ = ["BATCH", "out_of_memory", "restore_threads", "try_steps"]

BATCH = 128  # default number of images per step
STEPS = 3  # trial steps; the first is not timed
OUT_OF_MEMORY = ("out of memory", "DefaultCPUAllocator", "not enough memory")  # in torch's messages


def try_steps(run: Run, model: Autoencoder, examples: Examples, processes: Processes) -> tuple[Run, float]:
    """Takes a few steps with a copy of the model, and halves the batch until it fits into memory.

    Arguments:
        run: The run. A `batch` of 0 starts with `BATCH`.
        model: The untrained model, which is not changed.
        examples: Training examples.
        processes: The processes. Only a single process tries smaller batches.

    Returns:
        The run with a batch that fits, and the time per step in seconds.

    Raises:
        ValueError: If not even one image fits into memory.
    """
    batch = run.batch or min(BATCH, len(examples))
    while True:
        try:
            run = replace(run, batch=batch)
            seconds = timed_steps(run, model, examples, processes)
            return run, processes.largest(choose_threads(run, model, examples, processes, seconds))
        except RuntimeError as error:
            if not out_of_memory(error) or processes.count > 1:
                raise
        if processes.device.type == "cuda":
            torch.cuda.empty_cache()
        if batch == 1:
            raise ValueError("Not even one image fits into memory. Choose a smaller network.")
        batch //= 2


def choose_threads(
    run: Run, model: Autoencoder, examples: Examples, processes: Processes, seconds: float
) -> float:
    """Sets torch to one thread if that is faster than all, which take `seconds`; returns the time per step."""
    threads = torch.get_num_threads()
    if processes.device.type != "cpu" or processes.count > 1 or threads == 1:
        return seconds
    torch.set_num_threads(1)
    single = timed_steps(run, model, examples, processes)
    if single >= seconds:
        torch.set_num_threads(threads)
    return min(single, seconds)


@contextmanager
def restore_threads() -> Iterator[None]:
    """Restores torch's number of threads at the end."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def timed_steps(run: Run, model: Autoencoder, examples: Examples, processes: Processes) -> float:
    """Measures the time per step of a copy of the model, in seconds, averaged over the steps after the first."""
    trial = copy.deepcopy(model).train()
    optimizer = OPTIMIZERS[run.optimizer](trial.parameters(), lr=run.rate)
    rows = torch.arange(min(run.batch, len(examples)))
    seconds = []
    for _ in range(STEPS):
        began = time.perf_counter()
        x = to_floats(examples.read(processes.share(rows)), processes.device)
        processes.begin_step(len(rows))
        generator = seeded(processes.generator, run.seed, Stream.NOISE)
        with torch.autocast(processes.device.type, torch.bfloat16, enabled=run.bf16):
            loss = trial.loss(x, generator=generator).total
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss.item()  # waits for a GPU
        seconds.append(time.perf_counter() - began)
    return sum(seconds[1:]) / len(seconds[1:])


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch means that the memory of the GPU or of the machine is exhausted."""
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in OUT_OF_MEMORY)
