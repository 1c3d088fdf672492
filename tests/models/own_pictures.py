"""Pictures for tests of encoding: a folder of random, distinct pictures, and sources that fail."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.encoded_parts import SourcePixels

__all__ = ["FullDisk", "KilledOnce", "make_pictures"]


def make_pictures(folder: Path, count: int, bad: tuple[int, ...] = ()) -> Path:
    """Writes 00.png, 01.png, … of 8×8 grey pixels; those in `bad` have a valid header and damaged pixels."""
    folder.mkdir(parents=True)
    levels = np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8)
    for number in range(count):
        path = folder / f"{number:02}.png"
        Image.fromarray(levels[number]).save(path)
        if number in bad:
            path.write_bytes(path.read_bytes()[:60])
    return folder


@dataclass(frozen=True)
class KilledOnce:
    """A source whose process is killed at one picture, the first time."""

    inner: SourcePixels
    marker: Path

    def image(self, name: str, place: Any) -> NDArray[np.uint8]:
        if name == "18.png" and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.inner.image(name, place)


@dataclass(frozen=True)
class FullDisk:
    """A source on a full disk."""

    def image(self, name: str, place: Any) -> NDArray[np.uint8]:
        raise OSError(28, "No space left on device")
