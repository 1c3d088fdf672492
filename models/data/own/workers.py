"""Runs tasks on many pictures: in this process if little work is left, else in worker processes.

Workers receive tasks and return results as JSON lines, so a picture that crashes a worker does not crash this process.
"""

from __future__ import annotations

__all__ = ["in_chunks", "spread"]

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from typing import Any

from models.data.own.sources import Pictures
from models.data.own.tasks import Task
from models.data.own.worker import perform
from models.system.child import start_python

WORKERS_AT_MOST = 16
WORTH = 8.0  # s, remaining work above which processes are started
Result = tuple[int, list[Any]]  # index of a task, one value per picture

START = "from models.data.own.worker import main; raise SystemExit(main())"


def in_chunks(count: int, size: int) -> list[range]:
    """Divides the rows 0..count-1 into chunks of `size`; the last one may be shorter."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def spread(pictures: Pictures, tasks: Sequence[Task]) -> Generator[Result, None, None]:
    """Runs tasks of similar size; yields the index of a task with its result, in any order. Close the generator.

    Arguments:
        pictures: Source of the pictures.
        tasks: Tasks, JSON values.

    Raises:
        RuntimeError: If a worker process ends prematurely.
    """
    count = min(WORKERS_AT_MOST, os.cpu_count() or 1)
    began = time.perf_counter()
    for number, task in enumerate(tasks):
        left = (time.perf_counter() - began) / max(1, number) * (len(tasks) - number)
        if number and left > WORTH and count > 1:
            with closing(_in_processes(pictures, tasks, number, count)) as results:
                yield from results
            return
        yield number, perform(pictures, task)


def _in_processes(
    pictures: Pictures, tasks: Sequence[Task], first: int, count: int
) -> Generator[Result, None, None]:
    """Runs the tasks from index `first` on in worker processes."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[int, list[Any] | None]] = queue.SimpleQueue()
    for number in range(first, len(tasks)):
        waiting.put(number)
    workers = [_start(pictures) for _ in range(min(count, len(tasks) - first))]
    threads = [
        threading.Thread(target=_feed, args=(worker, tasks, waiting, results), daemon=True)
        for worker in workers
    ]
    try:
        for thread in threads:
            thread.start()
        for _ in range(len(tasks) - first):
            number, result = results.get()
            if result is None:
                raise RuntimeError(
                    "A process that reads pictures ended prematurely: memory may have run out, or a picture crashes its "
                    f"reader. It is one of {len(tasks[number]['places'])} pictures from "
                    f"{str(tasks[number]['places'][0])[:120]} on."
                )
            yield number, result
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        for thread in threads:
            thread.join()
        for worker in workers:
            for stream in (worker.stdin, worker.stdout):
                if stream:
                    with suppress(OSError):  # unread tasks are dropped
                        stream.close()


def _start(pictures: Pictures) -> subprocess.Popen[str]:
    """Starts a worker and sends it the description of the source."""
    worker = start_python(START, text=True, encoding="utf-8")
    if worker.stdin:
        worker.stdin.write(json.dumps(pictures.about()) + "\n")
    return worker


def _feed(
    worker: subprocess.Popen[str],
    tasks: Sequence[Task],
    waiting: queue.SimpleQueue[int],
    results: queue.SimpleQueue[tuple[int, list[Any] | None]],
) -> None:
    """Sends a worker one task after another, until none is left or the worker ends."""
    if worker.stdin is None or worker.stdout is None:
        return
    while True:
        try:
            number = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            worker.stdin.write(json.dumps(tasks[number]) + "\n")
            worker.stdin.flush()
            results.put((number, json.loads(worker.stdout.readline())))
        except (OSError, ValueError):  # it ended, or was killed
            results.put((number, None))
            return
