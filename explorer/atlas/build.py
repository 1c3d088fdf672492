"""Builds an atlas: encodes a collection of images with one model and computes its maps and scores.

An atlas has one Parquet row per image: id, split, attributes, posterior mean and standard deviation, map positions,
scores. It holds no pictures, so it may be published where they may not. `python -m explorer.atlas MODEL` builds the
atlas of a checkpoint.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.atlas.storage import ROWS_AT_MOST, Array, Atlas, save_atlas
from explorer.atlas.umap_maps import MapSettings, fit_umap
from models import checkpoint
from models.base import Autoencoder
from models.card import ATLAS, CheckpointError
from models.data import SEQUENCES, Attribute, ImageData, SequenceData, load_data, load_sequences
from models.protocols import as_discrete
from models.system.progress import JsonProgress, add_option, say

__all__ = ["build_atlas", "encode", "main", "neighbour_distances", "rounded"]

COUNT = 8_000  # default number of images
NEIGHBOUR = 10  # rank of the neighbour whose distance the gauge uses
GAPS_AT_MOST = 1 << 23  # distances in memory at once, 64 MiB
BATCH = 256


def build_atlas(
    model: Autoencoder,
    data: Sequence[ImageData | SequenceData],
    report: Callable[[float, str], None] | None = None,
    umap: bool = True,
) -> Atlas:
    """Encodes images and fits their maps.

    Arguments:
        model: With a continuous latent of one axis, or a grid.
        data: Splits of one data set, in this order; each sequence is one row.
        report: Called with the fraction done (0 to 1) and a status text.
        umap: Whether to fit a UMAP map if the latent has more than two dimensions.

    Raises:
        ValueError: If there are too few images for a map.
    """
    progress = report or (lambda share, what: None)
    encoded = []
    for number, part in enumerate(data):
        progress(0.1 * number / len(data), f"Encoding {part.split} images")
        encoded.append(encode(model, part if isinstance(part, SequenceData) else part.images))
    mean = np.concatenate([e["mean"] for e in encoded])
    std = np.concatenate([e["std"] for e in encoded]) if "std" in encoded[0] else None
    scores = {str(k): np.concatenate([e[k] for e in encoded]) for k in ("kl", "error") if k in encoded[0]}
    progress(0.1, "Measuring distances")
    distance = neighbour_distances(mean)
    maps = {}
    if umap and mean.shape[1] > 2:
        maps["umap"] = fit_umap(mean, MapSettings(), lambda s, what: progress(0.15 + 0.84 * s, what))
    progress(1.0, "Done")
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

    For a model with discrete codes the mean is the embedding of the codes, which `decode` maps to the same codes.
    The latent of a sequence shows its last frame; the error is that of this frame.
    """
    import torch

    from models.data.tensors import to_tensor
    from models.evaluation.moving_digits import as_tensor

    discrete = as_discrete(model) if model.spec.discrete else None
    rows: dict[str, list[Array]] = {}
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            if isinstance(images, SequenceData):
                x = as_tensor(images.frames(np.arange(start, min(start + BATCH, len(images)))))
                shown = x[:, -1]
            else:
                x = shown = to_tensor(images[start : start + BATCH])
            q = model.encode(x)
            mean = discrete.embed(discrete.codes(x)) if discrete else q.mean
            found = {"mean": mean.flatten(1), "error": (model.decode(mean) - shown).square().mean((1, 2, 3))}
            if q.std is not None:
                found |= {"std": q.std.flatten(1), "kl": q.kl().flatten(1).sum(1)}
            for name, values in found.items():
                rows.setdefault(name, []).append(values.numpy().astype(np.float32))
    whole = {name: np.concatenate(parts) for name, parts in rows.items()}
    exact = (
        ("kl", "error", "mean") if model.spec.discrete else ("kl", "error")
    )  # embeddings are stored as codes
    return {name: values if name in exact else rounded(values) for name, values in whole.items()}


def neighbour_distances(z: Array, neighbour: int = NEIGHBOUR) -> Array:
    """Euclidean distance of each latent (N, D) to its `neighbour`-th nearest other latent, shape (N,)."""
    count = min(neighbour, len(z) - 1)
    exact = z.astype(np.float64)
    exact -= exact.mean(0)  # smaller numbers lose less precision when subtracted
    squares = (exact**2).sum(1)
    found = np.empty(len(z), np.float32)
    rows = max(1, GAPS_AT_MOST // len(z))
    for start in range(0, len(z), rows):
        part = slice(start, start + rows)
        gaps = squares[part, None] + squares - 2 * (exact[part] @ exact.T)
        gaps[np.arange(len(gaps)), np.arange(start, start + len(gaps))] = -np.inf  # itself comes first
        found[part] = np.sqrt(np.maximum(np.partition(gaps, count, axis=1)[:, count], 0))
    return found


def _joined(parts: list[Attribute]) -> Attribute:
    """Concatenates an attribute over several splits."""
    first = parts[0]
    return Attribute(first.name, first.kind, np.concatenate([p.values for p in parts]), first.labels)


def rounded(values: Array) -> Array:
    """Rounds to 10 bits of mantissa (a relative 0.05 %), which halves the size of the compressed column."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)


def main(arguments: list[str] | None = None, prog: str = "python -m explorer.atlas") -> int:
    """Builds and saves the atlas of a checkpoint: test images first, then training images."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("model", help="name or folder of a checkpoint")
    parser.add_argument("--count", type=int, default=COUNT, help=f"images in the atlas ({COUNT})")
    parser.add_argument(
        "--no-umap", action="store_true", help="leave out the UMAP map, which takes the longest"
    )
    add_option(parser)
    options = parser.parse_args(arguments)
    as_json = options.progress == "json"
    writer = JsonProgress()
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
        with tqdm(
            total=100, desc=entry.name, bar_format="{desc} {bar} {n:.0f} % {postfix}", disable=as_json
        ) as bar:

            def report(share: float, what: str) -> None:
                if as_json:
                    writer(share, what)
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
        if as_json:
            writer.error(error)
        print(f"{prog}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    if as_json:
        say(result={"images": len(atlas)})
    else:
        print(f"{entry.path / ATLAS} holds {len(atlas)} images.")
    return 0
