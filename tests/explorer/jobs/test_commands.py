"""Jobs: another process' progress, result, failure and end, whatever it prints."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from explorer.jobs import commands
from explorer.jobs.commands import Job


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module `work` that a job can run, to be filled by the test."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "work.py"


def test_progress_and_result(script: Path) -> None:
    script.write_text(
        "import sys, time\n"
        "print('some library chats')\n"
        'print(\'{"share": 0.4, "what": "Half way"}\', flush=True)\n'
        "print('[1, 2]')\nprint('\"text\"')\n"
        "sys.stdin.read()\n"  # no terminal is held: this ends at once
        "time.sleep(0.4)\n"
        'print(\'{"view": "umap-0badcafe", "arguments": "\' + \' \'.join(sys.argv[1:]) + \'"}\')\n'
    )
    job = Job("work", "tiny-vae", "--seed", "3")
    assert job.running and job.result is None
    wait_for(lambda: job.what == "Half way")
    assert job.share == 0.4
    job.wait(20)
    assert not job.running
    assert job.result == {"view": "umap-0badcafe", "arguments": "tiny-vae --seed 3"}
    assert job.error is None


@pytest.mark.parametrize("line", ['{"share": 7}', '{"share": -1}', '{"share": "much"}', '{"share": null}'])
def test_a_share_is_kept_within_0_and_1_whatever_is_said(script: Path, line: str) -> None:
    script.write_text(f"print('{line}')\nprint('{{\"done\": 1}}')\n")
    job = Job("work")
    job.wait(20)
    assert 0 <= job.share <= 1
    assert job.result == {"done": 1}


def test_the_error_that_it_tells(script: Path) -> None:
    script.write_text(
        'print(\'{"error": "`neighbours` must lie in [2, 200]. Got 1."}\')\nraise SystemExit(1)\n'
    )
    job = Job("work")
    job.wait(20)
    assert job.error == "`neighbours` must lie in [2, 200]. Got 1." and job.result is None


def test_a_crash_is_told_with_the_last_lines_and_the_status(script: Path) -> None:
    script.write_text("raise RuntimeError('out of paper')\n")
    job = Job("work")
    job.wait(20)
    assert job.error is not None and "status 1" in job.error and "out of paper" in job.error


def test_cancel_ends_the_process_at_once(script: Path) -> None:
    script.write_text(
        'import os, time\nprint(\'{"share": 0.1, "what": "%d"}\' % os.getpid(), flush=True)\ntime.sleep(60)\n'
    )
    job = Job("work")
    wait_for(lambda: job.what.isdigit())
    began = time.monotonic()
    job.cancel()
    job.wait(5)
    assert time.monotonic() - began < 5
    assert not job.running and job.error == "Cancelled." and job.result is None
    with pytest.raises(ProcessLookupError):
        os.kill(int(job.what), 0)
    job.cancel()  # again does no harm


def test_what_was_ready_before_the_cancel_stays(script: Path) -> None:
    script.write_text('print(\'{"view": "x"}\', flush=True)\n')
    job = Job("work")
    job.wait(20)
    job.cancel()
    assert job.result == {"view": "x"} and job.error is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX priorities")
def test_it_gives_way_to_the_live_loop(script: Path) -> None:
    script.write_text(
        "import os, time\ntime.sleep(0.3)\n"
        "print('{\"nice\": %d, \"threads\": %s}' % (os.getpriority(os.PRIO_PROCESS, 0), os.environ['OMP_NUM_THREADS']))\n"
    )
    job = Job("work")
    job.wait(20)
    assert job.result == {"nice": os.getpriority(os.PRIO_PROCESS, 0) + commands.NICE, "threads": 1} or (
        job.result == {"nice": commands.NICE, "threads": 1}
    )


def wait_for(condition: object, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "It did not come about."
        time.sleep(0.01)
