"""An atlas as a Parquet file, one row per image, fully validated on load.

Columns: id, split, texts, attributes, posterior mean and standard deviation, map positions, scores. A value
that is missing is null. It contains no pictures, so it may be published even if they may not.

Vectors of more than 256 MiB are not held in memory: they are memory-mapped (`explorer.atlas.mapped`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from explorer.atlas.code_columns import codes_of, levels_as_json, read_levels, rows_of
from explorer.atlas.columns import TEXT_AT_MOST, Columns, FileColumns, vectors_of
from explorer.atlas.mapped import fill, mapped_vectors, vectors_path
from explorer.latent.item_names import ItemNames
from models.card import ATLAS, Entry
from models.data import Attribute, Texts
from models.data.base import SPLITS
from models.latent_spec import Level
from models.system.files import replace_file
from models.system.parquet_pages import extents, leaves

__all__ = ["Array", "Atlas", "AtlasError", "load_atlas", "save_atlas", "stored_maps", "stored_rows"]

Array = NDArray[np.float32]
KEY = b"latent-explorer"  # key in the Parquet metadata
NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")  # name of a map or score
ROWS_AT_MOST = 2_000_000
BYTES_AT_MOST = 384 << 20  # in memory: all but mapped vectors
PAGE_AT_MOST = 1 << 26  # bytes of a page, which is unpacked as a whole
TEXT_BYTES = 72, 2  # in memory: of each distinct text, and for each byte of it in the file
FILE_AT_MOST = 1 << 34  # bytes of the file, and of its vectors unpacked: 2,000,000 rows of 2 x 1,000 numbers
MAPPED_FROM = 1 << 28  # bytes of vectors from which they are memory-mapped
GROUP = 1 << 16  # rows of a row group, which is read as a whole
NUMBERS = (pa.int64(), pa.float32(), pa.uint8())  # types of columns
Shapes = dict[str, tuple[int, int]]  # column of vectors -> rows and dimensions
DAMAGE = (
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    OSError,
    RecursionError,
)  # raised for damaged files


class AtlasError(ValueError):
    """An atlas that cannot be used; the message gives the reason and what to do."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """An encoded collection of N images in a latent space of D dimensions."""

    ids: NDArray[np.int64]  # (N,), row in the data set's split
    split: list[str]  # N times one of `SPLITS`
    mean: Array  # (N, D), posterior means, in prior standard deviations
    std: Array | None  # (N, D), same unit
    attributes: dict[str, Attribute]
    maps: dict[str, Array]  # view id -> (N, 2)
    scores: dict[str, Array]  # name -> (N,)
    neighbour_distance: Array  # (N,), to the 10th nearest other image, in latent space
    texts: dict[str, Texts] = field(default_factory=dict)  # file names, ids and captions, N each
    mapped: bool = False  # whether mean and std are memory-mapped and read-only

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def names(self) -> ItemNames:
        """The name of each row."""
        return ItemNames(self.split, self.ids)


def save_atlas(path: Path, atlas: Atlas, weights_sha256: str = "", codebook: Sequence[Level] = ()) -> None:
    """Writes an atlas as Parquet, atomically.

    Arguments:
        path: The file.
        atlas: The atlas.
        weights_sha256: Hash of the weights that encoded it; `load_atlas` compares it with the card's.
        codebook: The levels of a quantised latent, whose codes are stored instead of vectors.

    """
    texts, attributes = _column_names(atlas)
    columns: dict[str, Any] = {"id": atlas.ids, "split": pa.array(atlas.split).dictionary_encode()}
    for name, column in texts.items():
        columns[column] = pa.array([_storable(text) for text in atlas.texts[name].values]).dictionary_encode()
    for name, column in attributes.items():
        a = atlas.attributes[name]
        columns[column] = pa.array(a.values, mask=~a.known)
        if a.kind == "categorical":
            columns[column] = pa.DictionaryArray.from_arrays(columns[column], pa.array(a.labels, pa.string()))
    levels: dict[str, Any] = {}
    if codebook:
        codes, lists = codes_of(atlas.mean, codebook)
        columns["codes"] = vectors_of(codes, pa.uint16())
        levels = {"levels": levels_as_json(codebook, lists)}
    else:
        columns["mean"] = vectors_of(atlas.mean)
    if atlas.std is not None:
        columns["std"] = vectors_of(atlas.std)
    for name, xy in atlas.maps.items():
        columns |= {f"{name}_x": xy[:, 0].copy(), f"{name}_y": xy[:, 1].copy()}
    columns |= atlas.scores
    columns["neighbour_distance"] = atlas.neighbour_distance
    about = {
        "weights_sha256": weights_sha256,
        "maps": list(atlas.maps),
        "scores": list(atlas.scores),
        "texts": [
            {"name": n, "title": atlas.texts[n].title, "column": column} for n, column in texts.items()
        ],
        "attributes": [
            {
                "name": a.name,
                "kind": a.kind,
                "labels": a.labels,
                "title": a.title,
                "column": attributes[a.name],
            }
            for a in atlas.attributes.values()
        ],
    } | levels
    table = pa.table(columns).replace_schema_metadata({KEY: json.dumps(about)})
    numbers = [f"{name}.list.element" for name in ("mean", "std") if name in columns]

    def fill(temporary: Path) -> None:
        named = [attributes[a.name] for a in atlas.attributes.values() if a.kind != "continuous"]
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=9,
            use_dictionary=["split", *texts.values(), *named],
            use_byte_stream_split=numbers,
            row_group_size=GROUP,
        )

    replace_file(path, fill)


def _column_names(atlas: Atlas) -> tuple[dict[str, str], dict[str, str]]:
    """The column name of each text and each attribute: its name, unless another column has that."""
    taken = {"id", "split", "mean", "codes", "std", "neighbour_distance", *atlas.scores}
    taken |= {f"{name}_{axis}" for name in atlas.maps for axis in "xy"}

    def free(name: str) -> str:
        while name in taken:
            name += "_label"
        taken.add(name)
        return name

    return {name: free(name) for name in atlas.texts}, {name: free(name) for name in atlas.attributes}


def _storable(text: str) -> str:
    """A text that Parquet can hold: valid Unicode of at most `TEXT_AT_MOST` characters."""
    return text[:TEXT_AT_MOST].encode("utf-8", "replace").decode()


def load_atlas(entry: Entry) -> Atlas:
    """Loads and validates the atlas of a checkpoint.

    Raises:
        AtlasError: If it is missing or cannot be used; the message gives the reason and what to do.
    """
    path = entry.path / ATLAS
    remedy = f"Rebuild it: `python -m explorer.atlas {entry.name}`."
    if not path.is_file():
        raise AtlasError(f"{entry.name} has no {ATLAS} yet. {remedy}")
    if path.stat().st_size > FILE_AT_MOST:
        raise AtlasError(f"{path} is larger than {FILE_AT_MOST >> 20} MiB. {remedy}")
    try:
        with pq.ParquetFile(path) as file:
            about = json.loads((file.schema_arrow.metadata or {}).get(KEY, b"null"))
            if not isinstance(about, dict):
                raise ValueError("it has no description of its columns")
            if about["weights_sha256"] not in ("", entry.card.weights_sha256 if entry.card else ""):
                raise ValueError("it was made with other weights than the card's")
            shapes, mapped = _check_size(file, about, path)
            read = partial(_mapped, entry) if mapped else _vectors
            return _checked(FileColumns(file), about, read(file, about, shapes), mapped)
    except (pa.ArrowException, *DAMAGE) as error:
        reason = str(error)[:400].rstrip(".")
        raise AtlasError(f"{path} cannot be used: {reason}. {remedy}") from error


def stored_maps(entry: Entry) -> list[str]:
    """Names of the maps in an atlas file, from its metadata; empty if it cannot be read."""
    try:
        about = json.loads((pq.read_schema(entry.path / ATLAS).metadata or {})[KEY])
        return [str(name) for name in about["maps"]]
    except (pa.ArrowException, *DAMAGE):
        return []


def stored_rows(entry: Entry) -> int:
    """Number of images in an atlas file, from its metadata; 0 if it cannot be read."""
    try:
        return int(pq.read_metadata(entry.path / ATLAS).num_rows)
    except (pa.ArrowException, *DAMAGE):
        return 0


def _check_size(file: pq.ParquetFile, about: dict[str, Any], path: Path) -> tuple[Shapes, bool]:
    """Rejects a file that would take much more memory than an atlas, before reading it; its claims count for nothing.

    Returns:
        The shapes of the columns of vectors, unpacked, and whether they are too large to be held in memory.
    """
    facts, schema = file.metadata, file.schema_arrow
    if not 2 <= facts.num_rows <= ROWS_AT_MOST:
        raise ValueError(f"it must have 2 to {ROWS_AT_MOST} rows. Got {facts.num_rows}")
    for column in schema:
        if not (_is_text(column.type) or _is_vector(column.type) or column.type in NUMBERS):
            raise ValueError(f"column {column.name[:80]!r} must not be of type {str(column.type)[:80]}")
    names = _named(about, schema.names)
    numbers = {name: leaves(facts, name) for name in names}
    if any(len(each) != 1 or "." in name for name, each in numbers.items()):
        raise ValueError("each of its columns must have a name of its own, without a dot")
    with path.open("rb") as raw:
        extent = extents(raw, facts, (number for (number,) in numbers.values()))
    shapes: Shapes = {}
    others = 0
    for name, (number,) in numbers.items():
        kind, found = schema.field(name).type, extent[number]
        size = kind.list_size if _is_vector(kind) else 1
        if found.values != facts.num_rows * size:
            raise ValueError(f"column {name!r} must hold {facts.num_rows * size} numbers. Got {found.values}")
        _within(found.largest, PAGE_AT_MOST)
        if _is_vector(kind):
            shapes[name] = (facts.num_rows, size)
        elif _is_text(kind):
            each, per_byte = TEXT_BYTES
            others += 16 * facts.num_rows + each * found.distinct + per_byte * found.unpacked
        else:
            others += facts.num_rows * kind.bit_width // 8
    if "codes" in shapes:
        levels, _ = read_levels(about["levels"])
        shapes["codes"] = (facts.num_rows, sum(math.prod(level.shape) for level in levels))
    vectors = 4 * sum(rows * size for rows, size in shapes.values())
    mapped = vectors >= MAPPED_FROM
    _within(others if mapped else others + vectors, BYTES_AT_MOST)
    _within(vectors, FILE_AT_MOST)
    return shapes, mapped


def _within(size: int, most: int) -> None:
    if size > most:
        raise ValueError(f"unpacked it must not be larger than {most >> 20} MiB")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type))


def _is_vector(kind: pa.DataType) -> bool:
    return bool(pa.types.is_fixed_size_list(kind)) and kind.value_type in (pa.float32(), pa.uint16())


def _named(about: dict[str, Any], held: Sequence[str]) -> list[str]:
    """The columns that a file's description names; others are not read."""
    for name in (*about["maps"], *about["scores"]):
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError(f"a map or score must not be called {str(name)[:80]!r}")
    names = ["id", "split", "neighbour_distance", "codes" if "levels" in about else "mean", *about["scores"]]
    names += [name for name in ("std",) if name in held]
    names += [f"{name}_{axis}" for name in about["maps"] for axis in "xy"]
    names += [fact["column"] if "column" in fact else fact["name"] for fact in about["attributes"]]
    names += [fact["column"] for fact in about.get("texts", ())]
    for name in names:
        if held.count(name) != 1:
            raise ValueError(f"it must have one column {str(name)[:80]!r}")
    return list(dict.fromkeys(names))


def _checked(
    columns: Columns, about: dict[str, Any], vectors: tuple[Array, Array | None], mapped: bool = False
) -> Atlas:
    """Builds an atlas from its columns; an invalid layout raises ValueError, KeyError or TypeError."""
    splits = columns.places("split", SPLITS)
    numbers = columns.numbers
    atlas = Atlas(
        ids=np.array(columns.column("id", pa.int64())),
        split=[SPLITS[place] for place in splits],
        mean=vectors[0],
        std=vectors[1],
        attributes={fact["name"]: columns.attribute(fact) for fact in about["attributes"]},
        maps={m: np.stack([numbers(f"{m}_x"), numbers(f"{m}_y")], axis=1) for m in about["maps"]},
        scores={s: numbers(s) for s in about["scores"]},
        neighbour_distance=numbers("neighbour_distance"),
        texts={fact["name"]: columns.texts(fact) for fact in about.get("texts", ())},
        mapped=mapped,
    )
    order = np.lexsort((atlas.ids, splits))
    if ((np.diff(atlas.ids[order]) == 0) & (np.diff(splits[order]) == 0)).any():
        raise ValueError("columns 'split' and 'id' must name each image once")
    if atlas.ids.min() < 0 or atlas.neighbour_distance.min() < 0:
        raise ValueError("columns 'id' and 'neighbour_distance' must not be negative")
    if atlas.std is not None and atlas.std.shape != atlas.mean.shape:
        raise ValueError("column 'std' must match 'mean' and must not be negative")
    return atlas


def _vectors(file: pq.ParquetFile, about: dict[str, Any], shapes: Shapes) -> tuple[Array, Array | None]:
    """The posterior means and standard deviations in memory, (N, D) each."""

    def held(column: str, vectors: Callable[[Columns], Array]) -> Array:
        rows = np.empty(_shape(shapes, column), np.float32)
        fill(rows, file, column, vectors)
        return rows

    mean = held("codes" if "levels" in about else "mean", lambda part: _means(part, about))
    return mean, held("std", _deviations) if "std" in file.schema_arrow.names else None


def _shape(shapes: Shapes, column: str) -> tuple[int, int]:
    """The shape of the vectors in a column."""
    if column not in shapes:
        raise ValueError(f"column {column!r} must contain vectors")
    return shapes[column]


def _means(columns: Columns, about: dict[str, Any]) -> Array:
    """Posterior means, from vectors or from codes."""
    if "levels" not in about:
        return columns.vectors("mean")
    levels, known = read_levels(about["levels"])
    return rows_of(columns.lists("codes", pa.uint16()), levels, known)


def _deviations(columns: Columns) -> Array:
    std = columns.vectors("std")
    if std.min() < 0:
        raise ValueError("column 'std' must match 'mean' and must not be negative")
    return std


def _mapped(
    entry: Entry, file: pq.ParquetFile, about: dict[str, Any], shapes: Shapes
) -> tuple[Array, Array | None]:
    """The posterior means and standard deviations, memory-mapped, (N, D) each."""
    path = entry.path / ATLAS

    def held(column: str, vectors: Callable[[Columns], Array]) -> Array:
        return mapped_vectors(
            file, column, vectors_path(entry, path, column), _shape(shapes, column), vectors
        )

    mean = held("codes" if "levels" in about else "mean", lambda part: _means(part, about))
    return mean, held("std", _deviations) if "std" in file.schema_arrow.names else None
