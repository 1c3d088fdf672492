"""Tests of scikit-learn's digits."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from models.data import load_data

FIRST = [4, 5, 7, 8, 9, 8, 4, 7]  # of the test split


def test_splits_hold_every_scan_once_with_its_digit() -> None:
    bunch = load_digits()
    parts = [load_data("digits", split) for split in ("train", "test")]
    images = np.concatenate([part.images[..., 0] for part in parts])
    digits = np.concatenate([part.attributes["digit"].values for part in parts])
    ours = sorted((image.tobytes(), int(digit)) for image, digit in zip(images, digits, strict=True))
    scaled = np.floor(bunch.images * 255 / 16 + 0.5).astype(np.uint8)
    theirs = sorted((image.tobytes(), int(digit)) for image, digit in zip(scaled, bunch.target, strict=True))
    assert ours == theirs


def test_whole_range_is_used() -> None:
    images = load_data("digits").images
    assert (images.min(), images.max()) == (0, 255)


def test_split_is_fixed() -> None:
    first = load_data("digits", "test", limit=8).attributes["digit"].values
    assert first.tolist() == FIRST


def test_every_digit_is_tested() -> None:
    assert np.bincount(load_data("digits", "test").attributes["digit"].values).min() >= 20
