"""Paths of the program's files, in a checkout or an installed package, and how to run its modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["APP", "module_command", "module_environment"]

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "installed"  # what the wheel brings of the checkout's top level; see pyproject.toml
_IS_INSTALLED = _INSTALLED.is_dir()
APP = (_INSTALLED if _IS_INSTALLED else _PACKAGE.parent) / "app.py"  # its Streamlit settings lie beside it


def module_command(*arguments: str) -> list[str]:
    """The command that runs one of our modules in another process, in the same working directory.

    `-P` excludes the working directory from the import path, so that a folder `models/` there does not hide
    ours.

    Arguments:
        arguments: Module and its arguments, e.g. "models", "train".
    """
    return [sys.executable, "-P", "-m", *arguments]


def module_environment() -> dict[str, str]:
    """The environment for `module_command`: one thread, and a checkout's modules on the import path."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    if not _IS_INSTALLED:
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(_PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
    return environment
