"""Lowers the priority of a process that works in the background."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["lower_priority"]


def lower_priority(process: int, niceness: int) -> None:
    """Makes a process yield to others, as far as the system allows.

    Linux may share the cores among sessions first and obey the niceness only inside each session ("autogroup"). A
    process that leads a session of its own therefore lowers that session, too.

    Arguments:
        process: Its id; it must belong to this user.
        niceness: 0 (not at all) to 19 (only idle cores).
    """
    if niceness == 0:
        return
    with contextlib.suppress(OSError, AttributeError):  # Windows has no such call
        os.setpriority(os.PRIO_PROCESS, process, niceness)
    with contextlib.suppress(OSError, AttributeError):
        if os.getsid(process) == process:
            Path(f"/proc/{process}/autogroup").write_text(str(niceness), encoding="ascii")
