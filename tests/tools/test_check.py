"""Tests of which tests `make check` runs."""

from __future__ import annotations

from pathlib import Path

from tools.check import ALWAYS, related_tests


def test_a_changed_module_has_the_tests_at_the_mirrored_path() -> None:
    changed = {
        "explorer/atlas/umap_maps.py",
        "explorer/__main__.py",
        "models/data/idx.py",
        "app.py",
        "README.md",
    }
    found = {str(path) for path in related_tests({Path(name) for name in changed}) if path not in ALWAYS}
    assert found == {
        "tests/explorer/atlas/test_umap_maps.py",
        "tests/explorer/test_main.py",
        "tests/models/data/test_idx.py",
    }


def test_a_changed_test_runs_unless_it_needs_the_browser_or_is_gone() -> None:
    changed = [
        "tests/explorer/atlas/test_umap_maps.py",
        "tests/browser/test_stage.py",
        "tests/explorer/test_gone.py",
        "tests/conftest.py",
    ]
    assert set(related_tests({Path(name) for name in changed})) == ALWAYS | {
        Path("tests/explorer/atlas/test_umap_maps.py")
    }
