"""An atlas: a collection of images as one model encodes them. Build it, save it, load it.

One Parquet row an image: id, split, attributes, posterior mean and standard deviation, map positions, scores.
It holds no pictures, so it may be published where they may not. `python -m explorer.atlas MODEL` builds a
checkpoint's own.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from explorer.atlas.code_columns import read_words, rows_of, words_of, written
from explorer.atlas.umap_maps import MapSettings, fit_umap
from explorer.latent.item_names import ItemNames
from models import checkpoint
from models.base import Autoencoder, Level
from models.card import ATLAS, CheckpointError, Entry
from models.data import SEQUENCES, Attribute, ImageData, SequenceData, load_data, load_sequences
from models.data.base import SPLITS
from models.system.files import replace_file

__all__ = ["ATLAS", "Atlas", "AtlasError", "build_atlas", "load_atlas", "main", "save_atlas"]

Array = NDArray[np.float32]

KEY = b"latent-explorer"  # of the Parquet metadata
NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")  # of a map or score
COUNT = 8_000  # images in an atlas that is built by default
ROWS_AT_MOST = 200_000
BYTES_AT_MOST = 1 << 29
NEIGHBOUR = 10  # which nearest neighbour's distance says how usual a place is
GAPS_AT_MOST = 1 << 23  # distances held at once, 64 MiB
BATCH = 256
DAMAGE = (ValueError, LookupError, TypeError, ArithmeticError, OSError, RecursionError)  # by bad files


class AtlasError(ValueError):
    """An atlas that cannot be used, with the reason and what to do."""


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
        """What each row is called."""
        return ItemNames(self.split, self.ids)


def build_atlas(
    model: Autoencoder,
    data: Sequence[ImageData | SequenceData],
    report: Callable[[float, str], None] | None = None,
    umap: bool = True,
) -> Atlas:
    """Encodes images and lays out their maps.

    Arguments:
        model: With a continuous latent of one axis.
        data: Splits of one data set, taken in this order; where it has sequences, each is one row.
        report: Called with the share done (0 to 1) and what is being done.
        umap: Lay out a UMAP map, where the latent has more than two dimensions.

    Raises:
        ValueError: If there are too few images for a map.
    """
    say = report or (lambda share, what: None)
    encoded = []
    for number, part in enumerate(data):
        say(0.1 * number / len(data), f"Encoding {part.split} images")
        encoded.append(encode(model, part if isinstance(part, SequenceData) else part.images))
    mean = np.concatenate([e["mean"] for e in encoded])
    std = np.concatenate([e["std"] for e in encoded]) if "std" in encoded[0] else None
    scores = {str(k): np.concatenate([e[k] for e in encoded]) for k in ("kl", "error") if k in encoded[0]}
    say(0.1, "Measuring distances")
    distance = neighbour_distances(mean)
    maps = {}
    if umap and mean.shape[1] > 2:
        maps["umap"] = fit_umap(mean, MapSettings(), lambda s, what: say(0.15 + 0.84 * s, what))
    say(1.0, "Done")
    return Atlas(
        ids=np.concatenate([d.ids for d in data]),
        split=[d.split for d in data for _ in range(len(d))],
        mean=mean,
        std=std,
        attributes={name: _joined([d.attributes[name] for d in data]) for name in data[0].attributes},
        maps=maps,
        scores=scores,
        neighbour_distance=distance,
    )


def encode(model: Autoencoder, images: NDArray[np.uint8] | SequenceData) -> dict[str, Array]:
    """Posterior mean and std (N, D), rounded; KL in nats (N,) and squared error per pixel (N,) of uint8 images.

    Of a model with discrete codes the mean is the codes' own vectors, which `decode` gives the same codes again.
    A sequence's code shows its last frame; the error is that frame's.
    """
    import torch

    from models.data.tensors import to_tensor
    from models.evaluation.moving_digits import as_tensor

    rows: dict[str, list[Array]] = {}
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            if isinstance(images, SequenceData):
                x = as_tensor(images.frames(np.arange(start, min(start + BATCH, len(images)))))
                shown = x[:, -1]
            else:
                x = shown = to_tensor(images[start : start + BATCH])
            q = model.encode(x)
            mean = model.embed(model.codes(x)) if model.spec.discrete else q.mean
            found = {"mean": mean.flatten(1), "error": (model.decode(mean) - shown).square().mean((1, 2, 3))}
            if q.std is not None:
                found |= {"std": q.std.flatten(1), "kl": q.kl().flatten(1).sum(1)}
            for name, values in found.items():
                rows.setdefault(name, []).append(values.numpy().astype(np.float32))
    whole = {name: np.concatenate(parts) for name, parts in rows.items()}
    exact = ("kl", "error", "mean") if model.spec.discrete else ("kl", "error")  # codes are written as codes
    return {name: values if name in exact else rounded(values) for name, values in whole.items()}


def neighbour_distances(z: Array, neighbour: int = NEIGHBOUR) -> Array:
    """Euclidean distance of each latent (N, D) to its `neighbour`-th nearest other, shape (N,)."""
    count = min(neighbour, len(z) - 1)
    exact = z.astype(np.float64)
    exact -= exact.mean(0)  # the smaller the numbers, the less their difference loses
    squares = (exact**2).sum(1)
    found = np.empty(len(z), np.float32)
    rows = max(1, GAPS_AT_MOST // len(z))
    for start in range(0, len(z), rows):
        part = slice(start, start + rows)
        gaps = squares[part, None] + squares - 2 * (exact[part] @ exact.T)
        gaps[np.arange(len(gaps)), np.arange(start, start + len(gaps))] = -np.inf  # itself comes first
        found[part] = np.sqrt(np.maximum(np.partition(gaps, count, axis=1)[:, count], 0))
    return found


def save_atlas(path: Path, atlas: Atlas, weights_sha256: str = "", codebook: Sequence[Level] = ()) -> None:
    """Writes an atlas as Parquet, at one stroke.

    Arguments:
        path: The file.
        atlas: What to write.
        weights_sha256: Of the weights that encoded it; `load_atlas` compares it with the card's.
        codebook: The levels of a latent whose vectors come from a codebook: codes are written instead of numbers.

    Raises:
        ValueError: If an attribute has the name of another column.
    """
    others = {"id", "split", "mean", "codes", "std", "neighbour_distance", *atlas.scores}
    others |= {f"{name}_{axis}" for name in atlas.maps for axis in "xy"}
    if taken := sorted(others & atlas.attributes.keys()):
        raise ValueError(f"An attribute must not be called {taken[0]!r}: another column has that name.")
    columns: dict[str, Any] = {"id": atlas.ids, "split": pa.array(atlas.split).dictionary_encode()}
    for name, a in atlas.attributes.items():
        columns[name] = a.values
        if a.kind == "categorical":
            columns[name] = pa.DictionaryArray.from_arrays(pa.array(a.values, pa.int16()), list(a.labels))
    spelled: dict[str, Any] = {}
    if codebook:
        words, lists = words_of(atlas.mean, codebook)
        columns["codes"] = _vectors(words, pa.uint16())
        spelled = {"levels": written(codebook, lists)}
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
    } | spelled
    table = pa.table(columns).replace_schema_metadata({KEY: json.dumps(about)})
    numbers = [f"{name}.list.element" for name in ("mean", "std") if name in columns]

    def fill(temporary: Path) -> None:
        texts = ["split", *(a.name for a in atlas.attributes.values() if a.kind != "continuous")]
        pq.write_table(table, temporary, compression="zstd", compression_level=9,
                       use_dictionary=texts, use_byte_stream_split=numbers)  # fmt: skip

    replace_file(path, fill)


def load_atlas(entry: Entry) -> Atlas:
    """Loads the atlas of a checkpoint, checked from end to end.

    Raises:
            raise ValueError(f"An attribute must not be called {taken[0]!r}: a column has that name.")
    """
    path = entry.path / ATLAS
    remedy = f"Build it anew: `python -m explorer.atlas {entry.name}`."
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
    """Refuses a file that would take much more memory than an atlas does, before reading it."""
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
    """Builds the atlas of a table; any departure from the layout raises ValueError, KeyError or TypeError."""

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
        levels, known = read_words(about["levels"])
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
    if len(np.unique(2 * atlas.ids.astype(np.uint64) + splits.astype(np.uint64))) < len(atlas):
        raise ValueError("columns 'split' and 'id' must name each image once")
    if atlas.ids.min() < 0 or atlas.neighbour_distance.min() < 0:
        raise ValueError("columns 'id' and 'neighbour_distance' must not be negative")
    if atlas.std is not None and (atlas.std.shape != atlas.mean.shape or atlas.std.min() < 0):
        raise ValueError("column 'std' must match 'mean' and must not be negative")
    return atlas


def _joined(parts: list[Attribute]) -> Attribute:
    """One attribute over several splits."""
    first = parts[0]
    return Attribute(first.name, first.kind, np.concatenate([p.values for p in parts]), first.labels)


def _vectors(rows: NDArray[Any], kind: pa.DataType | None = None) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), kind or pa.float32()), rows.shape[1])


def rounded(values: Array) -> Array:
    """Keeps 10 bits of the mantissa (a relative 0.05 %), so that the column packs to half its size."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    kept: Array = ((bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)
    return kept


def main(arguments: list[str] | None = None, prog: str = "python -m explorer.atlas") -> int:
    """Builds and saves the atlas of a checkpoint: test images first, then training images."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("model", help="name or folder of a checkpoint")
    parser.add_argument("--count", type=int, default=COUNT, help=f"images in the atlas ({COUNT})")
    parser.add_argument(
        "--no-umap", action="store_true", help="leave out the UMAP map, which takes the longest"
    )
    options = parser.parse_args(arguments)
    try:
        if not 20 <= options.count <= ROWS_AT_MOST:
            raise ValueError(f"`--count` must lie in [20, {ROWS_AT_MOST}]. Got {options.count}.")
        entry = checkpoint.read(options.model)
        if entry.card is None:
            raise CheckpointError(f"{entry.path} has no card.")
        about = entry.card.data
        load: Callable[..., Any] = load_sequences if about["name"] in SEQUENCES else load_data
        test = load(about["name"], "test", limit=options.count, **about.get("options", {}))
        rest = options.count - len(test)
        data = [test]
        if rest:
            data.append(load(about["name"], "train", limit=rest, **about.get("options", {})))
        with tqdm(total=100, desc=entry.name, bar_format="{desc} {bar} {n:.0f} % {postfix}") as bar:

            def report(share: float, what: str) -> None:
                bar.set_postfix_str(what, refresh=False)
                bar.update(100 * share - bar.n)

            model = checkpoint.load(entry.path)
            atlas = build_atlas(model, data, report, not options.no_umap)
        if checkpoint.read(entry.path).version != entry.version:
            raise CheckpointError(
                f"The weights of {entry.name} changed while its images were encoded, so the atlas is not kept. "
                f"Build it again: `python -m explorer.atlas {options.model}`."
            )
        codebook = model.spec.levels if model.spec.discrete else ()
        save_atlas(entry.path / ATLAS, atlas, entry.card.weights_sha256, codebook)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"{prog}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print(f"{entry.path / ATLAS} holds {len(atlas)} images.")
    return 0
