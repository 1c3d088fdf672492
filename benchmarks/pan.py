"""Measures pan and zoom over a map of many points: the stage, regl-scatterplot and Plotly's scattergl.

    python -m benchmarks.pan [--points N] [--seconds 10] [--json]

One real Chromium without a GPU, one map at a time, the same points, the same size, one run. The pointer drags the map
in circles, then the wheel zooms in and out, half of the time each. `benchmarks/frames.js` counts the frames in which
the map's picture has changed: pixels are read after each drawing, so animation frames alone do not count. While a
worker draws, the stage shows its last picture at the new position, which counts as changed. Then the pointer rests at
several positions of the map, and the time until a point's card is complete is measured.

Without --points, 10,000, 100,000 and 1,000,000 points. The stage is the real one on a checkpoint whose atlas is made
larger: rows drawn from the posteriors of its images.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.browser import SOFTWARE_GL, browser
from benchmarks.cases import choose_model
from benchmarks.maps import PEERS, Frames, measure_peer, measure_stage, peers_installed, write_points
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import end_on_sigterm
from models import checkpoint
from models.card import Entry

__all__ = ["bars", "main"]

MODEL = "mnist-vae-2d"  # a latent of two dimensions: a million rows fit into memory
SIZES = (10_000, 100_000, 1_000_000)
CASES = ("stage", *PEERS)
TITLES = {"stage": "stage", "regl": "regl-scatterplot", "plotly": "Plotly scattergl"}
FAST, MANY = 100_000, 1_000_000


async def measure(
    entry: Entry, sizes: list[int], seconds: float, cases: list[str]
) -> dict[int, dict[str, Frames]]:
    """The metrics of each map at each size."""
    found: dict[int, dict[str, Frames]] = {}
    with tempfile.TemporaryDirectory(prefix="latent-pan-") as temporary:
        async with browser(SOFTWARE_GL) as one:
            for count in sizes:
                folder = Path(temporary) / str(count)
                write_points(entry, folder, count)
                print(f"{count:,} points: stage …", file=sys.stderr, flush=True)
                own, box = await measure_stage(one, entry, folder, seconds)
                found[count] = {"stage": own}
                for peer in PEERS:
                    if peer not in cases:
                        continue
                    print(f"{count:,} points: {TITLES[peer]} …", file=sys.stderr, flush=True)
                    found[count][peer] = await measure_peer(one, peer, folder, box, seconds)
    return found


def bars(found: dict[int, dict[str, Frames]]) -> list[Bar]:
    """The bars that apply to the measured sizes."""
    checked = []
    if FAST in found:
        each = found[FAST]
        checked.append(Bar(f"frames/s, {FAST:,} points", each["stage"].fps, 30, "least"))
        if "plotly" in each and each["plotly"].fps > 0:
            ratio = each["stage"].fps / each["plotly"].fps
            checked.append(Bar(f"stage / Plotly, {FAST:,} points", ratio, 3, "least"))
    if MANY in found:
        checked.append(Bar(f"frames/s, {MANY:,} points", found[MANY]["stage"].fps, 20, "least"))
    return checked


def report(found: dict[int, dict[str, Frames]]) -> str:
    """The results as a text table."""
    rows = [
        [
            f"{count:,} points, {TITLES[name]}",
            *map(number, (f.fps, f.pan_fps, f.zoom_fps)),
            number(f.longest_gap, 0),
            number(f.hover_ms, 0),
        ]
        for count, each in found.items()
        for name, f in each.items()
    ]
    return table(["", "frames/s", "pan", "zoom", "longest gap, ms", "hover to card, ms"], rows)


def _as_json(found: dict[int, dict[str, Frames]]) -> dict[str, Any]:
    """By map for one size, by size and map for several."""
    sizes = {count: {name: asdict(f) for name, f in each.items()} for count, each in found.items()}
    return next(iter(sizes.values())) if len(sizes) == 1 else {"sizes": sizes}


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares the results with the bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pan", description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, help="on the map (10,000, 100,000 and 1,000,000)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of pan and zoom on each map (10)")
    parser.add_argument("--model", help=f"name of a checkpoint ({MODEL})")
    parser.add_argument(
        "--cases", nargs="+", choices=CASES, default=list(CASES), help="maps beside the stage's"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.seconds < 2:
        parser.error(f"--seconds must be at least 2. Got {options.seconds:g}.")
    if options.points is not None and not 1000 <= options.points <= 2_000_000:
        parser.error(f"--points must lie in [1000, 2000000]. Got {options.points}.")
    end_on_sigterm()
    try:
        if set(options.cases) & set(PEERS):
            peers_installed()
        names = {entry.name for entry in checkpoint.scan()}
        entry = choose_model(options.model or (MODEL if MODEL in names else None))
        sizes = [options.points] if options.points else list(SIZES)
        about = machine() | {"model": entry.name, "seconds": options.seconds}
        found = asyncio.run(measure(entry, sizes, options.seconds, options.cases))
    except (ValueError, RuntimeError) as error:
        print(f"python -m benchmarks.pan: {error}", file=sys.stderr)
        return 1
    checked = bars(found)
    if options.json:
        print(json_text(about | _as_json(found) | {"bars": [bar.as_dict() for bar in checked]}))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        print(report(found), bars_text(checked), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
