"""An atlas as a Parquet file, one row per image, fully validated on load.

Columns: id, split, attributes, posterior mean and standard deviation, map positions, scores. It holds no pictures,
so it may be published where they may not.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from explorer.atlas.code_columns import codes_of, levels_as_json, read_levels, rows_of
from explorer.latent.item_names import ItemNames
from models.base import Level
from models.card import ATLAS, Entry
from models.data import Attribute
from models.data.base import SPLITS
from models.system.files import replace_file

__all__ = ["Array", "Atlas", "AtlasError", "load_atlas", "save_atlas"]

Array = NDArray[np.float32]
KEY = b"latent-explorer"  # of the Parquet metadata
NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")  # of a map or score
ROWS_AT_MOST = 200_000
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
    split: list[str]  # N times "train" or "test"
    mean: Array  # (N, D), posterior means, in prior standard deviations
    std: Array | None  # (N, D), same unit
    attributes: dict[str, Attribute]
    maps: dict[str, Array]  # view id -> (N, 2)
    scores: dict[str, Array]  # name -> (N,)
    neighbour_distance: Array  # (N,), to the 10th nearest other image, in latent space

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

    Raises:
        ValueError: If an attribute has the name of another column.
    """
    others = {"id", "split", "mean", "codes", "std", "neighbour_distance", *atlas.scores}
    others |= {f"{name}_{axis}" for name in atlas.maps for axis in "xy"}
    if taken := sorted(others & atlas.attributes.keys()):
        raise ValueError(
            f"An attribute must not be called {taken[0]!r}: another column has that name. Rename it."
        )
    columns: dict[str, Any] = {"id": atlas.ids, "split": pa.array(atlas.split).dictionary_encode()}
    for name, a in atlas.attributes.items():
        columns[name] = a.values
        if a.kind == "categorical":
            columns[name] = pa.DictionaryArray.from_arrays(pa.array(a.values, pa.int16()), list(a.labels))
    levels: dict[str, Any] = {}
    if codebook:
        codes, lists = codes_of(atlas.mean, codebook)
        columns["codes"] = _vectors(codes, pa.uint16())
        levels = {"levels": levels_as_json(codebook, lists)}
    else:
        columns["mean"] = _vectors(atlas.mean)
    if atlas.std is not None:
        columns["std"] = _vectors(atlas.std)
    for name, xy in atlas.maps.items():
        columns |= {f"{name}_x": xy[:, 0].copy(), f"{name}_y": xy[:, 1].copy()}
    columns |= atlas.scores
    columns["neighbour_distance"] = atlas.neighbour_distance
    about = {
        "weights_sha256": weights_sha256,
        "maps": list(atlas.maps),
        "scores": list(atlas.scores),
        "attributes": [
            {"name": a.name, "kind": a.kind, "labels": a.labels} for a in atlas.attributes.values()
        ],
    } | levels
    table = pa.table(columns).replace_schema_metadata({KEY: json.dumps(about)})
    numbers = [f"{name}.list.element" for name in ("mean", "std") if name in columns]

    def fill(temporary: Path) -> None:
        texts = ["split", *(a.name for a in atlas.attributes.values() if a.kind != "continuous")]
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=9,
            use_dictionary=texts,
            use_byte_stream_split=numbers,
        )

    replace_file(path, fill)


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
    for field in file.schema_arrow:
        texts = pa.types.is_dictionary(field.type) and pa.types.is_string(field.type.value_type)
        vector = pa.types.is_fixed_size_list(field.type) and field.type.value_type in (
            pa.float32(),
            pa.uint16(),
        )
        if not (texts or vector or field.type in (pa.int64(), pa.float32(), pa.uint8())):
            raise ValueError(f"column {field.name[:80]!r} must not be of type {str(field.type)[:80]}")


def _checked(table: pa.Table, about: dict[str, Any]) -> Atlas:
    """Builds an atlas from a table; any departure from the layout raises ValueError, KeyError or TypeError."""

    def column(name: str, kind: pa.DataType | None = None) -> Any:
        values = table[name].combine_chunks()
        values.validate(full=True)
        if values.null_count:
            raise ValueError(f"column {name!r} must have a value in every row")
        if kind is not None and values.type != kind:
            raise ValueError(f"column {name!r} must be of type {kind}. Got {values.type}")
        return values

    def numbers(name: str) -> Array:
        values: Array = np.array(column(name, pa.float32()).to_numpy())
        if not np.isfinite(values).all():
            raise ValueError(f"column {name!r} must hold finite numbers")
        return values

    def lists(name: str, kind: pa.DataType) -> NDArray[Any]:
        values = column(name)
        if not pa.types.is_fixed_size_list(values.type) or values.type.value_type != kind:
            raise ValueError(f"column {name!r} must hold vectors")
        flat = values.flatten()
        if flat.null_count or not len(flat) or len(flat) % len(table):
            raise ValueError(f"column {name!r} must hold one vector a row")
        return np.array(flat.to_numpy()).reshape(len(table), -1)

    def vectors(name: str) -> Array:
        rows: Array = lists(name, pa.float32())
        if not np.isfinite(rows).all():
            raise ValueError(f"column {name!r} must hold finite numbers")
        return rows

    def latents() -> Array:
        if "levels" not in about:
            return vectors("mean")
        levels, known = read_levels(about["levels"])
        if len(table) * sum(math.prod(level.shape) for level in levels) * 4 > BYTES_AT_MOST:
            raise ValueError(f"unpacked it must not be larger than {BYTES_AT_MOST >> 20} MiB")
        return rows_of(lists("codes", pa.uint16()), levels, known)

    def places(name: str, labels: tuple[str, ...]) -> NDArray[np.int16]:
        values = column(name)
        if not pa.types.is_dictionary(values.type):
            raise ValueError(f"column {name!r} must hold names")
        order = {label: place for place, label in enumerate(labels)}
        known = np.array([order.get(each, -1) for each in values.dictionary.to_pylist()], np.int16)
        found: NDArray[np.int16] = known[values.indices.to_numpy()]
        if (found < 0).any():
            raise ValueError(f"column {name!r} must hold only {', '.join(labels)}"[:200])
        return found

    def attribute(name: str, kind: Any, labels: tuple[str, ...]) -> Attribute:
        if kind == "categorical":
            return Attribute(name, kind, places(name, labels), labels)
        values = numbers(name) if kind == "continuous" else np.array(column(name, pa.uint8()))
        return Attribute(name, kind, values, labels)

    for name in (*about["maps"], *about["scores"]):
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError(f"a map or score must not be called {str(name)[:80]!r}")
    facts = [(f["name"], f["kind"], tuple(f["labels"])) for f in about["attributes"]]
    splits = places("split", SPLITS)
    atlas = Atlas(
        ids=np.array(column("id", pa.int64())),
        split=[SPLITS[place] for place in splits],
        mean=latents(),
        std=vectors("std") if "std" in table.column_names else None,
        attributes={name: attribute(name, kind, labels) for name, kind, labels in facts},
        maps={m: np.stack([numbers(f"{m}_x"), numbers(f"{m}_y")], axis=1) for m in about["maps"]},
        scores={s: numbers(s) for s in about["scores"]},
        neighbour_distance=numbers("neighbour_distance"),
    )
    if len(np.unique(len(SPLITS) * atlas.ids.astype(np.uint64) + splits.astype(np.uint64))) < len(atlas):
        raise ValueError("columns 'split' and 'id' must name each image once")
    if atlas.ids.min() < 0 or atlas.neighbour_distance.min() < 0:
        raise ValueError("columns 'id' and 'neighbour_distance' must not be negative")
    if atlas.std is not None and (atlas.std.shape != atlas.mean.shape or atlas.std.min() < 0):
        raise ValueError("column 'std' must match 'mean' and must not be negative")
    return atlas


def _vectors(rows: NDArray[Any], kind: pa.DataType | None = None) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), kind or pa.float32()), rows.shape[1])
