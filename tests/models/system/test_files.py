"""Tests of writing files: atomic, with the permissions of the umask, and with errors that name a remedy."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from models.data import faces_cache
from models.system import settings
from models.system.files import StorageError, make_folder, remove_file, replace_file

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=[0o077, 0o027, 0o002], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_umask_decides_the_permissions(umask: int, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    for text in ("new", "replaced"):
        replace_file(path, lambda temporary, text=text: temporary.write_text(text))  # type: ignore[misc]
        assert path.read_text() == text and mode(path) == 0o666 & ~umask
    assert mode(path.parent) == 0o777 & ~umask
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def drawn(*_: object) -> Iterator[np.ndarray]:
    yield np.zeros((2, 64, 64, 3), np.uint8)


def test_drawn_faces_have_the_umasks_permissions(
    umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(faces_cache, "draw_batches", drawn)
    recipe = faces_cache.Recipe("test", {})
    faces_cache.write(np.zeros((2, 16), np.float32), np.empty((0, 64, 64, 3), np.uint8), recipe)
    assert mode(recipe.path(2)) == 0o666 & ~umask


def test_no_other_code_creates_temporary_files_or_sets_permissions() -> None:
    for path in [*ROOT.glob("models/**/*.py"), *ROOT.glob("explorer/**/*.py")]:
        text = path.read_text(encoding="utf-8")
        for bad in ("mkstemp", "NamedTemporaryFile", "os.chmod", ".chmod(", "os.replace("):
            allowed = path.name == "files.py" or (path.name == "download.py" and bad == "os.replace(")
            assert allowed or bad not in text, f"{path} has {bad!r}: use models.system.files"


def test_a_link_is_followed_and_a_device_is_written_to(tmp_path: Path) -> None:
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    replace_file(link, lambda path: path.write_text("text"))
    assert link.is_symlink() and target.read_text() == "text"
    replace_file(Path(os.devnull), lambda path: path.write_text("text"))
    assert Path(os.devnull).is_char_device()


def test_a_full_disk_is_reported_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(
        StorageError, match=rf"^{path} cannot be written: no space left on device\. Free some space"
    ):
        replace_file(path, full)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_full_cache_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))

    def full(_: Path) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    with pytest.raises(
        StorageError, match=r"Free some space, or set LATENT_CACHE_DIR to a folder on another disk\.$"
    ):
        replace_file(tmp_path / "maps" / "file", full)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a file": lambda path: replace_file(path, lambda temporary: temporary.write_text("text")),
    "a folder": make_folder,
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("cache", ["in the way", "x" * 300, "~nobody-of-this-name/cache"])
def test_an_unusable_cache_names_the_variable_to_set(
    write: Callable[[Path], None], cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in the way").write_text("a file")
    monkeypatch.setenv("LATENT_CACHE_DIR", cache if cache.startswith("~") else str(tmp_path / cache))
    folder = settings.cache_folder()
    assert not (folder / "maps").is_dir() and list((folder / "maps").glob("*")) == []
    with pytest.raises(StorageError, match=r"^The cache folder .* cannot be written: .*Set LATENT_CACHE_DIR"):
        write(folder / "maps" / "file")


def test_removing_a_missing_file_is_no_error(tmp_path: Path) -> None:
    remove_file(tmp_path / "nothing")
    (tmp_path / "file").write_text("text")
    with pytest.raises(StorageError, match="cannot be deleted"):
        remove_file(tmp_path)
    remove_file(tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_without_a_home_directory_nothing_is_found_and_saving_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LATENT_CACHE_DIR", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: {}["nobody"])
    assert not (settings.cache_folder() / "maps").exists()
    with pytest.raises(StorageError, match=r"there is no home directory\. Set LATENT_CACHE_DIR"):
        make_folder(settings.cache_folder() / "maps")
