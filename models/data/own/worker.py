"""A process that reads pictures for another one: lines of JSON come in and go out; see `models.data.own.workers`."""

from __future__ import annotations

__all__ = ["main", "perform"]

import json
import sys

from models.data.own.readers import build
from models.data.own.sources import Pictures
from models.data.own.tasks import TASKS, Task


def perform(pictures: Pictures, task: Task) -> list[object]:
    """The result of a task."""
    arguments = {name: value for name, value in task.items() if name != "do"}
    return TASKS[task["do"]](pictures, **arguments)


def main() -> int:
    """Reads a description of the source, then tasks, one a line; writes a result for each."""
    pictures = build(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        print(json.dumps(perform(pictures, json.loads(line))), flush=True)
    return 0
