"""Starts a Python process that can import this package, wherever it is installed and whatever the working directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["start_python"]

ROOT = Path(__file__).resolve().parents[2]


def start_python(code: str, **options: Any) -> subprocess.Popen[Any]:
    """Starts `python -c CODE` with pipes to its standard input and from its standard output.

    Arguments:
        code: Imports what it runs; the working directory is not searched for modules.
        options: Further arguments of `subprocess.Popen`.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        **options,
    )
