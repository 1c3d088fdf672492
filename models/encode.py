"""Encodes images from disk to a table of posterior means and standard deviations, Parquet or CSV."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from models import checkpoint
from models.data.locations import check_output, is_hidden, printable
from models.data.own import open_images
from models.data.own.sources import ENDINGS_OF_CONTAINERS, Pictures
from models.data.own.unpacking import OPENERS
from models.data.pictures import KINDS, Reading, read_file, scaled
from models.data.tensors import to_tensor
from models.system.files import replace_file

__all__ = ["Encoded", "encode_files"]

ENDINGS = (".parquet", ".csv")
CONTAINERS = tuple(f".{kind}" for kind in ("zip", *ENDINGS_OF_CONTAINERS, *OPENERS))  # files of many images
BATCH = 64
PROBLEMS_SHOWN = 20  # files that an error lists
Read = Callable[[tuple[int, int, int]], NDArray[np.uint8]]  # from a shape (C, H, W) to an image (H, W, C)


class Encoded(NamedTuple):
    """The result of encoding image files."""

    rows: int  # rows of the table
    problems: tuple[str, ...]  # a line for each file that could not be read


def encode_files(name: str | Path, paths: Sequence[Path], out: Path) -> Encoded:
    """Encodes images, cropped and resized to the model's shape; those that cannot be read are listed and left out.

    Arguments:
        name: Name or folder of a checkpoint.
        paths: Image files; folders, whose image files are read unless they are hidden; and the other sources that
            `models.data.open_images` reads: zips, Parquet files, WebDataset tars, arrays.
        out: The table to write. `.parquet`: file, mean (D,), std (D,). `.csv`: file, mean_0 …, std_0 ….

    Returns:
        The number of images in the table, and the files that could not be read.

    Raises:
        ValueError: If `out` cannot be written, a path does not exist, the model takes sequences, or no image can
            be read.
    """
    check_output(out, "--out", ENDINGS)
    problems: list[str] = []
    files = list(_files(paths, problems))
    if not files and not problems:
        kinds = ", ".join(f".{kind}" for kind in KINDS)
        raise ValueError(f"No image found in {', '.join(printable(path) for path in paths)}. Use {kinds}.")
    model = checkpoint.load(name)
    if model.spec.sequence:
        raise ValueError(f"{name} encodes sequences, not single images. Choose another checkpoint.")
    names: list[str] = []
    means: list[torch.Tensor] = []
    stds: list[torch.Tensor] = []
    with tqdm(total=len(files), unit="image", desc="encode") as bar, torch.inference_mode():
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            images = []
            for file, read in batch:
                try:
                    images.append(read(model.image_shape))
                    names.append(file)
                except ValueError as error:
                    problems.append(f"{file}: {error}")
            if images:
                q = model.encode(to_tensor(np.stack(images)))
                means.append(q.mean.flatten(1))
                stds.append(torch.zeros_like(means[-1]) if q.std is None else q.std.flatten(1))
            bar.update(len(batch))
    if not names:
        more = f" … and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
        raise ValueError(f"No image can be read. {' '.join(problems[:PROBLEMS_SHOWN])}{more}")
    _write(out, names, torch.cat(means).numpy(), torch.cat(stds).numpy())
    return Encoded(len(names), tuple(problems))


def _files(paths: Sequence[Path], problems: list[str]) -> Iterator[tuple[str, Read]]:
    """Yields the images of paths, each with its name and a function that reads it, sorted by name within a path.

    Raises:
        ValueError: If paths do not exist; the message names all of them.
    """
    missing = [printable(path) for path in paths if not path.exists()]
    if missing:
        raise ValueError(f"{', '.join(missing)} {'does' if len(missing) == 1 else 'do'} not exist.")
    for path in paths:
        files = _inside(path) if path.is_dir() else [path]
        if path.is_dir() and not files and any(each.suffix.lower() in CONTAINERS for each in path.iterdir()):
            files = [path]
        for file in files:
            if file.is_dir() or file.suffix.lower() in CONTAINERS:
                yield from _contained(file, problems)
            else:
                yield printable(file), partial(read_file, file)


def _contained(path: Path, problems: list[str]) -> Iterator[tuple[str, Read]]:
    """Yields the images of an archive, a table or an array, or of a folder of these."""
    try:
        images = open_images(path)
    except ValueError as error:
        problems.append(str(error))
        return
    problems += [f"{printable(path)}/{each.name}: {each.reason}" for each in images.refused]
    for item, place in zip(images.items, images.places, strict=True):
        yield f"{printable(path)}/{item.key}", partial(_picture, images.pictures, place)


def _picture(pictures: Pictures, place: Any, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    reading = Reading.lenient(alpha=shape[0] == 4)
    return scaled(pictures.picture(place, reading), shape, "crop")


def _inside(folder: Path) -> list[Path]:
    """Lists the image files of a folder and its subfolders, without hidden ones; a broken link counts as a file."""
    inside = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        names = [name for name in files if not is_hidden(name)]
        inside += [Path(root, name) for name in names if Path(name).suffix.lower().removeprefix(".") in KINDS]
    return sorted(inside)


def _write(out: Path, names: list[str], means: NDArray[np.float32], stds: NDArray[np.float32]) -> None:
    """Writes the table atomically, in the format of the file's ending."""
    out.parent.mkdir(parents=True, exist_ok=True)
    columns = {"file": pa.array(names, pa.string())}
    if out.suffix.lower() == ".csv":
        for title, rows in (("mean", means), ("std", stds)):
            columns |= {f"{title}_{n}": pa.array(rows[:, n], pa.float32()) for n in range(rows.shape[1])}
        replace_file(out, lambda path: pc.write_csv(pa.table(columns), path))
    else:
        columns |= {"mean": _vectors(means), "std": _vectors(stds)}
        replace_file(out, lambda path: pq.write_table(pa.table(columns), path))


def _vectors(rows: NDArray[np.float32]) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), pa.float32()), rows.shape[1])
