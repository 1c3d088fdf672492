"""Virtual environments of peers whose needs do not go together with the explorer's."""

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
    """The Python of a peer's environment, which is made where it is missing.

    Arguments:
        peer: Its name, for messages.
        group: Dependency group in pyproject.toml with its pinned requirements.
        folder: Of the environment, in the project's folder.
        otherwise: What to do without it, for the message.

    Raises:
        RuntimeError: If it can not be made, with the command.
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
    """Runs a peer's script from the project's folder and reads the JSON of its last line.

    Arguments:
        peer: Its name, for messages.
        command: Python, script and arguments.
        timeout: In s.

    Raises:
        RuntimeError: If it fails, with its last lines.
    """
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=timeout,
                          check=False)  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{peer} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
