"""Measures the faces data set on one core, in images per second: drawing, and reading the cache.

    python -m benchmarks.faces [--count 4000] [--repeats 3]

Drawing runs in one thread. Reading does the same as training: it loads the split into a temporary cache folder, then
copies every image once, in shuffled batches of 128; the file was just written, so it is read from the system's page
cache. The best of the repeats counts.
"""

from __future__ import annotations

__all__ = ["drawing", "main", "reading"]

import argparse
import os
import tempfile
import time

import numpy as np

from models.data import load_data
from models.data.faces import sample_factors
from models.data.faces_cache import BATCH
from models.data.faces_drawing import render

TRAINING_BATCH = 128
BARS = {"drawing": 200, "reading": 1000}  # images per second on one core


def drawing(count: int) -> float:
    """Seconds to draw `count` faces in this thread."""
    table = sample_factors("train", count)
    start = time.perf_counter()
    for first in range(0, count, BATCH):
        render(table[first : first + BATCH])
    return time.perf_counter() - start


def reading(count: int) -> float:
    """Seconds to load `count` faces from the cache and copy each once, in random order."""
    start = time.perf_counter()
    images = load_data("faces", "train", count=count).images
    order = np.random.default_rng(0).permutation(count)
    for first in range(0, count, TRAINING_BATCH):
        np.array(images[order[first : first + TRAINING_BATCH]])
    return time.perf_counter() - start


def main() -> None:
    """Prints both rates and their bars."""
    parser = argparse.ArgumentParser(description="Images per second on one core, faces data set.")
    parser.add_argument("--count", type=int, default=4000, help="faces in a measurement")
    parser.add_argument("--repeats", type=int, default=3, help="measurements; the best counts")
    options = parser.parse_args()
    if options.count < 1000 or options.repeats < 1:
        parser.error("--count must be at least 1000 (fewer are not cached), --repeats at least 1")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LATENT_CACHE_DIR"] = folder
        load_data("faces", "train", count=options.count)  # fills the cache
        for name, measure in (("drawing", drawing), ("reading", reading)):
            seconds = min(measure(options.count) for _ in range(options.repeats))
            rate = options.count / seconds
            print(f"{name}: {rate:,.0f} images/s (bar: {BARS[name]:,})")


if __name__ == "__main__":
    main()
