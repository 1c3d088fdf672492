"""Builds an atlas: encodes a collection of images with one model and computes its maps and scores.

An atlas has one Parquet row per image: id, split, texts, attributes, posterior mean and standard deviation,
map positions, scores. It contains no pictures, so it may be published even if they may not. `python -m
explorer.atlas MODEL` builds the atlas of a checkpoint.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.atlas.latents import StoredLatents, read_latents
from explorer.atlas.storage import ROWS_AT_MOST, Array, Atlas, load_atlas, save_atlas
from explorer.atlas.umap_maps import FEWEST, MapSettings, Report, fit_umap
from explorer.latent.blocks import blocks
from explorer.latent.neighbours.approximate import EXACT_AT_MOST, ApproximateNeighbours, find_cells
from models import checkpoint
from models.base import Autoencoder, LatentSpec
from models.card import ATLAS, Card, CheckpointError, Entry
from models.data import (
    DATASETS,
    OWN,
    SEQUENCES,
    Attribute,
    ImageData,
    SequenceData,
    Texts,
    load_data,
    load_sequences,
    validation_rows,
)
from models.data.own import Preparation, prepare
from models.latents import encode
from models.system.progress import JsonProgress, add_option, say

__all__ = ["add_umap", "build", "build_atlas", "main", "neighbour_distances"]

COUNT, OWN_COUNT = 8_000, 20_000  # default number of images: of a bundled data set, and of the user's own
ORDER = ("test", "validation", "train")
NEIGHBOUR = 10  # rank of the neighbour whose distance the gauge uses
GAPS_AT_MOST = 1 << 23  # distances in memory at once, 64 MiB
FINER = 4.0  # times as many cells as in a search of the explorer, as all images are searched for
BUILD_PROBES = 12  # of them are read for each image


def build_atlas(
    model: Autoencoder,
    data: Sequence[ImageData | SequenceData],
    report: Report | None = None,
    umap: bool = True,
    stored: StoredLatents | None = None,
) -> Atlas:
    """Encodes images and fits their maps.

    Arguments:
        model: A model whose latent is a vector or a grid.
        data: Splits of one data set, in this order; each sequence is one row.
        report: Called with the fraction done (0 to 1) and a status text.
        umap: Whether to fit a UMAP map if the latent has more than two dimensions.
        stored: Latents encoded earlier; images without one are encoded here.

    Raises:
        ValueError: If there are too few images for a map.
    """
    progress = report or (lambda share, what: None)
    encoded = []
    for number, part in enumerate(data):
        progress(0.1 * number / len(data), f"Encoding {part.split} images")
        known = stored.of(part) if stored else None
        encoded.append(known or encode(model, part if isinstance(part, SequenceData) else part.images))
    mean = np.concatenate([e["mean"] for e in encoded])
    std = np.concatenate([e["std"] for e in encoded]) if "std" in encoded[0] else None
    scores = {str(k): np.concatenate([e[k] for e in encoded]) for k in ("kl", "error") if k in encoded[0]}
    progress(0.1, "Measuring distances")
    distance = neighbour_distances(mean)
    maps = {}
    if umap and mean.shape[1] > 2:
        maps["umap"] = fit_umap(mean, MapSettings(), lambda s, what: progress(0.15 + 0.84 * s, what))
    progress(1.0, "Done")
    images = [part for part in data if isinstance(part, ImageData)]
    return Atlas(
        ids=np.concatenate([d.ids for d in data]),
        split=[d.split for d in data for _ in range(len(d))],
        mean=mean,
        std=std,
        attributes={name: _joined([d.attributes[name] for d in data]) for name in data[0].attributes},
        maps=maps,
        scores=scores,
        neighbour_distance=distance,
        texts={name: _joined_texts([d.texts[name] for d in images]) for name in images[0].texts}
        if images
        else {},
    )


def neighbour_distances(z: Array, neighbour: int = NEIGHBOUR) -> Array:
    """Euclidean distance of each latent (N, D) to its `neighbour`-th nearest other latent, shape (N,).

    Of more than 50,000 latents the neighbours are searched approximately: a distance is then at least as large as that to
    the true neighbour (`explorer.latent.neighbours.approximate`).
    """
    count = min(neighbour, len(z) - 1)
    if len(z) > EXACT_AT_MOST:
        return _searched_distances(z, count)
    exact = z.astype(np.float64)
    exact -= exact.mean(0)  # smaller numbers lose less precision when subtracted
    squares = (exact**2).sum(1)
    distances = np.empty(len(z), np.float32)
    rows = max(1, GAPS_AT_MOST // len(z))
    for start in range(0, len(z), rows):
        part = slice(start, start + rows)
        gaps = squares[part, None] + squares - 2 * (exact[part] @ exact.T)
        gaps[np.arange(len(gaps)), np.arange(start, start + len(gaps))] = -np.inf  # itself comes first
        distances[part] = np.sqrt(np.maximum(np.partition(gaps, count, axis=1)[:, count], 0))
    return distances


def _searched_distances(z: Array, count: int) -> Array:
    """Distance of each latent (N, D) to its `count`-th nearest other one, by an approximate search."""
    search = ApproximateNeighbours(z, find_cells(z, finer=FINER), probes=BUILD_PROBES)
    distances = np.empty(len(z), np.float32)
    for rows in blocks(len(z)):
        index, distance = search.nearest(z[rows], count + 1)
        distance[index == np.arange(rows.start, rows.stop)[:, None]] = -np.inf  # itself comes first
        distances[rows] = np.sort(distance, axis=1)[:, count]
    return distances


def _joined(parts: list[Attribute]) -> Attribute:
    """Concatenates an attribute over several splits.

    Raises:
        ValueError: If its kind or labels differ between them.
    """
    first = parts[0]
    if any((part.kind, part.labels) != (first.kind, first.labels) for part in parts):
        raise ValueError(
            f"`attributes`: {first.name!r} must have one kind and the same labels in every split."
        )
    return replace(first, values=np.concatenate([part.values for part in parts]))


def _joined_texts(parts: list[Texts]) -> Texts:
    """Concatenates texts over several splits."""
    return replace(parts[0], values=tuple(text for part in parts for text in part.values))


def collection(card: Card, count: int | None = None) -> list[ImageData | SequenceData]:
    """The images of a checkpoint's data set for its atlas: those of the test split first.

    Arguments:
        card: Names the data set.
        count: Maximum number; if None, `OWN_COUNT` for the user's own images, else `COUNT`.

    Raises:
        ValueError: If the data set cannot be read, or has fewer than two images.
    """
    name, options = card.data["name"], card.data.get("options", {})
    load: Callable[..., Any] = load_sequences if name in SEQUENCES else load_data
    rest = count or (OWN_COUNT if name == OWN else COUNT)
    parts: list[ImageData | SequenceData] = []
    for split in _splits(name, options):
        parts.append(load(name, split, limit=rest, **options))
        rest -= len(parts[-1])
        if rest <= 0:
            break
    if sum(map(len, parts)) < 2:
        raise ValueError(f"An atlas must have at least 2 images. {name} has {sum(map(len, parts))}.")
    return parts


def _splits(name: str, options: dict[str, Any]) -> list[str]:
    """The splits of a data set that have images of their own, in the order of an atlas."""
    if name == OWN:
        counts = prepare(Preparation.from_options(options)).splits
        return [split for split in ORDER if counts[split]]
    within = name in DATASETS | SEQUENCES and len(validation_rows(name, **options))
    return [split for split in ORDER if split != "validation" or not within]  # no image twice


def add_umap(name: str | Path, report: Report | None = None) -> int:
    """Fits the UMAP map of an atlas that was built without one, and stores it there.

    Returns:
        The number of images.

    Raises:
        ValueError: If there is no atlas, it has too few images, or it was rebuilt meanwhile.
    """
    entry = checkpoint.read(name)
    path = entry.path / ATLAS
    atlas, before = load_atlas(entry), _stamp(path)
    xy = fit_umap(atlas.mean, MapSettings(), report)
    if _stamp(path) != before:
        raise ValueError(
            f"{path} was rebuilt while its map was fitted, so the map was discarded. Fit it again."
        )
    _store(entry, replace(atlas, maps=atlas.maps | {"umap": xy}), checkpoint.load(entry.path).spec)
    return len(atlas)


def build(name: str | Path, count: int | None = None, report: Report | None = None, umap: bool = True) -> int:
    """Builds and stores the atlas of a checkpoint.

    Arguments:
        name: Name or folder of the checkpoint.
        count: As in `collection`.
        report: Called with the fraction done (0 to 1) and a status text.
        umap: Whether to fit a UMAP map, which takes the longest; `add_umap` fits it later.

    Returns:
        The number of images.

    Raises:
        ValueError: If the checkpoint or its data set cannot be used, or the weights changed meanwhile.
    """
    entry = checkpoint.read(name)
    data = collection(_card(entry), count)
    model = checkpoint.load(entry.path)
    stored = read_latents(entry.path, entry.card.weights_sha256 if entry.card else "")
    atlas = build_atlas(model, data, report, umap and sum(map(len, data)) >= FEWEST, stored)
    if checkpoint.read(entry.path).version != entry.version:
        raise CheckpointError(
            f"The weights of {entry.name} changed while its images were encoded, so the atlas was discarded. "
            f"Build it again: `python -m explorer.atlas {name}`."
        )
    _store(entry, atlas, model.spec)
    return len(atlas)


def _store(entry: Entry, atlas: Atlas, spec: LatentSpec) -> None:
    codebook = spec.levels if spec.discrete else ()
    save_atlas(entry.path / ATLAS, atlas, _card(entry).weights_sha256, codebook)


def _card(entry: Entry) -> Card:
    if entry.card is None:
        raise CheckpointError(f"{entry.path} has no card.")
    return entry.card


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size


def main(arguments: list[str] | None = None, prog: str = "python -m explorer.atlas") -> int:
    """Builds and saves the atlas of a checkpoint: test images first, then validation and training images."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("model", help="name or folder of a checkpoint")
    parser.add_argument(
        "--count", type=int, help=f"images in the atlas ({COUNT}; of your own images {OWN_COUNT})"
    )
    parser.add_argument(
        "--no-umap", action="store_true", help="leave out the UMAP map, which takes the longest"
    )
    parser.add_argument(
        "--add-umap", action="store_true", help="only fit the UMAP map of an atlas that has none"
    )
    add_option(parser)
    options = parser.parse_args(arguments)
    as_json = options.progress == "json"
    writer = JsonProgress()
    try:
        if options.count is not None and not 20 <= options.count <= ROWS_AT_MOST:
            raise ValueError(f"`--count` must lie in [20, {ROWS_AT_MOST}]. Got {options.count}.")
        entry = checkpoint.read(options.model)
        with tqdm(
            total=100, desc=entry.name, bar_format="{desc} {bar} {n:.0f} % {postfix}", disable=as_json
        ) as bar:

            def report(share: float, what: str) -> None:
                if as_json:
                    writer(share, what)
                bar.set_postfix_str(what, refresh=False)
                bar.update(100 * share - bar.n)

            images = (
                add_umap(options.model, report)
                if options.add_umap
                else build(options.model, options.count, report, not options.no_umap)
            )
    except (ValueError, OSError, RuntimeError) as error:
        if as_json:
            writer.error(error)
        print(f"{prog}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    if as_json:
        say(result={"images": images})
    else:
        print(f"{entry.path / ATLAS} has {images} images.")
    return 0
