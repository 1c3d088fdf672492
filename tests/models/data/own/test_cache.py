"""Tests of preparing images: what is decoded is what was there, once, and whole or not at all."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data import data_available, load_data, open_images
from models.data.base import SPLITS
from models.data.own import Preparation, bytes_needed, prepare, preview, propose, shape_of
from tests.models.data.own import folder_of, picture, saved

TAGS = ("cat|tame", "dog", "dog|tame")


def pets(root: Path, count: int = 40) -> Path:
    rows = "".join(f"{n}.png,{n / 4},{'' if n % 5 == 0 else TAGS[n % 3]}\n" for n in range(count))
    return folder_of(
        root, {f"{n}.png": n for n in range(count)} | {"metadata.csv": f"file_name,age,tags\n{rows}"}
    )


def test_a_data_set_of_own_images(tmp_path: Path) -> None:
    found = open_images(pets(tmp_path))
    preparation = propose(found)
    assert (preparation.size, shape_of(found, preparation), bytes_needed(found, preparation)) == (
        12,
        (3, 12, 12),
        40 * 432,
    )
    prepared = prepare(preparation, found=found)
    assert prepared.splits == {"train": 32, "validation": 4, "test": 4} and prepared.distinct == 40
    seen: set[str] = set()
    for split in SPLITS:
        data = load_data("own-images", split, **preparation.as_options())
        assert isinstance(data.images, np.memmap) and data.images.flags.writeable
        assert len(data) == prepared.splits[split] and data.split == split
        for row, name in enumerate(data.texts["file"].values):
            n = int(name.removesuffix(".png"))
            np.testing.assert_array_equal(data.images[row], np.asarray(picture(n)))
            assert data.attributes["age"].values[row] == n / 4
            flags = [data.attributes[f"tags_{tag}"].values[row] for tag in ("cat", "dog", "tame")]
            assert flags == (
                [255] * 3 if n % 5 == 0 else [tag in TAGS[n % 3] for tag in ("cat", "dog", "tame")]
            )
        seen |= set(data.texts["file"].values)
    assert len(seen) == 40
    part = load_data("own-images", "train", limit=5, **preparation.as_options())
    assert len(part) == 5 and part.attributes["tags_cat"].title == "tags: cat"


def test_it_is_decoded_once_and_anew_when_the_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = pets(tmp_path)
    preparation = propose(open_images(root))
    first = prepare(preparation)
    with monkeypatch.context() as patch:
        patch.setattr("models.data.own.cache.open_images", None)
        assert prepare(preparation).folder == first.folder
    (root / "40.png").write_bytes(saved(picture(40)))
    second = prepare(preparation)
    assert second.folder != first.folder and len(second) == 41
    old, new = (set(each.load("test").texts["file"].values) for each in (first, second))
    assert len(old - new) <= 1
    options = preparation.as_options()
    shutil.rmtree(root)
    assert data_available("own-images", **options) is None
    assert len(load_data("own-images", "train", **options)) == second.splits["train"]  # from the cache
    shutil.rmtree(second.folder)
    assert "no longer exists" in str(data_available("own-images", **options))
    with pytest.raises(ValueError, match=r"does not exist\. Correct the path of the pictures"):
        load_data("own-images", **options)


def test_a_decoding_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = pets(tmp_path)
    (root / "9.png").write_bytes(saved(picture(9))[:200])  # cut short
    preparation = propose(open_images(root))
    monkeypatch.setattr("models.data.own.decoding.CHUNK", 8)

    def stop(share: float, what: str) -> None:
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(preparation, stop)
    shares: list[float] = []
    prepared = prepare(
        preparation, lambda share, what: shares.append(share) if what.startswith("Dec") else None
    )
    assert len(shares) == 2  # of five chunks three were done
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "other"))
    whole = prepare(preparation)
    np.testing.assert_array_equal(prepared.images, whole.images)
    assert (
        prepared.splits == whole.splits
        and [each.name for each in whole.refused] == ["9.png"]
        and len(whole) == 39
    )
    assert not [path for path in prepared.folder.parent.iterdir() if path.name.endswith(".part")]


def test_worker_processes_decode_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preparation = propose(open_images(pets(tmp_path)))
    alone = prepare(preparation)
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "other"))
    monkeypatch.setattr("models.data.own.workers.WORTH", 0.0)
    monkeypatch.setattr("models.data.own.decoding.CHUNK", 8)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    np.testing.assert_array_equal(prepare(preparation).images, alone.images)


def test_sizes_fits_and_channels(tmp_path: Path) -> None:
    root = folder_of(tmp_path, {f"{n}.png": saved(picture(n, (40, 30), "RGBA")) for n in range(6)})
    found = open_images(root)
    given = replace(propose(found), size=32, fit="crop")
    shapes = {
        "plain": (given, (3, 24, 32)),
        "grey": (replace(given, channels=1), (1, 24, 32)),
        "alpha": (replace(given, channels=4), (4, 24, 32)),
        "exact": (replace(given, height=16, width=16, fit="pad", background="#ff0000"), (3, 16, 16)),
    }
    for preparation, shape in shapes.values():
        assert prepare(preparation, found=found).images.shape[1:] == (shape[1], shape[2], shape[0])
    padded = prepare(shapes["exact"][0]).images
    assert any((preview(found, 0, shapes["exact"][0]) == image).all() for image in padded)
    assert (padded[:, 0] == (255, 0, 0)).all() and (padded[:, 8, 8] != (255, 0, 0)).any()
    unlike = folder_of(
        tmp_path / "unlike", {"a.png": saved(picture(0, (90, 30))), "b.png": saved(picture(1, (30, 60)))}
    )
    assert shape_of(open_images(unlike), Preparation(str(unlike), size=48)) == (3, 48, 48)


def test_kinds_that_were_chosen_decide_the_attributes(tmp_path: Path) -> None:
    found = open_images(pets(tmp_path))
    chosen = replace(propose(found), kinds={"age": "category", "tags": "ignore"})
    data = prepare(chosen).load("train")
    assert data.attributes.keys() == {"age"} and data.attributes["age"].kind == "categorical"
    with pytest.raises(ValueError, match=r"Unknown column 'colour'. Choose one of: age, tags"):
        prepare(replace(chosen, kinds={"colour": "number"}))
    with pytest.raises(ValueError, match=r"`group` must be a column of labels: age, tags. Got 'patient'"):
        prepare(replace(chosen, group="patient"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 7}, r"`size` must lie in 8..256 pixels. Got 7"),
        ({"size": 32.0}, "`size` must be of type int"),
        ({"fit": "zoom"}, "`fit` must be one of: crop, pad, stretch"),
        ({"background": "white"}, "`background` must be a colour such as #ffffff"),
        ({"channels": 2}, "`channels` must be 0"),
        ({"height": 32}, "`height` and `width` must both be 0"),
        ({"validation": 0.7}, "`validation` must be a share from 0 to 0.5"),
        ({"test": float("nan")}, "`test` must be a share"),
        ({"kinds": {"a": "colour"}}, "`kinds` of 'a' must be one of: category"),
        ({"kinds": {"A b": "id"}}, "`kinds` must name columns"),
        ({"group": "A b"}, "`group` must be the name of a column"),
        ({"seed": -1}, r"`seed` must lie in 0"),
        ({"seed": True}, "`seed` must be of type int"),
        ({"path": ""}, "`path` must be the path"),
        ({"path": "a\udcff"}, "`path` must be valid Unicode"),
        ({"sizes": 3}, "Unknown option 'sizes'. The data set 'own-images' offers: path, labels"),
    ],
)
def test_options_from_outside_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Preparation.from_options({"path": "/pictures", **options})


def test_options_need_a_path_and_come_back() -> None:
    with pytest.raises(ValueError, match="needs the option `path`"):
        Preparation.from_options({})
    preparation = Preparation("/pictures", kinds={"a": "id"}, test=0)
    assert Preparation.from_options(preparation.as_options()) == preparation


def test_damage_of_the_cache_is_noticed(tmp_path: Path) -> None:
    prepared = prepare(propose(open_images(pets(tmp_path))))
    (prepared.folder / "items.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"is damaged .*Delete its folder to prepare the images anew"):
        prepared.load("train")
    (prepared.folder / "about.json").write_text("{}")
    with pytest.raises(ValueError, match=r"about.json is damaged"):
        prepare(prepared.preparation)
