"""Compares encoding a collection on two Ray workers with one, in pictures per second, alternating.

    python -m benchmarks.encode [--images 16384] [--rounds 3] [--checkpoint faces-vae] [--json]

The pictures are JPEG files of 256×256 pixels, made from a seed; each worker decodes and encodes on one core. The first
quarter of a run, in which the workers import their libraries and load the model, does not count.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from models import load
from models.collection import fitted
from models.data.own import FoundImages, Preparation, open_images, propose
from models.encoded_parts import PART, encode_parts
from models.ray_workers import cluster, on_ray

__all__ = ["main", "write_pictures"]

BAR = 1.6  # least ratio of pictures per second, two workers to one
WORKERS = (1, 2)
SIDE, COARSE = 256, 12  # px of a picture, and of the noise that it is scaled up from
UNCOUNTED = 0.25  # share of the pictures at the start that is not measured


def write_pictures(folder: Path, count: int) -> None:
    """Writes smooth noise in colour as JPEG files."""
    chance = np.random.default_rng(0)
    for row in range(count):
        coarse = chance.integers(0, 256, (COARSE, COARSE, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        picture.save(folder / f"{row:06}.jpg", quality=90)


def rate(checkpoint: str, images: FoundImages, preparation: Preparation, workers: int) -> float:
    """Measures the pictures per second of several workers, each on one core, after the first quarter."""
    times: list[tuple[float, float]] = []  # share done, s
    with cluster(workers=workers), tempfile.TemporaryDirectory() as folder:
        encode_parts(
            checkpoint,
            images,
            preparation,
            Path(folder),
            workers=on_ray(),
            report=lambda share, _: times.append((share, time.perf_counter())),
        )
    (first, began), (last, ended) = next(each for each in times if each[0] >= UNCOUNTED), times[-1]
    return (last - first) * len(images) / (ended - began)


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares the result with the bar."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.encode", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--images", type=int, default=16_384, help="to encode (16,384)")
    parser.add_argument("--rounds", type=int, default=3, help="alternating repetitions (3)")
    parser.add_argument("--checkpoint", default="faces-vae", help="checkpoint that encodes (faces-vae)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.images < 8 * PART:
        parser.error(f"--rounds must be at least 1, --images {8 * PART}")
    about = machine() | {"images": options.images, "checkpoint": options.checkpoint}
    rates: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    try:
        shape = load(options.checkpoint).image_shape
        with tempfile.TemporaryDirectory() as folder:
            write_pictures(Path(folder), options.images)
            images = open_images(folder)
            preparation = fitted(propose(images), shape)
            for _ in range(options.rounds):
                for workers in WORKERS:
                    rates[workers].append(rate(options.checkpoint, images, preparation, workers))
    except (ValueError, RuntimeError, OSError) as error:
        print(f"python -m benchmarks.encode: {error}", file=sys.stderr)
        return 1
    medians = {workers: statistics.median(each) for workers, each in rates.items()}
    bars = [
        Bar("two workers, pictures per second relative to one worker", medians[2] / medians[1], BAR, "least")
    ]
    if options.json:
        print(json_text(about | {"rates": rates, "bars": [bar.as_dict() for bar in bars]}))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        rows = [
            [f"{workers} on Ray", number(medians[workers], 0), number(min(each), 0), number(max(each), 0)]
            for workers, each in rates.items()
        ]
        print(table(["workers", "pictures/s", "least", "most"], rows), bars_text(bars), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
