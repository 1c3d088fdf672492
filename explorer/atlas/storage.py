"""An atlas as a Parquet file, one row per image, fully validated on load.

Columns: id, split, texts, attributes, posterior mean and standard deviation, map positions, scores. A value
that is missing is null. It contains no pictures, so it may be published even if they may not.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from explorer.atlas.code_columns import codes_of, levels_as_json, read_levels, rows_of
from explorer.atlas.columns import TEXT_AT_MOST, Columns, vectors_of
from explorer.latent.item_names import ItemNames
from models.base import Level
from models.card import ATLAS, Entry
from models.data import Attribute, Texts
from models.data.base import SPLITS
from models.system.files import replace_file

__all__ = ["Array", "Atlas", "AtlasError", "load_atlas", "save_atlas", "stored_maps"]

Array = NDArray[np.float32]
KEY = b"latent-explorer"  # key in the Parquet metadata
NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")  # name of a map or score
ROWS_AT_MOST = 2_000_000
BYTES_AT_MOST = 1 << 29
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
    if path.stat().st_size > BYTES_AT_MOST:
        raise AtlasError(f"{path} is larger than {BYTES_AT_MOST >> 20} MiB. {remedy}")
    try:
        with pq.ParquetFile(path) as file:
            about = json.loads((file.schema_arrow.metadata or {}).get(KEY, b"null"))
            if not isinstance(about, dict):
                raise ValueError("it has no description of its columns")
            if about["weights_sha256"] not in ("", entry.card.weights_sha256 if entry.card else ""):
                raise ValueError("it was made with other weights than the card's")
            _check_size(file)
            return _checked(file.read(), about)
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


def _check_size(file: pq.ParquetFile) -> None:
    """Rejects a file that would take much more memory than an atlas, before reading it."""
    about = file.metadata
    if not 2 <= about.num_rows <= ROWS_AT_MOST:
        raise ValueError(f"it must have 2 to {ROWS_AT_MOST} rows. Got {about.num_rows}")
    groups = [about.row_group(n) for n in range(about.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    numbers = sum(g.column(n).num_values for g in groups for n in range(about.num_columns))
    if max(size, 4 * numbers) > BYTES_AT_MOST:
        raise ValueError(f"unpacked it must not be larger than {BYTES_AT_MOST >> 20} MiB")
    for column in file.schema_arrow:
        kind = column.type
        texts = pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type)
        vector = pa.types.is_fixed_size_list(kind) and kind.value_type in (pa.float32(), pa.uint16())
        if not (texts or vector or kind in (pa.int64(), pa.float32(), pa.uint8())):
            raise ValueError(f"column {column.name[:80]!r} must not be of type {str(kind)[:80]}")


def _checked(table: pa.Table, about: dict[str, Any]) -> Atlas:
    """Builds an atlas from a table; an invalid layout raises ValueError, KeyError or TypeError."""
    columns = Columns(table)
    for name in (*about["maps"], *about["scores"]):
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError(f"a map or score must not be called {str(name)[:80]!r}")
    splits = columns.places("split", SPLITS)
    numbers = columns.numbers
    atlas = Atlas(
        ids=np.array(columns.column("id", pa.int64())),
        split=[SPLITS[place] for place in splits],
        mean=_latents(columns, about),
        std=columns.vectors("std") if "std" in columns else None,
        attributes={fact["name"]: columns.attribute(fact) for fact in about["attributes"]},
        maps={m: np.stack([numbers(f"{m}_x"), numbers(f"{m}_y")], axis=1) for m in about["maps"]},
        scores={s: numbers(s) for s in about["scores"]},
        neighbour_distance=numbers("neighbour_distance"),
        texts={fact["name"]: columns.texts(fact) for fact in about.get("texts", ())},
    )
    order = np.lexsort((atlas.ids, splits))
    if ((np.diff(atlas.ids[order]) == 0) & (np.diff(splits[order]) == 0)).any():
        raise ValueError("columns 'split' and 'id' must name each image once")
    if atlas.ids.min() < 0 or atlas.neighbour_distance.min() < 0:
        raise ValueError("columns 'id' and 'neighbour_distance' must not be negative")
    if atlas.std is not None and (atlas.std.shape != atlas.mean.shape or atlas.std.min() < 0):
        raise ValueError("column 'std' must match 'mean' and must not be negative")
    return atlas


def _latents(columns: Columns, about: dict[str, Any]) -> Array:
    """The posterior means (N, D), from vectors or from codes."""
    if "levels" not in about:
        return columns.vectors("mean")
    levels, known = read_levels(about["levels"])
    if len(columns) * sum(math.prod(level.shape) for level in levels) * 4 > BYTES_AT_MOST:
        raise ValueError(f"unpacked it must not be larger than {BYTES_AT_MOST >> 20} MiB")
    return rows_of(columns.lists("codes", pa.uint16()), levels, known)
