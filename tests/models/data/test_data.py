"""Tests of the table of data sets, and of what holds for each of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.data import DATASETS, OWN, data_available, load_data
from tests.models.data import NEEDS_DATA

SIZES = {
    "digits": (1_497, 300, (1, 8, 8)),
    "mnist": (60_000, 10_000, (1, 28, 28)),
    "fashion-mnist": (60_000, 10_000, (1, 28, 28)),
    "lpc-sprites": (20_000, 4_000, (3, 64, 64)),
    "frey-faces": (1_769, 196, (1, 28, 28)),
    "fruits-360": (1_764, 662, (3, 64, 64)),
}
ALL = [pytest.param(name, marks=() if name == "digits" else NEEDS_DATA) for name in SIZES]


@pytest.mark.parametrize("name", ALL)
def test_test_split_and_its_prefix(name: str) -> None:
    _, count, shape = SIZES[name]
    assert data_available(name) is None
    whole, part = load_data(name, "test"), load_data(name, "test", limit=70)
    assert (whole.name, whole.split) == (name, "test")
    assert (len(whole), whole.image_shape) == (count, shape)
    np.testing.assert_array_equal(whole.ids, np.arange(count))
    assert len(part) == 70
    np.testing.assert_array_equal(part.images, whole.images[:70])
    np.testing.assert_array_equal(part.ids, whole.ids[:70])
    assert part.attributes.keys() == whole.attributes.keys() != set()
    for key, attribute in part.attributes.items():
        np.testing.assert_array_equal(attribute.values, whole.attributes[key].values[:70])
    memory = part.images if part.images.base is None else part.images.base
    assert memory.nbytes == part.images.nbytes  # the rest of the split is let go


@pytest.mark.parametrize("name", ALL)
def test_train_split_is_another(name: str) -> None:
    count, _, shape = SIZES[name]
    train, test = load_data(name), load_data(name, "test", limit=70)
    assert (train.split, len(train), train.image_shape) == ("train", count, shape)
    assert train.images.flags.writeable  # torch warns where it is not
    known = {image.tobytes() for image in train.images}
    assert sum(image.tobytes() in known for image in test.images) <= 1


@pytest.mark.parametrize("name", ALL)
def test_only_frey_faces_are_not_publishable(name: str) -> None:
    assert load_data(name, "test", limit=1).publishable == (name != "frey-faces")


def test_limit_above_the_count_gives_all() -> None:
    assert len(load_data("digits", "test", limit=10**9)) == 300


def test_unknown_name() -> None:
    message = "Unknown data set 'mnits'. Choose one of: digits, mnist, .*faces"
    with pytest.raises(ValueError, match=message):
        load_data("mnits")
    with pytest.raises(ValueError, match=message):
        data_available("mnits")


def test_unknown_split() -> None:
    with pytest.raises(ValueError, match=r"`split` must be one of: train, validation, test\. Got 'valid'"):
        load_data("digits", "valid")


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "7"])
def test_bad_limit(limit: int) -> None:
    with pytest.raises(ValueError, match="`limit` must be an integer of at least 1, or None"):
        load_data("digits", limit=limit)


def test_unknown_option() -> None:
    with pytest.raises(ValueError, match=r"Unknown option 'seed'\. This data set offers: none"):
        load_data("digits", seed=1)


def test_table_imports_no_data_set() -> None:
    code = (
        "import sys, models.data; "
        "modules = {f'models.data.{each.module}' for each in models.data.DATASETS.values()}; "
        "print(sorted((modules | {'sklearn'}) & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_of_the_data_sets() -> None:
    assert list(DATASETS) == [*SIZES, "faces", OWN]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "lpc-sprites", "frey-faces", "fruits-360"])
def test_missing_file_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    reason = data_available(name)
    assert reason is not None
    assert str(tmp_path / name) in reason
    with pytest.raises(ValueError, match="is missing") as caught:
        load_data(name)
    assert f"{tmp_path / name}{os.sep}" in str(caught.value)


@pytest.mark.parametrize("name", ["lpc-sprites", "frey-faces", "fruits-360"])
def test_data_folder_is_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LATENT_DATA_DIR", raising=False)
    with pytest.raises(ValueError, match=f"LATENT_DATA_DIR is not set.*folder that holds {name}"):
        load_data(name)


def test_data_folder_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match=r"LATENT_DATA_DIR must name a folder, and .*nowhere"):
        load_data("mnist")
