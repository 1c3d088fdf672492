"""Runs the pythae peer in its own environment and reads its results."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer_venv import peer_python, run_peer
from benchmarks.server import ROOT, cores

__all__ = ["pythae"]

SCRIPT = ROOT / "benchmarks" / "peers" / "pythae_vae.py"
TIMEOUT = 1800  # s


def pythae(what: str, images: NDArray[Any], *arguments: str) -> dict[str, Any]:
    """The output of `benchmarks/peers/pythae_vae.py` for images (N, 1, 28, 28), on all cores.

    Raises:
        RuntimeError: If its environment cannot be created or it fails; the message has its last lines.
    """
    python = peer_python("pythae", "bench-pythae", ".venv-pythae", "measure ours alone with --no-peer")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npy"
        np.save(file, images)
        command = [python, SCRIPT, what, file, "--threads", cores(), *arguments]
        return run_peer("pythae", command, TIMEOUT)
