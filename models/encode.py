"""Encodes image files from disk to a table of posterior means and standard deviations, Parquet or CSV."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from models import checkpoint
from models.data.locations import check_output, is_hidden, printable
from models.data.pictures import KINDS, read_file
from models.data.tensors import to_tensor
from models.system.files import replace_file

__all__ = ["Encoded", "encode_files"]

ENDINGS = (".parquet", ".csv")
BATCH = 64
TOLD_AT_MOST = 20  # bad files that an error lists


class Encoded(NamedTuple):
    """What became of some image files."""

    rows: int  # of the table
    problems: tuple[str, ...]  # a line for each file that could not be read


def encode_files(name: str | Path, paths: Sequence[Path], out: Path) -> Encoded:
    """Encodes image files, resized to the model's shape; those that cannot be read are listed and left out.

    Arguments:
        name: Name or folder of a checkpoint.
        paths: Image files, and folders, of which all image files that are not hidden are taken.
        out: The table to write. `.parquet`: file, mean (D,), std (D,). `.csv`: file, mean_0 …, std_0 ….

    Returns:
        The number of images in the table, and what could not be read.

    Raises:
        ValueError: If `out` cannot be written, a path does not exist, the model takes sequences, or no image can
            be read.
    """
    check_output(out, "--out", ENDINGS)
    files = _files(paths)
    if not files:
        kinds = ", ".join(f".{kind}" for kind in KINDS)
        raise ValueError(f"No image found in {', '.join(printable(path) for path in paths)}. Use {kinds}.")
    model = checkpoint.load(name)
    if model.spec.sequence:
        raise ValueError(f"{name} encodes sequences, not single images. Choose another checkpoint.")
    names: list[str] = []
    means: list[torch.Tensor] = []
    stds: list[torch.Tensor] = []
    problems: list[str] = []
    with tqdm(total=len(files), unit="image", desc="encode") as bar, torch.inference_mode():
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            images = []
            for file in batch:
                try:
                    images.append(read_file(file, model.image_shape))
                    names.append(printable(file))
                except ValueError as error:
                    problems.append(f"{printable(file)}: {error}")
            if images:
                q = model.encode(to_tensor(np.stack(images)))
                means.append(q.mean.flatten(1))
                stds.append(torch.zeros_like(means[-1]) if q.std is None else q.std.flatten(1))
            bar.update(len(batch))
    if not names:
        more = f" … and {len(problems) - TOLD_AT_MOST} more" if len(problems) > TOLD_AT_MOST else ""
        raise ValueError(f"No image can be read. {' '.join(problems[:TOLD_AT_MOST])}{more}")
    _write(out, names, torch.cat(means).numpy(), torch.cat(stds).numpy())
    return Encoded(len(names), tuple(problems))


def _files(paths: Sequence[Path]) -> list[Path]:
    """The image files of paths, those of folders in order of their names.

    Raises:
        ValueError: Naming all paths that do not exist.
    """
    missing = [printable(path) for path in paths if not path.exists()]
    if missing:
        raise ValueError(f"{', '.join(missing)} {'does' if len(missing) == 1 else 'do'} not exist.")
    found: list[Path] = []
    for path in paths:
        found += _inside(path) if path.is_dir() else [path]
    return found


def _inside(folder: Path) -> list[Path]:
    """The image files of a folder and those below it, hidden ones left out; a dead link counts as a file."""
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        found += [
            Path(root, name) for name in files
            if not is_hidden(name) and Path(name).suffix.lower().removeprefix(".") in KINDS
        ]  # fmt: skip
    return sorted(found)


def _write(out: Path, names: list[str], means: NDArray[np.float32], stds: NDArray[np.float32]) -> None:
    """Writes the table at one stroke, in the format that the ending names."""
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
