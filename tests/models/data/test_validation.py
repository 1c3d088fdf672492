"""Tests of the validation splits: those of all data sets differ from the training and the test images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.data import DATASETS, OWN, SEQUENCES, load_data, load_sequences, validation_rows
from models.data.base import SPLITS
from tests.models.data import NEEDS_DATA

# Options, size of the validation split, and how many of its images the training split has.
CASES: dict[str, tuple[dict[str, Any], int, int]] = {
    "digits": ({}, 150, 150),
    "mnist": ({}, 5_000, 5_000),
    "fashion-mnist": ({}, 5_000, 5_000),
    "lpc-sprites": ({}, 2_000, 2_000),
    "frey-faces": ({}, 177, 177),
    "fruits-360": ({}, 198, 0),
    "faces": ({"count": 60}, 60, 0),
    "moving-digits": ({"source": "digits", "frames": 2}, 150, 150),
    "oscillator": ({"frames": 2}, 5_000, 0),
}
NO_FILE = ("digits", "faces", "moving-digits", "oscillator")
MANY = 600  # training and test images compared with


def pictures(name: str, split: str, options: dict[str, Any]) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The images or sequences of a split, and their attributes."""
    if name in SEQUENCES:
        limit = None if split == "train" and name == "moving-digits" else MANY
        data = load_sequences(name, split, limit=limit, **options)
        return data.frames(np.arange(len(data))), data.attributes
    images = load_data(name, split, **options)
    return images.images, images.attributes


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in NO_FILE else NEEDS_DATA) for name in CASES]
)
def test_validation_images_are_neither_trained_on_nor_tested(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))
    options, size, within = CASES[name]
    rows = validation_rows(name, **options)
    assert len(rows) == within and (np.diff(rows) > 0).all()
    held, attributes = pictures(name, "validation", options)
    assert len(held) == min(size, MANY if name in SEQUENCES else size)
    again, _ = pictures(name, "validation", options)
    np.testing.assert_array_equal(again, held)

    train, of_train = pictures(name, "train", options)
    if within and name not in SEQUENCES:
        np.testing.assert_array_equal(train[rows], held)
        for key, attribute in attributes.items():
            np.testing.assert_array_equal(of_train[key].values[rows], attribute.values)
    kept = np.delete(train, rows, axis=0)
    known = {image.tobytes() for image in held}
    for others in (kept, pictures(name, "test", options)[0]):
        same = sum(image.tobytes() in known for image in others)
        assert same <= 0.001 * len(others)  # Fashion-MNIST has some images twice


def test_every_data_set_has_been_considered() -> None:
    assert set(CASES) == (set(DATASETS) | set(SEQUENCES)) - {OWN}
    assert SPLITS == ("train", "validation", "test")


def test_a_limit_gives_the_first_of_the_validation_images() -> None:
    whole, part = load_data("digits", "validation"), load_data("digits", "validation", limit=9)
    np.testing.assert_array_equal(part.images, whole.images[:9])
    np.testing.assert_array_equal(part.ids, np.arange(9))


def test_unknown_data_set() -> None:
    with pytest.raises(ValueError, match="Unknown data set 'mnits'"):
        validation_rows("mnits")
