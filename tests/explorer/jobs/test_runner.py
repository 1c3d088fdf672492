"""Jobs: progress, result, error, cancel, one per key, and the end of the parent."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from explorer.installation import module_environment
from explorer.jobs.runner import start
from tests.explorer.jobs import work


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "The condition did not become true."
        time.sleep(0.01)


def is_free(path: Path) -> bool:
    """Whether no process holds the lock on a file."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def test_progress_a_partial_result_and_a_result_with_arrays() -> None:
    numbers = np.arange(200_000, dtype=np.float32).reshape(2, -1)  # more than a pipe holds
    job = start(work.scale, work.Scale(numbers, factor=0.5))
    assert job.running and job.result is None and job.partial is None
    wait_for(lambda: job.partial)
    assert job.running and (job.share, job.what) == (0.4, "Multiplying")
    assert job.partial is not None
    np.testing.assert_array_equal(job.partial["so far"], numbers[:1], strict=True)
    job.wait(20)
    assert not job.running and job.error is None and job.result is not None
    assert job.result["factor"] == 0.5
    np.testing.assert_array_equal(job.result["scaled"], numbers / 2, strict=True)


def test_the_newest_report_arrives_before_the_result_at_a_low_priority(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LATENT_JOB_NICENESS", "10")
    job = start(work.hurry, {"steps": 5_000})
    job.wait(20)
    assert (job.share, job.what) == (1.0, "Step 5000")
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert job.result is not None and job.result["threads"] == "1"
    assert job.result["nice"] in (10, min(19, own + 10))


@pytest.mark.parametrize("share", [7, -1, float("nan")])
def test_a_share_is_kept_within_0_and_1(share: float) -> None:
    job = start(work.fail, {"how": "share", "share": share})
    job.wait(20)
    assert 0 <= job.share <= 1 and job.result == {"object": None}


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("sentence", "`neighbours` must lie in [2, 200]. Got 1."),
        ("crash", "It ended with status 1: KeyError: 'out of paper'."),
        ("object", "It ended with status 1: TypeError: A message cannot hold a value of type object."),
    ],
)
def test_an_error_is_one_sentence(how: str, text: str) -> None:
    job = start(work.fail, {"how": how})
    job.wait(20)
    assert not job.running and job.result is None and job.error == text


def test_an_invalid_request_is_an_error_of_the_job() -> None:
    job = start(work.scale, {"numbers": np.ones(1), "factor": 0.0})  # type: ignore[arg-type]
    job.wait(20)
    assert job.error == "`factor` must not be 0."


def test_a_request_that_cannot_be_sent_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="cannot hold a value of type object"):
        start(work.fail, {"how": object()})


def test_cancel_ends_the_process_at_once(tmp_path: Path) -> None:
    job = start(work.hold, {"path": str(tmp_path / "lock")})
    wait_for(lambda: job.partial)
    began = time.monotonic()
    job.cancel()
    job.wait(5)
    assert time.monotonic() - began < 5
    assert not job.running and job.error == "Cancelled." and job.result is None
    assert job.partial is not None
    with pytest.raises(ProcessLookupError):
        os.kill(job.partial["pid"], 0)  # nor is it a zombie
    job.cancel()  # cancelling again is harmless


def test_cancel_ends_the_processes_of_a_job_too(tmp_path: Path) -> None:
    job = start(work.hold_in_a_child, {"path": str(tmp_path / "lock")})
    wait_for(lambda: job.partial)
    job.cancel()
    job.wait(5)
    assert job.error == "Cancelled."
    wait_for(lambda: is_free(tmp_path / "lock"), 5)


def test_a_result_outlasts_a_late_cancel() -> None:
    job = start(work.hurry, {"steps": 1})
    job.wait(20)
    job.cancel()
    assert job.result is not None and job.error is None


def test_one_key_has_one_job(tmp_path: Path) -> None:
    first, second = {"path": str(tmp_path / "a")}, {"path": str(tmp_path / "b")}
    job = start(work.hold, first, key="place")
    assert start(work.hold, first, key="place") is job
    beside = [start(work.hold, first), start(work.hold, first, key="another")]
    assert job not in beside and beside[0] is not beside[1]
    wait_for(lambda: job.partial or any(each.partial for each in beside))
    replacing = start(work.hold, second, key="place")
    assert not job.running and job.error == "Cancelled." and replacing.running
    replacing.cancel()
    again = start(work.hold, second, key="place")
    assert again is not replacing and again.running, "a cancelled job is not joined"
    for each in (*beside, again):
        each.cancel()
        each.wait(5)
    assert is_free(tmp_path / "a") and is_free(tmp_path / "b")


@pytest.mark.parametrize(
    ("job", "how"),
    [("hold", signal.SIGKILL), ("hold", signal.SIGTERM), ("hold_in_a_child", signal.SIGKILL)],
)
def test_a_job_ends_with_its_parent(tmp_path: Path, job: str, how: signal.Signals) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, time\nfrom explorer.jobs.runner import start\nfrom tests.explorer.jobs import work\n"
        f"job = start(work.{job}, {{'path': sys.argv[1]}})\n"
        "while job.partial is None: time.sleep(0.01)\n"
        "print('started', flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True, env=module_environment()
    )
    try:
        assert parent.stdout is not None and parent.stdout.readline() == "started\n"
        assert not is_free(path)
        parent.send_signal(how)
    finally:
        parent.kill()
        parent.communicate()
    wait_for(lambda: is_free(path), 10)
