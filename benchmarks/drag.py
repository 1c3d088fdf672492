"""Measures the latency of a drag, from the input event to the painted picture, for the stage, Gradio and Streamlit.

    python -m benchmarks.drag [--seconds 10] [--model NAME] [--rounds 1] [--json]

One real Chromium, one server at a time, the same decoder and threads, one run. `benchmarks/probe.js` measures inside
the page, alike for all three: from the time stamp of the newest event that a picture answers, to the moment its pixels
change ("drawn": putImageData has returned, or the <img> has fired `load`), and to the next animation frame after that
("shown"). The bars compare "drawn", as "shown" adds the same wait for the display, up to 16.7 ms, to all. The stage's
own live readout is listed as a check.

The pointer drags handle A, or Gradio's slider, at 125 events per second, like a slow mouse; Chromium delivers at most
one per frame. Streamlit's slider sends nothing during a drag (a separate line shows that), so the arrow key is held at
30 repeats per second, and also pressed step by step; the better of the two counts.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.browser import browser
from benchmarks.cases import (
    CROWD,
    STRIP,
    Setting,
    choose_model,
    crowd,
    fetch_originals,
    gradio,
    stage,
    streamlit_dragged,
    streamlit_held,
    streamlit_stepped,
)
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import end_on_sigterm
from explorer.atlas.storage import load_atlas
from models.card import Entry

__all__ = ["CASES", "bars", "main"]

Case = Callable[[Setting], Awaitable[dict[str, Any]]]

CASES: dict[str, tuple[str, Case]] = {
    "one": ("stage, one picture", stage),
    "crowd": (f"stage, {CROWD:,} points", crowd),
    "strip": (f"stage, filmstrip of {STRIP}", lambda setting: stage(setting, STRIP)),
    "gradio": ("Gradio, slider dragged", gradio),
    "streamlit-held": ("Streamlit, arrow key held", streamlit_held),
    "streamlit-stepped": ("Streamlit, arrow key stepped", streamlit_stepped),
    "streamlit-dragged": ("Streamlit, slider dragged", streamlit_dragged),
}


async def measure(entry: Entry, seconds: float, cases: list[str], rounds: int) -> dict[str, dict[str, Any]]:
    """Metrics of each case; with several rounds, those of the round with the median p50."""
    found: dict[str, list[dict[str, Any]]] = {}
    atlas = load_atlas(entry)
    fetch_originals(entry, atlas)
    with tempfile.TemporaryDirectory(prefix="latent-bench-") as folder:
        async with browser() as one:
            setting = Setting(one, entry, atlas, seconds, Path(folder))
            for _ in range(rounds):
                for name in cases:
                    title, case = CASES[name]
                    print(f"{title} …", file=sys.stderr, flush=True)
                    found.setdefault(name, []).append(await case(setting))
    return {
        name: sorted(each, key=lambda f: _finite(f["p50"]))[len(each) // 2] for name, each in found.items()
    }


def bars(found: dict[str, dict[str, Any]]) -> list[Bar]:
    """The bars that apply to the measured cases."""
    one, strip, many, other = (found.get(name) for name in ("one", "strip", "crowd", "gradio"))
    keys = [_finite(found[n]["p50"]) for n in ("streamlit-held", "streamlit-stepped") if n in found]
    checked = []
    if one and other:
        checked.append(Bar("stage p50 / Gradio p50", one["p50"] / other["p50"], 1 / 5, "most"))
    if one and keys:
        checked.append(Bar("stage p50 / Streamlit p50", one["p50"] / min(keys), 1 / 20, "most"))
    if one:
        checked.append(Bar("pictures/s, one picture per frame", one["fps"], 58, "least"))
    if strip:
        checked.append(Bar(f"frames/s, filmstrip of {STRIP}", strip["fps"], 30, "least"))
    if one and many:
        checked.append(Bar(f"p50 with {CROWD:,} points / without", many["p50"] / one["p50"], 1.1, "most"))
        checked.append(
            Bar(f"pictures/s with {CROWD:,} points / without", many["fps"] / one["fps"], 0.9, "least")
        )
    return checked


def report(found: dict[str, dict[str, Any]]) -> str:
    """The results as a text table."""
    one = found.get("one", {}).get("p50", float("nan"))
    rows = []
    for name, f in found.items():
        metrics = [
            f["p50"],
            f["p95"],
            f["p50"] / one,
            f["heard_p50"],
            f["shown_p50"],
            f["shown_p95"],
            f["fps"],
        ]
        own = [f["own"][key] for key in ("p50Ms", "p95Ms", "fps")] if "own" in f else []
        rows.append(
            [CASES[name][0], *map(number, metrics), number(f["longest_gap"], 0), " / ".join(map(number, own))]
        )
    heads = [
        "ms from the event",
        "drawn p50",
        "p95",
        "× stage",
        "(heard)",
        "shown p50",
        "p95",
        "pictures/s",
        "gap ms",
        "the stage's own readout (p50 / p95 / fps)",
    ]
    return table(heads, rows)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares the results with the bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drag", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measured gesture (10)")
    parser.add_argument("--model", help="name of a checkpoint (faces-vae)")
    parser.add_argument(
        "--rounds", type=int, default=1, help="of all cases; the one with the median p50 counts (1)"
    )
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="measure only these")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.seconds < 1 or options.rounds < 1:
        parser.error("--seconds and --rounds must be at least 1")
    end_on_sigterm()
    try:
        entry = choose_model(options.model)
        about = machine() | {"model": entry.name, "seconds": options.seconds, "rounds": options.rounds}
        found = asyncio.run(measure(entry, options.seconds, options.cases, options.rounds))
    except (ValueError, RuntimeError) as error:
        print(f"python -m benchmarks.drag: {error}", file=sys.stderr)
        return 1
    checked = bars(found)
    if options.json:
        print(json_text(about | {"cases": found, "bars": [bar.as_dict() for bar in checked]}))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        print(report(found), bars_text(checked), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
