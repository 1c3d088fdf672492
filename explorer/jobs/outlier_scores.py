"""A job: computes outlier scores of images, and stores them in the cache.

Images of a checkpoint's atlas are scored in a fixed random order. A job continues where an earlier one ended,
and writes its scores every few images, so that a cancelled job loses only the last few. `latent-drag scores`
is the command.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from explorer.atlas.storage import Atlas, load_atlas
from explorer.catalogue.outlier_scores import SCORES, refusal
from explorer.scene.originals import collect, original_path
from models.card import Entry
from models.checkpoint import read
from models.data.locations import cache_folder
from models.system.files import replace_file
from models.system.progress import JsonProgress, say

__all__ = [
    "COUNT",
    "PICTURES_AT_MOST",
    "Request",
    "digest_of_atlas",
    "digest_of_pictures",
    "main",
    "measure",
    "read_scores",
    "score",
    "scores_path",
    "write_scores",
]

Floats = NDArray[np.float64]
Report = Callable[[float, str], None]

COUNT = 500  # images scored by default
PICTURES_AT_MOST = 200
PICTURE_BYTES_AT_MOST = 1 << 24
PART = 64  # images between two reports and writes
SAMPLES = {"reconstruction": 16, "elbo": 16, "importance": 64}  # draws of z per image
DRAWS = 4  # draws of a flow's noise
FILES_AT_MOST = 100  # files in the cache; the oldest are deleted
HEADER_AT_MOST = 1 << 12  # bytes of a file without its numbers
LAYOUT = "1"  # changes when the computation of a score changes


@dataclass(frozen=True, eq=False)
class Request:
    """The images and the scores to compute."""

    model: str  # name or folder of a checkpoint
    scores: Sequence[str]  # costly scores of `explorer.catalogue.outlier_scores`
    count: int = COUNT  # images of the atlas
    pictures: NDArray[np.uint8] | None = None  # to score instead, (N, H, W, C)

    def __post_init__(self) -> None:
        for name in self.scores:
            if name not in _costly():
                raise ValueError(f"`score` must be one of: {', '.join(_costly())}. Got {name[:40]!r}.")
        if self.count < 1:
            raise ValueError(f"`count` must be at least 1. Got {self.count}.")


def measure(model: Any, images: NDArray[np.uint8], seeds: Sequence[int], score: str) -> Floats:
    """The score of each image, independent of the others.

    Arguments:
        model: A model in evaluation mode.
        images: uint8, shape (N, H, W, C), of the model's size.
        seeds: For a model of binarised images, the seed of each image's binarisation, shape (N,): its row in
            the data set.
        score: A costly score of `explorer.catalogue.outlier_scores.SCORES`.

    Returns:
        Shape (N,), in the score's unit.

    Raises:
        ValueError: If the model does not support the score, with the reason.
    """
    import torch

    reason = refusal(score, model.spec)
    if reason:
        raise ValueError(f"{SCORES[score].title} is not available for {type(model).__name__}. {reason}")
    if not SCORES[score].costly:
        raise ValueError(f"`score` must be one that is computed from pictures. {score!r} is in the atlas.")
    x = torch.tensor(images).permute(0, 3, 1, 2).float() / 255
    if score == "density":
        return _exact(model, x)
    drawn = [
        model.likelihood.prepare(one[None], torch.Generator().manual_seed(int(seed)))
        for one, seed in zip(x, seeds, strict=True)
    ]
    x = torch.cat(drawn)
    if score == "regret":
        from models.evaluation.likelihood_regret import likelihood_regret

        return np.asarray(likelihood_regret(model, x).values.numpy())
    if score == "importance":
        from models.evaluation.importance_sampling import importance_sampled

        parts = [importance_sampled(model, one[None], SAMPLES[score]).values for one in x]
        return np.asarray(torch.cat(parts).numpy())
    from models.evaluation.elbo import bound

    bounds = bound(model, x, SAMPLES[score])
    return np.asarray((bounds.elbo if score == "elbo" else bounds.reconstruction).numpy())


def _exact(model: Any, x: Any) -> Floats:
    """Exact log p(x) of images (N, C, H, W), as in `explorer.scene.likelihood` for one."""
    import torch

    values = []
    with torch.inference_mode():
        for one in x:
            noise = torch.Generator().manual_seed(0)
            values.append(-float(model.loss(one.expand(DRAWS, -1, -1, -1), generator=noise).total))
    return np.array(values)


def digest_of_atlas(atlas: Atlas) -> str:
    """A digest of the images of an atlas."""
    digest = hashlib.sha256(json.dumps(atlas.split).encode())
    digest.update(np.ascontiguousarray(atlas.ids, np.int64).tobytes())
    return digest.hexdigest()[:16]


def digest_of_pictures(pictures: NDArray[np.uint8]) -> str:
    """A digest of pictures (N, H, W, C)."""
    return hashlib.sha256(str(pictures.shape).encode() + pictures.tobytes()).hexdigest()[:16]


def scores_path(entry: Entry, score: str, digest: str) -> Path:
    """The file of the scores of some images."""
    return cache_folder() / "outliers" / f"{entry.name}-{entry.version}-{score}-{LAYOUT}-{digest}.safetensors"


def read_scores(path: Path, count: int) -> tuple[NDArray[np.int64], Floats]:
    """Reads stored scores: rows (M,) in the order of scoring, and values (M,); both empty if there are none.

    Arguments:
        path: The result of `scores_path`.
        count: Number of images; rows must be smaller.

    Raises:
        ValueError: If the file is invalid; the message says what to do.
    """
    try:
        if path.stat().st_size > 16 * count + HEADER_AT_MOST:
            raise ValueError(f"it is too large for {count} scores")
        held = load(path.read_bytes())
        rows, values = held["rows"], held["values"]
        if (
            rows.dtype != np.int64
            or values.dtype != np.float64
            or rows.ndim != 1
            or rows.shape != values.shape
        ):
            raise ValueError("it must hold one number for each of its rows")
        if len(rows) and (rows.min() < 0 or rows.max() >= count or len(np.unique(rows)) != len(rows)):
            raise ValueError(f"its rows must be distinct and in 0..{count - 1}")
        if not np.isfinite(values).all():
            raise ValueError("its scores must be finite")
    except FileNotFoundError:
        return np.empty(0, np.int64), np.empty(0)
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}). Delete it and compute the scores again."
        ) from error
    return rows, values


def write_scores(path: Path, rows: NDArray[np.int64], values: Floats) -> None:
    """Writes scores atomically, and deletes the oldest files of the folder."""
    packed = save(
        {"rows": np.ascontiguousarray(rows, np.int64), "values": np.ascontiguousarray(values, np.float64)}
    )
    replace_file(path, lambda temporary: temporary.write_bytes(packed))
    files = [(file.stat().st_mtime_ns, file) for file in path.parent.glob("*.safetensors") if file != path]
    for _, file in sorted(files, reverse=True)[FILES_AT_MOST - 1 :]:
        file.unlink(missing_ok=True)


def score(request: Request, report: Report) -> dict[str, Any]:
    """Scores images and stores the scores.

    Returns:
        `scores`, as requested, and `count`, the number of images that have them.

    Raises:
        ValueError: If the model does not support a score, or the pictures do not have its shape.
    """
    from models import checkpoint

    report(0.0, "Opening the model")
    entry = read(request.model)
    model = checkpoint.load(entry.path).eval()
    for name in request.scores:
        if reason := refusal(name, model.spec):
            raise ValueError(f"{SCORES[name].title} is not available for {entry.name}. {reason}")
    wanted, done = len(request.scores), 0
    for number, name in enumerate(request.scores):

        def tell(share: float, what: str, number: int = number) -> None:
            report((number + share) / wanted, what)

        if request.pictures is None:
            done = _score_atlas(entry, model, name, request.count, tell)
        else:
            done = _score_pictures(entry, model, name, request.pictures, tell)
    return {"scores": list(request.scores), "count": done}


def main(arguments: list[str] | None = None, prog: str = "python -m explorer.jobs.outlier_scores") -> int:
    """Scores images; prints the progress and then the number of scored images as JSON lines."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("model", help="name or folder of a checkpoint")
    parser.add_argument("--score", action="append", required=True, help="one of " + ", ".join(_costly()))
    parser.add_argument("--count", type=int, default=COUNT, help=f"images of the atlas ({COUNT})")
    parser.add_argument(
        "--pictures", type=Path, help="score these instead, uint8 (N, H, W, C) in an .npy file"
    )
    options = parser.parse_args(arguments)
    writer = JsonProgress()
    try:
        pictures = None if options.pictures is None else _read_pictures(options.pictures)
        request = Request(options.model, options.score, options.count, pictures)
        say(result=score(request, writer))
    except (ValueError, OSError) as error:
        writer.error(error)
        return 1
    return 0


def _read_pictures(file: Path) -> NDArray[np.uint8]:
    """Reads pictures from a file.

    Raises:
        ValueError: If it is too large, or not an array of numbers.
    """
    if file.stat().st_size > PICTURE_BYTES_AT_MOST:
        raise ValueError(f"{file} must not be larger than {PICTURE_BYTES_AT_MOST >> 20} MiB.")
    return cast("NDArray[np.uint8]", np.load(file, allow_pickle=False))


def _score_atlas(entry: Entry, model: Any, score: str, count: int, report: Report) -> int:
    """Scores those of the first `count` images that have no score yet; returns how many then have one."""
    if entry.card is None:
        raise ValueError(f"{entry.path} has no card.")
    atlas = load_atlas(entry)
    path = scores_path(entry, score, digest_of_atlas(atlas))
    try:
        rows, values = read_scores(path, len(atlas))
    except ValueError:  # it is overwritten
        rows, values = np.empty(0, np.int64), np.empty(0)
    order = np.random.default_rng(0).permutation(len(atlas))[:count]
    missing = order[~np.isin(order, rows)]
    if not len(missing):
        return len(rows)
    report(0.0, "Reading the pictures")
    images = _pictures_of(entry, atlas, missing)
    for start in range(0, len(missing), PART):
        report(start / len(missing), f"{len(rows):,} of {len(order):,} images")
        part = missing[start : start + PART]
        added = measure(model, images[start : start + PART], [int(atlas.ids[row]) for row in part], score)
        rows, values = np.concatenate([rows, part]), np.concatenate([values, added])
        write_scores(path, rows, values)
    return len(rows)


def _score_pictures(entry: Entry, model: Any, score: str, pictures: NDArray[np.uint8], report: Report) -> int:
    """Scores pictures (N, H, W, C); returns their number."""
    channels, height, width = model.image_shape
    if pictures.dtype != np.uint8 or pictures.shape[1:] != (height, width, channels):
        raise ValueError(
            f"`pictures` must be uint8 of the shape (N, {height}, {width}, {channels}). "
            f"Got {pictures.dtype} {pictures.shape}."
        )
    if not 1 <= len(pictures) <= PICTURES_AT_MOST:
        raise ValueError(f"`pictures` must hold 1 to {PICTURES_AT_MOST} pictures. Got {len(pictures)}.")
    values = np.empty(0)
    for start in range(0, len(pictures), PART):
        report(start / len(pictures), f"{start} of {len(pictures)} pictures")
        part = pictures[start : start + PART]
        values = np.concatenate([values, measure(model, part, [0] * len(part), score)])
    write_scores(scores_path(entry, score, digest_of_pictures(pictures)), np.arange(len(values)), values)
    return len(values)


def _pictures_of(entry: Entry, atlas: Atlas, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Images of some rows of the atlas, (M, H, W, C), from the cache if possible, else from the data set."""
    try:
        images = np.load(original_path(entry, atlas.ids, atlas.split), mmap_mode="r", allow_pickle=False)
        if images.dtype == np.uint8 and images.ndim == 4 and len(images) == len(atlas):
            return np.ascontiguousarray(images[rows])
    except (OSError, ValueError, EOFError):
        pass
    card: Any = entry.card
    return collect(card.data, atlas.ids[rows], [atlas.split[row] for row in rows])


def _costly() -> list[str]:
    return [key for key, score in SCORES.items() if score.costly]


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    sys.exit(main())
