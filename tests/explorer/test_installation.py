"""Tests of running the modules from any working directory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from explorer.installation import APP, module_command, module_environment


def test_the_app_and_its_settings_lie_side_by_side() -> None:
    assert APP.is_file() and (APP.parent / ".streamlit" / "config.toml").is_file()


def test_a_folder_of_the_same_name_does_not_hide_our_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("explorer", "models"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('hidden')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    environment = module_environment()
    done = subprocess.run(
        module_command("explorer.installation"), env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert environment["OMP_NUM_THREADS"] == "1"
