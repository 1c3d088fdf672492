"""A worker process that reads pictures, with tasks and results as JSON lines; see `models.data.own.workers`."""

from __future__ import annotations

__all__ = ["main", "perform"]

import json
import sys

from models.data.own.readers import build
from models.data.own.sources import Pictures
from models.data.own.tasks import TASKS, Task


def perform(pictures: Pictures, task: Task) -> list[object]:
    """Performs a task and returns its result."""
    arguments = {name: value for name, value in task.items() if name != "do"}
    return TASKS[task["do"]](pictures, **arguments)


def main() -> int:
    """Reads a description of the source, then one task per line; writes a result for each."""
    pictures = build(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        print(json.dumps(perform(pictures, json.loads(line))), flush=True)
    return 0
