"""Items: embeddings joined to their pictures and labels, as images of the data set "own-images".

The maps, labels and splits of an atlas come from that data set, so embeddings are given to it as such: their pictures are
those of a folder or file, those of their own file, or blank ones; their labels are a table in the checkpoint's folder.
"""

from __future__ import annotations

__all__ = ["LABELS", "Items", "gather", "options_in", "write_latents"]

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.card import LATENTS
from models.data.own import FoundImages, Preparation, open_images, propose, shape_of
from models.data.own.cache import divided
from models.data.own.matching import join
from models.data.own.records import Cell, Report, shown
from models.data.own.tables import Table, column_names, read_table
from models.data.own.values import as_text
from models.embeddings.model import PICTURES
from models.embeddings.reading import Embeddings
from models.latents import WEIGHTS_KEY, write_table
from models.system.files import replace_file

LABELS = "labels.parquet"  # file beside the card
BLANK = (8, 8, 1)  # (H, W, C) of the picture of an item that has none
GREY = 0xC0
FILE = "file_name"  # the column of the labels that names the pictures
NAMED = 0.5  # share of the pictures that a column must name to be used
LISTED = 3  # names in a message
ROW = "\0"  # column of the rows while a table is joined; numbers with a point name no picture


@dataclass(frozen=True, eq=False)
class Items:
    """N items in the order of the pictures in their source."""

    vectors: NDArray[np.float32]  # (N, D)
    found: FoundImages
    preparation: Preparation
    pictured: bool  # whether the items have pictures, not blank ones
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a prepared picture."""
        return shape_of(self.found, self.preparation)


def gather(
    embeddings: Embeddings,
    folder: Path,
    *,
    images: Path | None = None,
    labels: Path | None = None,
    size: int | None = None,
    report: Report | None = None,
) -> Items:
    """Joins embeddings to pictures and labels; writes what the data set reads to a folder.

    A picture belongs to the vector whose row names it, if a column of the embeddings does; else to that of its position.

    Arguments:
        embeddings: The embeddings.
        folder: Existing folder of the checkpoint, for `PICTURES` and `LABELS`.
        images: The pictures, as `open_images` takes them; those of the embeddings' file, or blank ones, if None.
        labels: A table of labels, by the names of the pictures or in the order of the vectors.
        size: Pixels of the longer side of a picture; chosen for the pictures if None.
        report: Called with the share done, 0 to 1, and the current task.

    Raises:
        ValueError: If vectors, pictures and labels do not belong together.
    """
    if images is None and size is not None:
        raise ValueError("`--size` is that of pictures. Name them, `--images PATH`, or leave it out.")
    source = images or folder / PICTURES
    if images is None:
        _write_pictures(source, embeddings)
    found = open_images(source, report=report)
    rows, columns, notes = _paired(embeddings, found, by_name=images is not None)
    columns = {title: [cells[row] for row in rows] for title, cells in columns.items()}
    if labels is not None:
        more, told = _labels(labels, found, len(embeddings.vectors), rows, by_name=images is not None)
        columns, notes = columns | more, [*notes, *told]
    if columns:
        _write_labels(folder / LABELS, [item.key for item in found.items], columns)
        found = open_images(source, folder / LABELS)
    preparation = propose(found)
    if images is None:
        width, height = found.items[0].size
        channels = 1 if found.items[0].mode == "L" else 3
        preparation = replace(preparation, height=height, width=width, channels=channels, fit="stretch")
    elif size is not None:
        preparation = replace(preparation, size=size)
    return Items(
        embeddings.vectors[rows],
        found,
        preparation,
        images is not None or embeddings.pictures is not None,
        (*embeddings.notes, *notes),
    )


def options_in(items: Items, before: Path, after: Path) -> dict[str, Any]:
    """Returns the options of the data set once the folder `before` of the checkpoint is moved to `after`."""
    options = items.preparation.as_options()
    for name, file in (("path", PICTURES), ("labels", LABELS)):
        if options[name] == os.fspath((before / file).absolute()):
            options[name] = os.fspath((after / file).absolute())
    return Preparation.from_options(options).as_options()


def write_latents(
    folder: Path, items: Items, columns: Mapping[str, NDArray[np.float32]], weights_sha256: str
) -> None:
    """Writes the vectors as latents, from which the atlas is built.

    Arguments:
        folder: The checkpoint's folder.
        items: The items.
        columns: Further columns of numbers, such as the error, N each.
        weights_sha256: Hash of the checkpoint's weights.
    """
    splits, order = divided(items.found, items.preparation)
    ids, counts = np.empty(len(splits), np.int64), dict.fromkeys(splits, 0)
    for row in order.tolist():
        ids[row] = counts[splits[row]]
        counts[splits[row]] += 1
    write_table(
        folder / LATENTS / "part-00000.parquet",
        splits,
        ids,
        [item.key for item in items.found.items],
        {"mean": items.vectors, **columns},
        {WEIGHTS_KEY: weights_sha256.encode()},
    )


def _write_pictures(path: Path, embeddings: Embeddings) -> None:
    """Writes the pictures of the embeddings' file, or blank ones."""
    pictures = embeddings.pictures
    if pictures is None:
        pictures = np.full((len(embeddings.vectors), *BLANK), GREY, np.uint8)
    with path.open("wb") as file:
        np.save(file, pictures, allow_pickle=False)


def _paired(
    embeddings: Embeddings, found: FoundImages, *, by_name: bool
) -> tuple[NDArray[np.int64], dict[str, list[Cell]], list[str]]:
    """Returns the row of each picture's vector, the columns without the one that names the pictures, and notes."""
    count, names = len(embeddings.vectors), [item.key for item in found.items]
    if by_name and embeddings.columns:
        numbered: dict[str, list[Cell]] = {**embeddings.columns, ROW: [float(row) for row in range(count)]}
        joined = join(Table(numbered), "the file of embeddings", names)
        if joined is not None and joined.matched > NAMED * len(names):
            found_rows = joined.columns[ROW]
            missing = [name for name, row in zip(names, found_rows, strict=True) if row is None]
            if missing:
                raise ValueError(
                    f"Each picture must have an embedding. {len(missing):,} of {len(names):,} have none, such as "
                    f"{', '.join(shown(name) for name in missing[:LISTED])}. Move them out of the folder."
                )
            rest = {t: c for t, c in embeddings.columns.items() if t != joined.column}
            return np.array(found_rows, np.int64), rest, joined.notes
    if found.refused or len(names) != count:
        refused = "".join(f" {each.name} cannot be read: {each.reason}" for each in found.refused[:1])
        raise ValueError(
            f"There must be one picture for each of {count:,} embeddings, in their order. "
            f"Got {len(names):,} in {shown(str(found.source))}.{refused}"
        )
    some = ", ".join(f"row {row} is {shown(names[row])}" for row in range(min(LISTED, count)))
    notes = [
        f"The pictures belong to the embeddings in their order: {some}, row {count - 1} is {shown(names[-1])}."
    ]
    return np.arange(count), dict(embeddings.columns), notes if by_name else []


def _labels(
    path: Path, found: FoundImages, count: int, rows: NDArray[np.int64], *, by_name: bool
) -> tuple[dict[str, list[Cell]], list[str]]:
    """Reads a table of labels; returns its columns, a cell per picture, and notes."""
    try:
        table = read_table(path.read_bytes(), path.name)
    except OSError as error:
        raise ValueError(
            f"{shown(str(path))} cannot be read: {error.strerror}. Correct `--labels`."
        ) from error
    joined = join(table, path.name, [item.key for item in found.items]) if by_name else None
    if joined is not None and joined.matched > NAMED * len(found):
        return _numbers(joined.columns, table), [*table.notes, *joined.notes]
    if len(table) != count:
        raise ValueError(
            f"{shown(path.name)} must have a row for each of {count:,} embeddings, in their order"
            f"{', or a column that names the pictures' if by_name else ''}. Got {len(table):,} rows."
        )
    columns = {title: [cells[row] for row in rows] for title, cells in table.columns.items()}
    told = f"The rows of {shown(path.name)} belong to the embeddings in their order."
    return _numbers(columns, table), [*table.notes, told]


def _numbers(columns: dict[str, list[Cell]], table: Table) -> dict[str, list[Cell]]:
    """Writes decimal commas as points, since the table of labels does not record the notation."""
    if not table.comma:
        return columns
    return {title: [_pointed(value) for value in cells] for title, cells in columns.items()}


def _pointed(value: Cell) -> Cell:
    whole, comma, rest = value.partition(",") if isinstance(value, str) else ("", "", "")
    return f"{whole}.{rest}" if comma and whole.lstrip("+-").isdecimal() and rest.isdecimal() else value


def _write_labels(path: Path, names: Sequence[str], columns: Mapping[str, list[Cell]]) -> None:
    """Writes the table of labels: the names of the pictures, and the columns under unique titles."""
    titles = column_names([FILE, *columns], 1 + len(columns))
    cells = [pa.array(names, pa.string()), *(_column(values) for values in columns.values())]
    table = pa.table(dict(zip(titles, cells, strict=True)))
    replace_file(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def _column(values: list[Cell]) -> Any:
    """Converts a column; one of several kinds becomes texts."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if value is None else as_text(value) for value in values], pa.string())
