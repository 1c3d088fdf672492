"""Tests of spreading work on pictures over processes."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from models.data.own.sources import TreePictures
from models.data.own.tasks import Task
from models.data.own.trees import Folder
from models.data.own.workers import spread
from tests.models.data.own import folder_of


@pytest.fixture(autouse=True)
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but the first task goes to two worker processes."""
    monkeypatch.setattr("models.data.own.workers.WORTH", 0.0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def tasks_of(folder: Folder) -> list[Task]:
    return [{"do": "headers", "places": [[f.name, f.size, f.place]]} for f in folder.listing().files]


def test_results_are_those_of_one_process_and_a_job_that_stops_leaves_no_process(tmp_path: Path) -> None:
    folder = Folder(folder_of(tmp_path, {f"{n}.png": n for n in range(8)} | {os.fsdecode(b"\xff.png"): b"x"}))
    tasks = tasks_of(folder)
    with closing(spread(TreePictures(folder), tasks)) as results:
        found = dict(results)
    assert [found[n] for n in range(8)] == [[[12, 12, "RGB", []]]] * 8
    assert "not a supported picture" in found[8][0]
    with closing(spread(TreePictures(folder), tasks)) as results:
        assert next(results)[0] == 0 and next(results)[0] > 0


def test_a_process_that_ends_is_reported(tmp_path: Path) -> None:
    folder = Folder(folder_of(tmp_path, {f"{n}.png": n for n in range(4)}))
    tasks: list[Task] = [*tasks_of(folder)[:1], {"do": "nothing that it knows", "places": [["1.png", 9, 0]]}]
    message = r"A process that reads pictures ended prematurely.*1 pictures from \['1.png'"
    with pytest.raises(RuntimeError, match=message), closing(spread(TreePictures(folder), tasks)) as results:
        list(results)


def test_a_process_that_ends_before_it_reads_its_task_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "pass"]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        worker.wait()
        return worker

    monkeypatch.setattr("models.data.own.workers._start", start)
    folder = Folder(folder_of(tmp_path, {f"{n}.png": n for n in range(3)}))
    with pytest.raises(RuntimeError, match="ended prematurely"):
        list(spread(TreePictures(folder), tasks_of(folder)))
