"""Tests of the lock: one training at a time, with and without locks that child processes inherit."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from explorer.jobs.training_lock import TrainingBusy, TrainingLock


def test_a_child_that_inherits_it_holds_it_to_its_end(tmp_path: Path) -> None:
    lock = TrainingLock(tmp_path, "first")
    command = [sys.executable, "-c", "input()"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=lock.keep_open)
    lock.release()
    with pytest.raises(TrainingBusy, match="first is being trained"):
        TrainingLock(tmp_path, "second")
    child.communicate(b"\n")
    TrainingLock(tmp_path, "second").release()


def test_without_fcntl_as_on_windows_one_process_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_module = importlib.import_module

    def without_fcntl(name: str) -> Any:
        if name == "fcntl":
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(importlib, "import_module", without_fcntl)
    lock = TrainingLock(tmp_path, "first")
    assert lock.keep_open == ()
    with pytest.raises(TrainingBusy, match="Another run is being trained"):
        TrainingLock(tmp_path, "second")
    lock.release()
    TrainingLock(tmp_path, "second").release()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".training.lock").mkdir()
    with pytest.raises(OSError, match="cannot be written: Is a directory"):
        TrainingLock(tmp_path, "first")
