"""Fruits: 2,624 photographs of an apple, a lemon, a mango and a raspberry on a turntable, scaled to 64x64 RGB.

Each fruit was filmed while it turned around two axes, so neighbouring photographs look alike. The test split is that of
the source. The validation split is the middle tenth of the training frames of each film, a contiguous block: only the
frames at its two ends have a neighbour in the training split.

Reference:
    | Fruits-360: A dataset of images containing fruits and vegetables (Oltean and Mureșan, 2017 to 2025)
    | https://github.com/fruits-360
"""

from __future__ import annotations

__all__ = ["load_fruits_360", "unavailable"]

import re
from typing import NamedTuple

import numpy as np

from models.data.base import Attribute, ImageData
from models.data.locations import require, why_missing
from models.data.own.trees import File, Zip
from models.data.pictures import PictureError, read_picture

FILE = "fruits-360/fruits_4x656_100px.zip"
FRUITS = ("apple", "lemon", "mango", "raspberry")
AXES = ("vertical", "other")  # axes of rotation; file names of the other one start with "r_"
COUNTS = {"train": 1_962, "test": 662}  # photographs in the two splits of the source
SIDE = 64  # px
VALIDATION = (0.45, 0.55)  # bounds of the validation frames, as shares of the training frames of a film
NAME = re.compile(rf"(train|test)/({'|'.join(FRUITS)})/(r_)?(\d{{1,4}})_100\.jpg")


class Frame(NamedTuple):
    """A photograph; the order of the fields sorts the frames so that the films alternate."""

    rank: int  # position in its film and split
    fruit: int  # index into `FRUITS`
    axis: int  # index into `AXES`
    file: File


def load_fruits_360(split: str, limit: int | None = None) -> ImageData:
    """Loads the first `limit` photographs of `split`: 1,764 for training, 198 for validation, 662 for test, 64x64 RGB.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    path = require(FILE)
    archive = Zip(path)
    frames = _frames(archive, split)[:limit]
    images = np.empty((len(frames), SIDE, SIDE, 3), np.uint8)
    for row, frame in enumerate(frames):
        try:
            images[row] = read_picture(archive.read(frame.file), (3, SIDE, SIDE))
        except PictureError as error:
            raise ValueError(f"{path}: {frame.file.name} is damaged: {error}") from error
    fruit = np.array([frame.fruit for frame in frames], np.int16)
    axis = np.array([frame.axis for frame in frames], np.uint8)
    return ImageData(
        name="fruits-360",
        split=split,
        images=images,
        attributes={
            "fruit": Attribute("fruit", "categorical", fruit, FRUITS),
            "axis": Attribute("axis", "binary", axis, AXES, "Axis of rotation"),
        },
        ids=np.arange(len(frames), dtype=np.int64),
        publishable=True,
        licence="MIT, as stated by its source",
        source="Fruits-360, Mihai Oltean and Horea Mureșan, https://github.com/fruits-360 (four of its classes)",
    )


def unavailable() -> str | None:
    """Returns why the photographs cannot be loaded, or None."""
    return why_missing(FILE)


def _frames(archive: Zip, split: str) -> list[Frame]:
    """Lists the photographs of a split, alternating between the films."""
    films: dict[tuple[int, int], list[tuple[int, File]]] = {}
    folder = "test" if split == "test" else "train"
    for file in archive.listing().files:
        if (match := NAME.fullmatch(file.name)) and match[1] == folder:
            film = FRUITS.index(match[2]), int(match[3] is not None)
            films.setdefault(film, []).append((int(match[4]), file))
    count = sum(map(len, films.values()))
    if count != COUNTS[folder]:
        raise ValueError(
            f"{archive.path} must hold {COUNTS[folder]:,} photographs in {folder}/. It has {count:,}. Put the original "
            "file in its place."
        )
    frames = []
    for (fruit, axis), numbered in films.items():
        ordered = [file for _, file in sorted(numbered, key=lambda each: each[0])]
        low, high = (round(share * len(ordered)) for share in VALIDATION)
        held_out = ordered[low:high]
        if split == "validation":
            ordered = held_out
        elif split == "train":
            ordered = ordered[:low] + ordered[high:]
        frames += [Frame(rank, fruit, axis, file) for rank, file in enumerate(ordered)]
    return sorted(frames, key=lambda frame: frame[:3])
