"""Reads embeddings, vectors (N, D) with columns of labels: .npy, .npz, Parquet and TensorBoard's projector. No pickles."""

from __future__ import annotations

__all__ = ["ENDINGS", "Embeddings", "is_embeddings", "read_embeddings"]

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.data.own.arrays import load_array
from models.data.own.records import Cell, shown
from models.data.own.tables import COLUMNS_AT_MOST, cell
from models.data.own.trees import FILES_AT_MOST, Zip
from models.data.own.unpacking import unpack_members
from models.embeddings.projector import CONFIG, read_projector
from models.encoder_decoder import LATENT_AT_MOST

ENDINGS = (".npy", ".npz", ".parquet", ".pbtxt")
FEWEST = 2  # items of an atlas
ROWS_AT_MOST = FILES_AT_MOST  # as of pictures
BYTES_AT_MOST = (1 << 30) - (
    1 << 20
)  # of the vectors in 32 bits, which the weights file of a checkpoint holds
UNPACKED_AT_MOST = 1 << 32  # bytes of a Parquet file, unpacked
LISTED = 10  # numbers of rows in a message
TYPICAL = re.compile(r"emb|vec|latent|feat|mean|code|^[xz]$")  # in the name of an array or column of vectors
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """The vectors of N items, and what their file says of them."""

    vectors: NDArray[np.float32]  # (N, D), finite
    columns: dict[str, list[Cell]] = field(default_factory=dict)  # by title, N cells each
    pictures: NDArray[np.uint8] | None = None  # (N, H, W, C), if the file has them
    notes: tuple[str, ...] = ()  # sentences about how the file was read


def is_embeddings(path: Path) -> bool:
    """Whether a path is a file of embeddings by its ending, or a folder of TensorBoard's projector."""
    return path.suffix.lower() in ENDINGS if path.is_file() else (path / CONFIG).is_file()


def read_embeddings(path: Path) -> Embeddings:
    """Reads a file of embeddings.

    Arguments:
        path: An array (N, D) as .npy; an .npz with one, and arrays of N labels; Parquet with a column of lists of
            numbers; or TensorBoard's `projector_config.pbtxt`, or its folder.

    Raises:
        ValueError: If it holds no vectors, or they are too many, of unlike lengths, or not finite; the message gives the
            rule.
    """
    name = path.name
    if not path.exists():
        raise ValueError(f"{shown(str(path))} does not exist. Correct the path of the embeddings.")
    if path.is_dir() or path.suffix.lower() == ".pbtxt":
        found = read_projector(path / CONFIG if path.is_dir() else path)
        return Embeddings(checked(found.vectors, name), found.columns, found.pictures, found.notes)
    if path.suffix.lower() == ".npy":
        return Embeddings(checked(load_array(path), name))
    if path.suffix.lower() == ".npz":
        return _read_npz(path)
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    raise ValueError(
        f"{shown(str(path))} must be a file of embeddings: {', '.join(ENDINGS)}, or a folder with {CONFIG}."
    )


def checked(values: Array, name: str) -> NDArray[np.float32]:
    """Converts vectors to 32 bits.

    Arguments:
        values: Untrusted array, perhaps memory-mapped.
        name: Name of the file in messages.

    Raises:
        ValueError: If the shape, the type or a value is invalid.
    """
    what = f"The embeddings in {shown(name)}"
    if values.ndim != 2 or not 1 <= values.shape[1] <= LATENT_AT_MOST:
        raise ValueError(
            f"{what} must have the shape (N, D) with 1 to {LATENT_AT_MOST:,} dimensions. Got {values.shape}."
        )
    if not FEWEST <= len(values) <= ROWS_AT_MOST:
        raise ValueError(f"{what} must be {FEWEST} to {ROWS_AT_MOST:,} vectors. Got {len(values):,}.")
    if values.dtype.kind not in "fiu" or values.dtype.itemsize > 8:
        raise ValueError(
            f"{what} must be numbers of at most 64 bits. Got {values.dtype}. Save them as float32."
        )
    if 4 * values.size > BYTES_AT_MOST:
        raise ValueError(
            f"{what} must take at most {BYTES_AT_MOST >> 20} MiB in 32 bits. Got {4 * values.size >> 20} MiB. "
            "Reduce their dimensions, for example by PCA, or take fewer items."
        )
    with np.errstate(over="ignore"):
        vectors = np.array(values, np.float32, order="C")
    broken = np.flatnonzero(~np.isfinite(vectors).all(1))
    if len(broken):
        rows = ", ".join(map(str, broken[:LISTED])) + (" …" if len(broken) > LISTED else "")
        raise ValueError(
            f"{what} must be finite in 32 bits. Got NaN, infinity or numbers too large in {len(broken):,} of "
            f"{len(vectors):,} rows: {rows} (counted from 0). Leave these rows out, or correct them."
        )
    return vectors


def _chosen(names: Sequence[str], sizes: Sequence[int]) -> tuple[int, tuple[str, ...]]:
    """Chooses the array or column of vectors: the largest of those with a typical name, else of all; with a note."""
    typical = [place for place, name in enumerate(names) if TYPICAL.search(name.lower())]
    best = max(typical or range(len(names)), key=lambda place: sizes[place])
    others = ", ".join(shown(name) for place, name in enumerate(names) if place != best)
    note = f"The vectors are {shown(names[best])!r}; not used: {others[:200]}."
    return best, (note,) if others else ()


def _read_npz(path: Path) -> Embeddings:
    """Reads the array of vectors in an .npz, and the arrays of one number or text per vector."""
    members = [file for file in Zip(path).listing().files if file.name.lower().endswith(".npy")]
    if not members:
        raise ValueError(f"{shown(path.name)} holds no arrays. Save the embeddings with `numpy.savez`.")
    folder = unpack_members(path, members)
    arrays = {Path(file.name).stem: load_array(folder / file.name.rpartition("/")[2]) for file in members}
    stacks = [name for name, array in arrays.items() if array.ndim == 2 and array.dtype.kind in "fiu"]
    if not stacks:
        shapes = ", ".join(f"{shown(name)} {array.dtype} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"{shown(path.name)} must hold an array (N, D) of numbers. Got {shapes[:300]}.")
    best, notes = _chosen(stacks, [arrays[name].size for name in stacks])
    vectors = checked(arrays[stacks[best]], path.name)
    columns = {
        name: [cell(value) for value in _plain(array)]
        for name, array in arrays.items()
        if array.shape == (len(vectors),) and array.dtype.kind in "buifUS"
    }
    return Embeddings(vectors, columns, notes=notes)


def _plain(array: Array) -> list[Any]:
    values = array.tolist()
    return [value.decode("utf-8", "replace") for value in values] if array.dtype.kind == "S" else values


def _read_parquet(path: Path) -> Embeddings:
    """Reads the column of lists of numbers in a Parquet file; plain columns are labels."""
    try:
        with pq.ParquetFile(path) as file:
            schema, facts = file.schema_arrow, file.metadata
            groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
            if facts.num_rows > ROWS_AT_MOST:
                raise ValueError(f"it must have at most {ROWS_AT_MOST:,} rows. Got {facts.num_rows:,}")
            if len(schema) > COLUMNS_AT_MOST:
                raise ValueError(f"it must have at most {COLUMNS_AT_MOST:,} columns. Got {len(schema):,}")
            if sum(group.total_byte_size for group in groups) > UNPACKED_AT_MOST:
                raise ValueError(f"it must have at most {UNPACKED_AT_MOST >> 20} MiB, unpacked")
            lists = [each.name for each in schema if _is_vector(each.type)]
            if not lists:
                raise ValueError(
                    f"it has no column of lists of numbers, only {', '.join(schema.names)[:200]}"
                )
            sizes = dict.fromkeys(lists, 0)
            for chunk in (group.column(n) for group in groups for n in range(facts.num_columns)):
                name = chunk.path_in_schema.partition(".")[0]
                if name in sizes:
                    sizes[name] += chunk.num_values
            best, notes = _chosen(lists, list(sizes.values()))
            if 4 * sizes[lists[best]] > BYTES_AT_MOST:
                raise ValueError(f"its vectors must take at most {BYTES_AT_MOST >> 20} MiB in 32 bits")
            vectors = _vectors(file.read(columns=[lists[best]]).column(0))
            plain = [each.name for each in schema if _is_plain(each.type)]
            table = file.read(columns=plain)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error)[:300].rstrip(".")
        raise ValueError(f"{shown(path.name)} cannot be read as embeddings: {reason}.") from error
    columns = {
        name: [cell(value) for value in column.to_pylist()]
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return Embeddings(checked(vectors, path.name), columns, notes=notes)


def _is_vector(kind: Any) -> bool:
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(listed and pa.types.is_floating(kind.value_type))


def _is_plain(kind: Any) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _vectors(column: Any) -> Array:
    """Converts a column of lists to an array (N, D)."""
    if column.null_count:
        raise ValueError(f"{column.null_count:,} rows have no vector")
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(lengths) != 1:
        raise ValueError(
            f"its vectors must have one length. Got {', '.join(map(str, sorted(lengths)[:LISTED]))}"
        )
    values = pc.list_flatten(column)
    if values.null_count:
        raise ValueError(f"its vectors hold {values.null_count:,} missing numbers")
    return np.asarray(values.to_numpy()).reshape(len(column), lengths[0])
