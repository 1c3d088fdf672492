"""Commands: progress, result, failure and end of another program, whatever it prints."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.jobs.commands import Command


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module `work` that a command can run, to be filled by the test."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "work.py"


def ended(command: Command) -> Command:
    command.wait(20)
    assert not command.running
    return command


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "The condition did not become true."
        time.sleep(0.01)


def test_progress_and_result(script: Path) -> None:
    script.write_text(
        "import sys, time\n"
        "print('some library chats 3/4 [step')\n"
        'print(\'{"share": 0.4, "what": "Training", "done": 2, "total": 5}\', flush=True)\n'
        "print('[1, 2]')\nprint('\"text\"')\nprint('{}')\nprint('[' * 5000)\n"
        "time.sleep(0.4)\n"
        "print('{\"result\": {\"arguments\": \"' + ' '.join(sys.argv[1:]) + '\"}}')\n"
    )
    command = Command("work", "tiny-vae", "--seed", "3")
    assert command.running and command.result is None
    wait_for(lambda: command.what == "Training")
    assert (command.share, command.done, command.total) == (0.4, 2, 5)
    assert ended(command).result == {"arguments": "tiny-vae --seed 3"} and command.error is None


@pytest.mark.parametrize(
    "line",
    [
        '{"share": 7, "what": "a"}',
        '{"share": -1, "what": "a"}',
        '{"share": NaN, "what": "a"}',
        '{"share": "much"}',
        '{"share": null}',
        '{"share": 0.5, "what": "a", "done": 9, "total": 5}',
        '{"share": 0.5, "what": "a", "done": "x"}',
    ],
)
def test_invalid_numbers_are_bounded_or_ignored(script: Path, line: str) -> None:
    script.write_text(f"print('{line}')\nprint('{{\"result\": {{}}}}')\n")
    command = ended(Command("work"))
    assert 0 <= command.share <= 1 and (command.done, command.total) == (0, 0)
    assert command.result == {} and command.error is None


def test_an_error_is_the_reported_sentence(script: Path) -> None:
    script.write_text('print(\'{"error": "`epochs` must be at least 1. Got 0."}\')\nraise SystemExit(1)\n')
    command = ended(Command("work"))
    assert command.error == "`epochs` must be at least 1. Got 0." and command.result is None


def test_a_crash_gives_its_status_and_last_line(script: Path) -> None:
    script.write_text("raise RuntimeError('out of paper')\n")
    assert ended(Command("work")).error == "It ended with status 1: RuntimeError: out of paper."


def test_an_endless_line_is_read_in_parts(script: Path) -> None:
    script.write_text(
        "import sys\nsys.stderr.write('x' * 300_000)\nprint('y' * 300_000)\nraise SystemExit(2)\n"
    )
    error = ended(Command("work")).error
    assert error is not None and error.startswith("It ended with status 2: ") and len(error) < 600


def test_cancel_ends_it_at_once_and_releases_its_lock(script: Path, tmp_path: Path) -> None:
    script.write_text(
        'import os, time\nprint(\'{"share": 0.1, "what": "%d"}\' % os.getpid(), flush=True)\ntime.sleep(60)\n'
    )
    with (tmp_path / "lock").open("w") as lock, (tmp_path / "lock").open("w") as other:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = Command("work", keep_open=(lock.fileno(),))
        lock.close()
        wait_for(lambda: command.what.isdigit())
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        command.cancel()
        command.wait(5)
        assert not command.running and command.error == "Cancelled." and command.result is None
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(ProcessLookupError):
        os.kill(int(command.what), 0)
    command.cancel()  # cancelling again is harmless


def test_a_result_outlasts_a_late_cancel(script: Path) -> None:
    script.write_text('print(\'{"result": {"view": "x"}}\', flush=True)\n')
    command = ended(Command("work"))
    command.cancel()
    assert command.result == {"view": "x"} and command.error is None
