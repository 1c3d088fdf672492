"""Virtual environments of peers whose dependencies conflict with the explorer's."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.server import ROOT

__all__ = ["peer_python", "run_peer"]


def peer_python(peer: str, group: str, folder: str, otherwise: str) -> Path:
    """The Python of a peer's environment, which is created if it is missing.

    Arguments:
        peer: Its name, for messages.
        group: Dependency group in pyproject.toml with its pinned requirements.
        folder: Of the environment, in the project's folder.
        otherwise: The alternative without it, for the message.

    Raises:
        RuntimeError: If it cannot be created; the message gives the command.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted: list[str] = project["dependency-groups"][group]
    venv = ROOT / folder
    python, ready = venv / "bin" / "python", venv / ".ready"
    if ready.exists() and ready.read_text().splitlines() == wanted:
        return python
    print(f"Installing the group {group} into {folder} for {peer} (once) …", file=sys.stderr)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    for command in ([sys.executable, "-m", "venv", folder], pip):
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            raise RuntimeError(f"`{' '.join(command)}` failed. Run it by hand, or {otherwise}.")
    ready.write_text("\n".join(wanted))
    return python


def run_peer(peer: str, command: Sequence[object], timeout: float) -> dict[str, Any]:
    """Runs a peer's script from the project's folder and parses the JSON in its last line.

    Arguments:
        peer: Its name, for messages.
        command: Python, script and arguments.
        timeout: Seconds.

    Raises:
        RuntimeError: If it fails; the message has its last lines.
    """
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{peer} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))
