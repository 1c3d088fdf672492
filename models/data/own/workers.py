"""Work on many pictures: here as long as little is left, in worker processes where it takes longer than they take to start."""

from __future__ import annotations

__all__ = ["in_chunks", "spread"]

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

WORKERS_AT_MOST = 16
WORTH = 8.0  # s of work left that are worth the start of processes
AHEAD = 3  # tasks a worker that wait, so that a cancelled job ends soon


def in_chunks(count: int, size: int) -> list[range]:
    """The rows 0..count-1 in chunks of `size`, the last one shorter."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def spread(function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[T, R]]:
    """Calls a function for each task; results as they come.

    Arguments:
        function: Of a module, so that a worker process can import it.
        tasks: Arguments that can be sent to a process, of about equal work.
    """
    count = min(WORKERS_AT_MOST, os.cpu_count() or 1)
    alone = count < 2 or multiprocessing.parent_process() is not None
    began = time.perf_counter()
    for number, task in enumerate(tasks):
        left = (time.perf_counter() - began) / max(1, number) * (len(tasks) - number)
        if number and left > WORTH and not alone:
            yield from _in_processes(function, tasks[number:], count)
            return
        yield task, function(task)


def _in_processes(function: Callable[[T], R], tasks: Sequence[T], count: int) -> Iterator[tuple[T, R]]:
    done: set[int] = set()
    try:
        with ProcessPoolExecutor(min(count, len(tasks)), multiprocessing.get_context("spawn")) as pool:
            try:
                for number, result in _results(pool, function, tasks, count * AHEAD):
                    done.add(number)
                    yield tasks[number], result
            except GeneratorExit:
                pool.shutdown(cancel_futures=True)
                raise
    except BrokenProcessPool:  # a script without `if __name__ == "__main__":`, or too little memory
        for number, task in enumerate(tasks):
            if number not in done:
                yield task, function(task)


def _results(
    pool: ProcessPoolExecutor, function: Callable[[Any], R], tasks: Sequence[Any], ahead: int
) -> Iterator[tuple[int, R]]:
    waiting: dict[Future[R], int] = {}
    following = iter(enumerate(tasks))
    while True:
        for number, task in following:
            waiting[pool.submit(function, task)] = number
            if len(waiting) >= ahead:
                break
        if not waiting:
            return
        future = next(as_completed(waiting))
        yield waiting.pop(future), future.result()
