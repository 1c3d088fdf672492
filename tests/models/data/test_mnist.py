"""Tests of MNIST and Fashion-MNIST on their real files."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from models.data import load_data
from models.data.fashion_mnist import FASHION_MNIST
from models.data.idx import IdxDataset
from models.data.mnist import MNIST
from tests.models.data import NEEDS_DATA
from tests.models.data.server import Mirror, serve

BOTH = pytest.mark.parametrize("dataset", [MNIST, FASHION_MNIST], ids=lambda each: each.name)


def real(name: str) -> Path:
    return Path(os.environ["LATENT_DATA_DIR"]) / name


@NEEDS_DATA
@BOTH
def test_pinned_files_are_the_real_ones(dataset: IdxDataset) -> None:
    for remote in (each for pair in dataset.files.values() for each in pair):
        packed = (real(dataset.name) / remote.name).read_bytes()
        plain = gzip.decompress(packed)
        assert (len(packed), len(plain)) == (remote.length, remote.unpacked)
        assert hashlib.sha256(plain).hexdigest() == remote.sha256


@NEEDS_DATA
@BOTH
def test_download_of_the_real_files(
    dataset: IdxDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [remote.name for remote in dataset.files["test"]]
    files = {name: (real(dataset.name) / name).read_bytes() for name in names}
    expected = load_data(dataset.name, "test")
    monkeypatch.delenv("LATENT_DATA_DIR")
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(Mirror(files)) as mirror:
        monkeypatch.setenv(dataset.mirror_variable, mirror.address)
        data = load_data(dataset.name, "test")
    np.testing.assert_array_equal(data.images, expected.images)


@NEEDS_DATA
@BOTH
def test_every_category_has_its_share(dataset: IdxDataset) -> None:
    attribute = load_data(dataset.name, "test").attributes[dataset.attribute]
    counts = np.bincount(attribute.values)
    assert len(counts) == len(attribute.labels) == 10
    assert counts.min() > 800


@NEEDS_DATA
def test_garments_have_the_right_names() -> None:
    data = load_data("fashion-mnist", "test")
    garment = data.attributes["garment"]
    ink = {
        label: data.images[garment.values == value, ..., 0] > 64 for value, label in enumerate(garment.labels)
    }
    top = {label: images[:, :6].mean() for label, images in ink.items()}
    assert max(top["sandal"], top["sneaker"]) < min(top["coat"], top["dress"])  # shoes lie low
    assert ink["bag"][:, 20].mean() > ink["trouser"][:, 20].mean()
    assert ink["ankle boot"].mean() > ink["sneaker"].mean() > ink["sandal"].mean()


@NEEDS_DATA
def test_digits_have_the_right_names() -> None:
    data = load_data("mnist", "test")
    ink = [data.images[data.attributes["digit"].values == digit].mean() for digit in range(10)]
    assert np.argmin(ink) == 1
    assert np.argmax(ink) == 0
    assert data.attributes["digit"].labels == tuple("0123456789")
