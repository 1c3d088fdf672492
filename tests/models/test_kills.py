"""Test of kills: a killed training resumes to the same result as an uninterrupted one, bitwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models import checkpoint
from models.card import WEIGHTS
from models.training.log import CURVES

ROOT = Path(__file__).resolve().parents[2]
KILLS, PLACES = 20, 10


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can fork")
def test_a_run_killed_twenty_times_is_bitwise_identical(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.models.killed", str(tmp_path), str(KILLS), str(PLACES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert process.returncode == 0, process.stderr[-4000:]
    left = json.loads((tmp_path / "kills.json").read_text())
    assert len(left) >= KILLS and len(set(left)) >= PLACES  # in the middle of the work, not before it
    whole = tmp_path / "whole"
    killed = sorted(tmp_path.glob("killed-*"))
    for folder in killed:
        assert (folder / CURVES).read_bytes() == (whole / CURVES).read_bytes()
        assert (folder / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
        assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in whole.iterdir())
        assert checkpoint.verify(checkpoint.read(folder)).error is None
    assert killed
