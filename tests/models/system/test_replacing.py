"""Tests of replacing a folder: atomically if the system can, else by renames; other files are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.system.replacing import recover, replace_folder


@pytest.fixture(params=["exchange", "renames"])
def folders(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """A folder and its successor."""
    if request.param == "renames":
        monkeypatch.setattr("models.system.replacing._exchanged", lambda one, other: False)
    old, new = tmp_path / "run", tmp_path / ".run.new"
    old.mkdir()
    new.mkdir()
    for name in ("weights", "atlas", ".weights.half", "notes"):
        (old / name).write_text("old")
    (old / "deep" / "er").mkdir(parents=True)
    (old / "deep" / "er" / "file").write_text("old")
    (old / "link").symlink_to("nowhere")
    (new / "weights").write_text("new")
    return old, new


def test_other_files_are_kept(folders: tuple[Path, Path]) -> None:
    old, new = folders
    replace_folder(old, new, ("weights", "atlas"))
    assert sorted(path.name for path in old.iterdir()) == ["deep", "link", "notes", "weights"]
    assert (old / "weights").read_text() == "new" and (old / "notes").read_text() == "old"
    assert (old / "deep" / "er" / "file").read_text() == "old" and (old / "link").is_symlink()
    assert [path.name for path in old.parent.iterdir()] == ["run"]


def test_a_link_to_a_folder_stays_a_link(folders: tuple[Path, Path]) -> None:
    old, new = folders
    link = old.parent / "link"
    link.symlink_to(old)
    replace_folder(link, new, ("weights", "atlas"))
    assert link.is_symlink() and (link / "weights").read_text() == "new"


def test_a_failed_exchange_leaves_the_folder_as_it_was(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = folders
    new.rename(new.with_name("elsewhere"))
    with pytest.raises(OSError):
        replace_folder(old, new / "missing", ("weights", "atlas", "notes", "deep", "link"))
    assert (old / "weights").read_text() == "old"


def test_an_interrupted_replacement_is_recovered(tmp_path: Path) -> None:
    (tmp_path / ".run.old").mkdir()
    (tmp_path / ".run.old" / "weights").write_text("old")
    recover(tmp_path / "run")
    assert (tmp_path / "run" / "weights").read_text() == "old"
    recover(tmp_path / "run")
