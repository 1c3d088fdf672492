"""Reads arrays of pictures, .npy and .npz: N×H×W, N×H×W×C or N×C×H×W; bytes, [0, 1], [-1, 1] or 16 bits. No pickles."""

from __future__ import annotations

__all__ = ["ArrayPictures", "load_array", "scan_arrays"]

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.data.npz import DAMAGE
from models.data.own.records import Cell, shown
from models.data.own.sources import SPLIT_NAMES, Scan
from models.data.own.tables import cell
from models.data.own.trees import FILES_AT_MOST, stamp
from models.data.pictures import Header, PictureError, Reading

SIDES = (2, 8192)
SAMPLED = 500  # pictures from which the scale is inferred
FACTORS_AT_MOST = 100  # columns of a table of labels
Place = Sequence[int]  # array, row
Array = NDArray[Any]


@dataclass(frozen=True)
class Stack:
    """An array of pictures in a file."""

    path: Path
    name: str
    channels_first: bool
    scale: str  # "levels", "unit", "signed" or "words": 0..255, [0, 1], [-1, 1], 16 bits
    palette: Path | None = None  # colours, shape (K, 3 or 4), if the array holds indices


class ArrayPictures:
    """The pictures of arrays; a place is the index of an array and a row."""

    def __init__(self, stacks: list[Stack]) -> None:
        self.stacks = stacks
        self._arrays: dict[Path, Array] = {}

    def about(self) -> dict[str, Any]:
        stacks = [[str(s.path), s.name, s.channels_first, s.scale, str(s.palette or "")] for s in self.stacks]
        return {"kind": "array", "stacks": stacks}

    def header(self, place: Place) -> Header:
        levels = self._levels(place)
        channels = 1 if levels.ndim == 2 else levels.shape[2]
        return Header((levels.shape[1], levels.shape[0]), {1: "L", 3: "RGB", 4: "RGBA"}[channels])

    def picture(self, place: Place, reading: Reading) -> Image.Image:
        image = Image.fromarray(self._levels(place))
        if reading.alpha:
            return image.convert("RGBA")
        if image.mode != "RGBA":
            return image
        return Image.alpha_composite(Image.new("RGBA", image.size, reading.background), image).convert("RGB")

    def _levels(self, place: Place) -> NDArray[np.uint8]:
        """Returns a picture as uint8, shape (H, W) or (H, W, C)."""
        stack = self.stacks[place[0]]
        values = self._array(stack.path)[place[1]]
        if stack.channels_first:
            values = np.moveaxis(values, 0, -1)
        if stack.palette is not None:
            colours = self._array(stack.palette)
            if values.max() >= len(colours):
                raise PictureError(
                    f"It holds the index {values.max()}, and the palette has {len(colours)} colours."
                )
            values = colours[values] if (colours[:, 3:] < 255).any() else colours[:, :3][values]
        levels = _as_levels(values, stack.scale)
        return np.ascontiguousarray(levels[..., 0] if levels.ndim == 3 and levels.shape[2] == 1 else levels)

    def _array(self, path: Path) -> Array:
        if path not in self._arrays:
            self._arrays[path] = load_array(path)
        return self._arrays[path]


def scan_arrays(files: Mapping[str, Path], *origin: Path) -> Scan:
    """Lists the pictures of arrays, and reads the labels in arrays beside them.

    Arguments:
        files: Name of an array -> .npy file.
        origin: The files that the user named.

    Raises:
        ValueError: If no array holds pictures, or one cannot be read.
    """
    arrays = {name: load_array(path) for name, path in files.items()}
    chosen, notes = _choose(arrays)
    palette = files["palette"] if _has_palette(arrays, chosen) else None
    stacks: list[Stack] = []
    places: list[Place] = []
    splits: list[str] = []
    cells: dict[str, list[Cell]] = {}
    for name in chosen:
        array = arrays[name]
        first = array.ndim == 4 and array.shape[1] <= 4 < array.shape[3]
        scale = "levels" if palette else _scale(name, array)
        if scale == "signed":
            notes.append(f"The values of {shown(name)!r} lie in [-1, 1]; they are scaled to 0..255.")
        stacks.append(Stack(files[name], name, first, scale, palette))
        start = len(places)
        places += [(len(stacks) - 1, row) for row in range(len(array))]
        splits += [_split(name)] * len(array)
        for title, values in _labels(arrays, name, chosen).items():
            held = cells.setdefault(title, [])
            held += [None] * (start - len(held))
            held += values
    if len(places) > FILES_AT_MOST:
        raise ValueError(f"At most {FILES_AT_MOST:,} pictures are read. Open fewer of them.")
    for held in cells.values():
        held += [None] * (len(places) - len(held))
    names = [f"{stacks[stack].name}/{row}" if len(stacks) > 1 else str(row) for stack, row in places]
    return Scan("array", ArrayPictures(stacks), stamp(*origin), places, names, splits, cells, notes=notes)


def load_array(path: Path) -> Array:
    """Maps an .npy file.

    Raises:
        ValueError: If it is damaged, or holds Python objects.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")  # neither a pickle nor an archive
    except (*DAMAGE, OverflowError, MemoryError) as error:
        if any(sign in str(error) for sign in ("allow_pickle", "Object arrays", "Python objects")):
            raise ValueError(
                f"{shown(path.name)} holds Python objects, which could run code. Save it as numbers or texts."
            ) from error
        raise ValueError(
            f"{shown(path.name)} is not an .npy file, or damaged ({str(error)[:80]})."
        ) from error


def _choose(arrays: Mapping[str, Array]) -> tuple[list[str], list[str]]:
    """Chooses the arrays of pictures: those of several splits, else one with a typical name, else the largest."""
    fitting = [name for name, array in arrays.items() if _is_stack(array)]
    if not fitting:
        shapes = ", ".join(f"{shown(name)} {array.dtype} {array.shape}" for name, array in arrays.items())
        raise ValueError(
            "No array of pictures found: it must have the shape (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or "
            f"4 channels, and hold numbers. Got: {shapes[:300] or 'none'}."
        )
    by_split = [name for name in fitting if _split(name)]
    if by_split:
        chosen = by_split
    else:
        typical = [name for name in fitting if re.search(r"im(a?g|age)|pic|^x|index", name.lower())]
        chosen = [max(typical or fitting, key=lambda name: arrays[name].size)]
    rest = [shown(name) for name in fitting if name not in chosen]
    return chosen, [f"Other arrays of pictures are not used: {', '.join(rest)[:200]}."] if rest else []


def _is_stack(array: Array) -> bool:
    if array.ndim not in (3, 4) or array.dtype.kind not in "buif" or not len(array):
        return False
    if array.ndim == 4 and array.shape[3] not in (1, 3, 4) and array.shape[1] not in (1, 3, 4):
        return False
    sides = array.shape[2:] if array.ndim == 4 and array.shape[1] <= 4 < array.shape[3] else array.shape[1:3]
    return all(SIDES[0] <= side <= SIDES[1] for side in sides)


def _has_palette(arrays: Mapping[str, Array], chosen: list[str]) -> bool:
    palette = arrays.get("palette")
    return (
        palette is not None
        and chosen == ["index"]
        and palette.ndim == 2
        and palette.shape[1] in (3, 4)
        and palette.dtype == np.uint8
        and arrays["index"].dtype.kind in "ui"
    )


def _split(name: str) -> str:
    """Returns the split in a name such as "x_train" or "val_images"; "" if there is none."""
    for part in re.split(r"[^a-z]+", name.lower()):
        if part in SPLIT_NAMES:
            return SPLIT_NAMES[part]
    return ""


def _scale(name: str, array: Array) -> str:
    """Infers the scale of an array's values from a sample of the pictures.

    Raises:
        ValueError: If they are not in a known range.
    """
    if array.dtype in (np.dtype(bool), np.dtype(np.uint8)):
        return "unit" if array.dtype == bool else "levels"
    some = np.asarray(array[:: max(1, len(array) // SAMPLED)], np.float64)
    finite = some[np.isfinite(some)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        return "unit"
    if array.dtype.kind == "f" and -1 <= low < 0 and high <= 1:
        return "signed"
    if low >= 0 and high <= 255:
        return "levels"
    if array.dtype.kind in "ui" and low >= 0 and high <= 65_535:
        return "words"
    raise ValueError(
        f"The values of {shown(name)!r} must lie in 0..255, [0, 1] or [-1, 1]. Got {low:g}..{high:g}. Scale them."
    )


def _as_levels(values: Array, scale: str) -> NDArray[np.uint8]:
    """Converts the values of a picture to uint8.

    Raises:
        PictureError: If a value is not finite, or outside the range of the scale.
    """
    if values.dtype == np.uint8:
        return np.asarray(values)
    numbers = np.asarray(values, np.float64)
    if not np.isfinite(numbers).all():
        raise PictureError("It holds NaN or infinite numbers. Correct it, or leave it out.")
    low, high = {"levels": (0, 255), "unit": (0, 1), "signed": (-1, 1), "words": (0, 65_535)}[scale]
    if numbers.min() < low or numbers.max() > high:
        raise PictureError(
            f"Its values lie in {numbers.min():g}..{numbers.max():g}, outside {low}..{high} of the rest."
        )
    return np.asarray(np.rint((numbers - low) / (high - low) * 255), np.uint8)


def _labels(arrays: Mapping[str, Array], name: str, chosen: list[str]) -> dict[str, list[Cell]]:
    """Reads the columns of labels for an array of pictures, one value per picture."""
    found: dict[str, list[Cell]] = {}
    for other, array in arrays.items():
        if other in chosen or not array.ndim or len(array) != len(arrays[name]):
            continue
        if _split(other) != _split(name) or array.dtype.kind not in "buifUS":
            continue
        title = "_".join(
            part for part in re.split(r"[^A-Za-z0-9]+", other) if part.lower() not in SPLIT_NAMES
        )
        title = "label" if title.lower() in ("y", "labels", "") else title
        if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
            found[title] = _column(arrays, title, np.asarray(array).reshape(-1))
        elif array.ndim == 2 and array.shape[1] <= FACTORS_AT_MOST:
            titles = _titles(arrays, title, array.shape[1])
            found |= {t: _column(arrays, t, np.asarray(array[:, n])) for n, t in enumerate(titles)}
    return found


def _titles(arrays: Mapping[str, Array], title: str, count: int) -> list[str]:
    """Returns names for the columns of a table: those in an array such as `factor_names`, else numbers."""
    for other in (f"{title.removesuffix('s')}_names", f"{title}_names"):
        names = arrays.get(other)
        if names is not None and names.dtype.kind == "U" and names.shape == (count,):
            return [str(name) for name in names]
    return [f"{title} {n + 1}" for n in range(count)]


def _column(arrays: Mapping[str, Array], title: str, values: Array) -> list[Cell]:
    """Converts a column; indices are replaced by the names in an array such as `values_hair` or `label_names`."""
    for other in (f"values_{title}", f"{title}_names"):
        names = arrays.get(other)
        if names is not None and names.dtype.kind == "U" and names.ndim == 1 and values.dtype.kind in "ui":
            return [str(names[v]) if 0 <= v < len(names) else None for v in values.tolist()]
    if values.dtype.kind == "S":
        return [cell(value.decode("utf-8", "replace")) for value in values.tolist()]
    return [cell(value) for value in values.tolist()]
