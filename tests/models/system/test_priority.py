"""Tests of the priority of background processes: a session of its own is lowered as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.system.priority import lower_priority

AUTOGROUP = Path("/proc/self/autogroup")


@pytest.mark.parametrize("own_session", [False, True])
def test_a_process_is_lowered_and_its_session_if_it_leads_one(own_session: bool) -> None:
    before = AUTOGROUP.read_text() if AUTOGROUP.exists() else ""
    command = [sys.executable, "-c", "print(flush=True); input()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, start_new_session=own_session, **pipes) as child:
        assert child.stdout is not None
        child.stdout.readline()  # it has begun, in its session
        lower_priority(child.pid, 12)
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == 12
        if before:
            session = Path(f"/proc/{child.pid}/autogroup").read_text().split()[-1]
            assert session == ("12" if own_session else before.split()[-1])
        child.communicate(b"\n")
    assert not before or AUTOGROUP.read_text() == before, "this session stays as it is"


def test_a_process_that_has_ended_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
        lower_priority(child.pid, 12)
