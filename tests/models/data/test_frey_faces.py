"""Tests of the Frey faces."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from models.data import load_data, validation_rows
from models.data.frey_faces import FILE, GREY, PADDING, content
from tests.models.data import NEEDS_DATA


def save(folder: Path, frames: np.ndarray) -> None:
    (folder / FILE).parent.mkdir()
    np.savez_compressed(folder / FILE, images=frames)


@pytest.fixture
def frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    made = np.random.default_rng(0).integers(0, 256, (1_965, 28, 20), np.uint8)
    save(tmp_path, made)
    return made


def test_every_tenth_frame_is_tested(frames: np.ndarray) -> None:
    train, test = load_data("frey-faces"), load_data("frey-faces", "test")
    np.testing.assert_array_equal(test.images[:, :, 4:24, 0], frames[9::10])
    np.testing.assert_array_equal(train.images[:11, :, 4:24, 0], frames[[*range(9), 10, 11]])
    for data in (train, test):
        times = data.attributes["frame"].values * 1_964
        np.testing.assert_allclose(frames[np.rint(times).astype(int)], data.images[:, :, 4:24, 0])
    assert train.attributes["frame"].values[[0, -1]].tolist() == [0.0, 1.0]


def test_padding_is_flat(frames: np.ndarray) -> None:
    images = load_data("frey-faces", "test").images
    assert images.shape[1:] == (28, 20 + 2 * PADDING, 1) == (28, 28, 1)
    assert (images[:, :, :PADDING] == GREY).all()
    assert (images[:, :, -PADDING:] == GREY).all()


def test_blocks_of_film_are_contiguous_and_padding_can_be_left_out(frames: np.ndarray) -> None:
    parts = {
        split: load_data("frey-faces", split, blocks=True, padding=False)
        for split in ("train", "validation", "test")
    }
    assert [len(part) for part in parts.values()] == [1_575, 195, 195]
    times = {
        split: np.rint(part.attributes["frame"].values * 1_964).astype(int) for split, part in parts.items()
    }
    np.testing.assert_array_equal(np.sort(np.concatenate(list(times.values()))), np.arange(1_965))
    for split, part in parts.items():
        np.testing.assert_array_equal(part.images[..., 0], frames[times[split]])
        assert (np.diff(times[split]) > 1).sum() == {"train": 9, "validation": 4, "test": 4}[split]
    assert len(validation_rows("frey-faces", blocks=True)) == 0
    np.testing.assert_array_equal(content(load_data("frey-faces", "test").images)[..., 0], frames[9::10])
    np.testing.assert_array_equal(content(parts["test"].images), parts["test"].images)
    with pytest.raises(ValueError, match=r"`blocks` must be True or False\. Got 1"):
        load_data("frey-faces", blocks=1)


def test_wrong_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    save(tmp_path, np.zeros((1_965, 20, 28), np.uint8))
    with pytest.raises(ValueError, match=r"28x20.npz: 'images' must be uint8 of shape"):
        load_data("frey-faces")


@NEEDS_DATA
def test_real_frames_follow_each_other() -> None:
    with np.load(Path(os.environ["LATENT_DATA_DIR"]) / FILE) as file:
        np.testing.assert_array_equal(
            load_data("frey-faces", "test").images[:, :, 4:24, 0], file["images"][9::10]
        )
    images = load_data("frey-faces").images[:, :, 4:24].astype(np.float64)
    step = np.abs(np.diff(images, axis=0)).mean()
    jump = np.abs(images[800:] - images[:-800]).mean()
    assert step < 0.6 * jump
