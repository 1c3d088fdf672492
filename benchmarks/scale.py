"""Builds, opens and uses an atlas of many images: time and peak memory of each step.

    python -m benchmarks.scale --rows 1000000 --dimensions 64 [--json]

The atlas is drawn, not encoded, but shaped like a real one: latents on curved sheets of ten categories, a map of each
sheet with its own place, attributes that follow the latents, posterior deviations, file names. It is written for an
untrained VAE with a latent of that size. Each step runs in a process of its own with an empty cache, whose peak memory is
given:

build       distances to neighbours and writing the file; the UMAP map, which takes minutes, is left out
open        loading it for the first time, with its neighbour index and its map
open again  the same with what the first time has put into the cache
use         a drag (one picture and its gauge a frame), the neighbours of a latent, a search by words, and what sets a
            tenth of the images apart

The drag is also measured without neighbours, which is what a frame takes at any number of images.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.report import json_text, machine, number, table
from explorer.atlas.build import neighbour_distances
from explorer.atlas.storage import ROWS_AT_MOST, Atlas, load_atlas, save_atlas
from explorer.inference.engine import DecodingEngine
from explorer.latent.neighbours.approximate import ApproximateNeighbours
from explorer.latent.neighbours.exact import GAUGE_NEIGHBOUR
from explorer.latent.statistics.selection import search, telling
from explorer.scene.loaded import Loaded, attribute_values, load, stamp
from explorer.scene.views import resolve
from models import MODELS, checkpoint
from models.card import ATLAS, Entry
from models.data import Attribute, Texts

__all__ = ["drawn_atlas", "main"]

Floats = NDArray[np.float32]

NAME = "scale"
SHEETS = 10
SHEET = 3  # dimensions of a sheet
BLOCK = 1 << 16  # rows drawn at once
FRAMES = 400  # of the drag
QUESTIONS = 100  # latents whose neighbours are asked, one at a time
SHOWN = 8  # neighbours asked for
SEARCHES = ("category 3", "bright category 1, 40-60", "picture-0000012", "smooth")
MIB = 1 << 20


def drawn_atlas(count: int, size: int, seed: int = 0) -> Atlas:
    """An atlas of `count` latents of `size` numbers on curved sheets, without distances to neighbours."""
    random = np.random.default_rng(seed)
    category = random.integers(0, SHEETS, count)
    places = random.uniform(-1, 1, (count, SHEET)).astype(np.float32)
    bends = random.normal(0, 1.5, (SHEETS, SHEET, size)).astype(np.float32)
    centres = random.normal(0, 0.7, (SHEETS, size)).astype(np.float32)
    mean = np.empty((count, size), np.float32)
    for start in range(0, count, BLOCK):
        rows = slice(start, start + BLOCK)
        bent = np.einsum("ns,nsd->nd", places[rows], bends[category[rows]])
        noise = random.standard_normal(bent.shape, np.float32)
        mean[rows] = centres[category[rows]] + 0.6 * np.sin(bent) + np.float32(0.15) * noise
    angle = 2 * np.pi * category / SHEETS
    xy = 6 * np.stack([np.cos(angle), np.sin(angle)], 1) + places[:, :2] + 0.1 * places[:, 2:] ** 2
    return Atlas(
        ids=np.arange(count),
        split=["test" if row % 5 == 0 else "train" for row in range(count)],
        mean=mean,
        std=np.full((count, size), 0.15, np.float32),
        attributes={
            "category": Attribute(
                "category",
                "categorical",
                category.astype(np.int16),
                tuple(f"category {n}" for n in range(SHEETS)),
            ),
            "bright": Attribute("bright", "binary", (places[:, 0] > 0).astype(np.uint8), ()),
            "smooth": Attribute("smooth", "continuous", places[:, 1].copy()),
        },
        maps={"umap": xy.astype(np.float32)},
        scores={"error": random.gamma(4, 0.002, count).astype(np.float32)},
        neighbour_distance=np.zeros(count, np.float32),
        texts={"file": Texts("file", "File", tuple(f"picture-{row:07d}.png" for row in range(count)))},
    )


class _Engine(DecodingEngine[Loaded]):
    """An engine for one checkpoint, wherever it lies."""

    entry: Entry

    def find(self, name: str) -> Entry:
        return self.entry

    def stamp(self, entry: Entry) -> tuple[object, ...]:
        return stamp(entry)

    def load(self, entry: Entry) -> Loaded:
        return load(entry, self.device)


# The steps; each returns seconds or milliseconds by name


def build(folder: Path, count: int, size: int) -> dict[str, float]:
    """Measures the distances to neighbours, and writes the checkpoint with its atlas."""
    torch.manual_seed(0)
    kind = MODELS["vae"]
    model = kind(kind.Config((1, 28, 28), latent=size, width=16))
    card = checkpoint.write(folder, model, model_name="vae", data={"name": "mnist"}, title="Scale")
    atlas = drawn_atlas(count, size)
    begin = time.perf_counter()
    atlas.neighbour_distance[:] = neighbour_distances(atlas.mean)
    measured = time.perf_counter()
    save_atlas(folder / ATLAS, atlas, card.weights_sha256)
    return {
        "distances_s": measured - begin,
        "write_s": time.perf_counter() - measured,
        "file_mib": (folder / ATLAS).stat().st_size / MIB,
    }


def open_atlas(folder: Path, count: int, size: int) -> dict[str, float]:
    """Loads the checkpoint, resolves its map, and prepares what the browser fetches."""
    entry = checkpoint.read(folder)
    begin = time.perf_counter()
    load_atlas(entry)
    read = time.perf_counter()
    loaded = load(entry, torch.device("cpu"))
    opened = time.perf_counter()
    view = resolve(loaded, "umap")
    mapped = time.perf_counter()
    view.xy.astype("<f4").tobytes()
    attribute_values(loaded, "category")
    done = time.perf_counter()
    return {
        "atlas_s": read - begin,
        "load_s": opened - read,
        "map_s": mapped - opened,
        "answer_s": done - mapped,
        "recall": found.recall.value
        if isinstance(found := loaded.neighbours, ApproximateNeighbours)
        else 1.0,
    }


def use(folder: Path, count: int, size: int) -> dict[str, float]:
    """Drags, asks for neighbours, searches, and describes a selection."""
    engine = _Engine(device=torch.device("cpu"))
    engine.entry = checkpoint.read(folder)
    loaded = engine.open_sync(NAME)
    loaded.decoder.compile()
    random = np.random.default_rng(1)
    ends = loaded.atlas.mean[random.integers(0, count, FRAMES // 40 + 2)]
    t = np.linspace(0, len(ends) - 1.001, FRAMES)
    part = (t % 1)[:, None]
    path = ((1 - part) * ends[t.astype(int)] + part * ends[t.astype(int) + 1]).astype(np.float32)
    bare = asyncio.run(_drag(engine, loaded, path, 0))
    with_gauge = asyncio.run(_drag(engine, loaded, path, GAUGE_NEIGHBOUR))
    asked = loaded.atlas.mean[random.integers(0, count, QUESTIONS)]
    asked = asked + np.float32(0.1) * random.standard_normal(asked.shape, np.float32)
    near = [_ms(partial(loaded.neighbours.nearest, row[None], SHOWN)) for row in asked]
    searched = [_ms(partial(_search, loaded, text)) for text in SEARCHES]
    again = [_ms(partial(_search, loaded, text)) for text in SEARCHES]
    chosen = np.flatnonzero(
        loaded.atlas.maps["umap"][:, 0] > np.quantile(loaded.atlas.maps["umap"][:, 0], 0.9)
    )
    selected = _ms(lambda: telling(loaded.atlas.attributes, chosen.tolist(), count))
    engine.close()
    return {
        "frame_without_neighbours_p50_ms": float(np.median(bare)),
        "frame_p50_ms": float(np.median(with_gauge)),
        "frame_p95_ms": float(np.quantile(with_gauge, 0.95)),
        "neighbours_p50_ms": float(np.median(near)),
        "neighbours_p95_ms": float(np.quantile(near, 0.95)),
        "first_search_ms": searched[0],
        "search_worst_ms": max(again),
        "selection_ms": selected,
    }


async def _drag(engine: _Engine, loaded: Loaded, path: Floats, neighbours: int) -> list[float]:
    """Milliseconds of each frame, after a tenth of them as a warm-up."""
    taken = []
    for z in path:
        begin = time.perf_counter()
        decoded = await engine.decode(loaded, z[None], neighbours=neighbours)
        if neighbours:
            loaded.neighbours.gauge(decoded.index, decoded.distance)
        taken.append(1e3 * (time.perf_counter() - begin))
    return taken[len(path) // 10 :]


def _search(loaded: Loaded, text: str) -> list[int]:
    return search(text, loaded.atlas.attributes, loaded.atlas.names, {}, None, loaded.text_searches)


def _ms(step: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    step()
    return 1e3 * (time.perf_counter() - begin)


STEPS: dict[str, Callable[[Path, int, int], dict[str, float]]] = {
    "build": build,
    "open": open_atlas,
    "open again": open_atlas,
    "use": use,
}


def _run(step: str, folder: Path, count: int, size: int, pipe: Any) -> None:
    """One step in this process; sends its figures, or the reason why there are none."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    try:
        found = STEPS[step](folder, count, size)
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        pipe.send(f"{step}: {error}")
        return
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pipe.send(
        {"seconds": time.perf_counter() - begin}
        | found
        | {"peak_mib": peak * unit / MIB, "before_mib": before * unit / MIB}
    )


def measure(count: int, size: int) -> dict[str, dict[str, float]]:
    """All steps at one size, each in its own process.

    Raises:
        RuntimeError: If a step fails; the message says which and why.
    """
    spawn = multiprocessing.get_context("spawn")
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="latent-scale-") as own:
        os.environ["LATENT_CACHE_DIR"] = str(Path(own) / "cache")
        for step in STEPS:
            print(f"{count:,} × {size}, {step} …", file=sys.stderr, flush=True)
            here, there = spawn.Pipe(duplex=False)
            process = spawn.Process(target=_run, args=(step, Path(own) / NAME, count, size, there))
            process.start()
            there.close()
            try:
                answer = here.recv()
            except EOFError:
                answer = f"{step}: the process ended with status {process.exitcode}"
            process.join()
            if isinstance(answer, str):
                raise RuntimeError(answer)
            found[step] = answer
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints; exits with 1 if a step fails."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--rows", type=int, default=100_000, help="images in the atlas (100,000)")
    parser.add_argument("--dimensions", type=int, default=64, help="numbers of a latent (64)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if not 100 <= options.rows <= ROWS_AT_MOST:
        parser.error(f"--rows must lie in 100..{ROWS_AT_MOST}. Got {options.rows}.")
    if not 3 <= options.dimensions <= 4096:
        parser.error(f"--dimensions must lie in 3..4096. Got {options.dimensions}.")
    before = os.environ.get("LATENT_CACHE_DIR")
    try:
        found = measure(options.rows, options.dimensions)
    except RuntimeError as error:
        print(f"python -m benchmarks.scale: {error}", file=sys.stderr)
        return 1
    finally:
        if before is None:
            os.environ.pop("LATENT_CACHE_DIR", None)
        else:
            os.environ["LATENT_CACHE_DIR"] = before
    answer = {"rows": options.rows, "dimensions": options.dimensions, "steps": found}
    if options.json:
        print(json_text(answer | {"machine": machine()}))
        return 0
    lines = [[step, name, number(value, 2)] for step, each in found.items() for name, value in each.items()]
    print(table(["step", "figure", "value"], lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
