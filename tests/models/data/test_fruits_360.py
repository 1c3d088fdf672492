"""Tests of the fruits: what is held out, and a file that is not the original one."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from models.data import load_data
from models.data.fruits_360 import FILE
from tests.models.data import NEEDS_DATA


@NEEDS_DATA
def test_validation_is_the_middle_of_each_film_and_the_films_take_turns() -> None:
    train, held_out = load_data("fruits-360"), load_data("fruits-360", "validation")
    for data in (train, held_out):
        films = list(zip(data.attributes["fruit"].values, data.attributes["axis"].values, strict=True))
        assert len(set(films[:8])) == 8, "however few are loaded, all films are among them"
    assert np.bincount(held_out.attributes["fruit"].values).tolist() == [48, 50, 50, 50]
    film = (train.attributes["fruit"].values == 1) & (train.attributes["axis"].values == 0)
    frames = train.images[film].astype(np.float32)
    steps = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    gap = round(0.45 * (film.sum() + 25)) - 1
    assert steps[gap] > np.quantile(steps, 0.9), "the film jumps where a piece was cut out"


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    (tmp_path / FILE).parent.mkdir()
    with zipfile.ZipFile(tmp_path / FILE, "w") as archive:
        archive.writestr("train/apple/r_1_100.jpg", b"no picture")
        archive.writestr("train/pear/r_1_100.jpg", b"no picture")
    with pytest.raises(
        ValueError, match=r"must hold 1,962 photographs in train/\. It has 1\. Put the original"
    ):
        load_data("fruits-360")
