"""Tests of the original pictures behind the items."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from explorer.atlas.build import build
from explorer.atlas.storage import load_atlas
from explorer.scene import originals as originals_module
from explorer.scene.loaded import Loaded
from explorer.scene.originals import Originals, collect, main, original_path
from models import checkpoint
from models.collection import encode_collection
from models.data import load_data
from tests.own_pictures import write_pictures


def fresh(loaded: Loaded) -> Originals:
    return Originals(loaded.entry, loaded.atlas.ids, loaded.atlas.split, loaded.shape)


def wait(found: Originals) -> Originals:
    found.start()
    until = time.monotonic() + 120
    while found.state == "loading" and time.monotonic() < until:
        time.sleep(0.01)
    return found


def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the other process' work in this one."""

    def run(command: list[str], **_: object) -> object:
        class Done:
            returncode, stderr = main(command[command.index(originals_module.MODULE) + 1 :]), ""

        return Done

    monkeypatch.setattr(originals_module.subprocess, "run", run)


def test_originals_are_the_data_sets_pictures(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    in_process(monkeypatch)
    found = fresh(loaded)
    assert (found.state, found.get([0, 1])) == ("unasked", [None, None])
    assert wait(found).state == "ready"
    test, train = load_data("digits", "test"), load_data("digits", "train")
    pictures = found.get([7, 299])
    np.testing.assert_array_equal(pictures[0], test.images[7])
    np.testing.assert_array_equal(pictures[1], train.images[199])
    monkeypatch.setattr(originals_module.subprocess, "run", lambda *a, **b: pytest.fail("run twice"))
    assert wait(fresh(loaded)).state == "ready"


def test_a_process_of_its_own_does_it(loaded: Loaded) -> None:
    found = wait(fresh(loaded))
    assert (found.state, found.reason) == ("ready", "")
    assert found.get([0])[0].shape == (8, 8, 1)  # type: ignore[union-attr]


def test_rows_are_found_by_their_ids() -> None:
    ids = np.array([9, 3, 0, 5])
    pictures = collect({"name": "digits"}, ids, ["train", "test", "train", "test"])
    for place, (row, split) in enumerate(zip(ids, ["train", "test", "train", "test"], strict=True)):
        np.testing.assert_array_equal(pictures[place], load_data("digits", split).images[row])


def test_a_missing_data_set_gives_its_reason(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals_module, "data_available", lambda _: "It is not here.")
    found = wait(fresh(loaded))
    assert (found.state, found.reason) == ("absent", "It is not here.")
    assert found.get([0]) == [None]


def test_a_failed_process_gives_its_reason(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals_module, "MODULE", "explorer.live.nowhere")
    found = wait(fresh(loaded))
    assert found.state == "absent"
    assert "nowhere" in found.reason


def test_a_damaged_file_is_written_again(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    in_process(monkeypatch)
    path = original_path(loaded.entry, loaded.atlas.ids, loaded.atlas.split)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x93NUMPY junk")
    assert wait(fresh(loaded)).state == "ready"


def test_the_command_reports_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nobody"), str(tmp_path / "out.npy")]) == 1
    assert "nobody" in capsys.readouterr().err
    assert not (tmp_path / "out.npy").exists()


def test_own_images_are_memory_mapped_from_their_cache(
    tmp_path: Path, copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    in_process(monkeypatch)
    folder = encode_collection(
        copy_of_tiny, write_pictures(tmp_path / "mine"), copy_of_tiny.parent / "mine"
    ).folder
    build(folder, umap=False)
    entry = checkpoint.read(folder)
    atlas = load_atlas(entry)
    shutil.rmtree(tmp_path / "cache" / "own")  # prepared anew by the other process
    found = wait(Originals(entry, atlas.ids, atlas.split, (1, 8, 8)))
    assert (found.state, found.reason) == ("ready", "")
    card = entry.card
    assert card is not None
    row = atlas.split.index("train") + 2
    data = load_data("own-images", "train", **card.data["options"])
    np.testing.assert_array_equal(found.get([row])[0], data.images[int(atlas.ids[row])])
    assert not (tmp_path / "cache" / "originals").exists(), "no second copy"
    fewer = [split.replace("validation", "test") for split in atlas.split]
    assert (
        "have changed. Encode them again" in wait(Originals(entry, atlas.ids + 30, fewer, (1, 8, 8))).reason
    )
