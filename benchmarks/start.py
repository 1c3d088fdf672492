"""Measures the start: from `make run` to a stage that can be dragged, and checks that umap is not imported.

    python -m benchmarks.start [--runs 3] [--json]

A first `make run` does not count: it installs what is missing and warms the disk cache. Each further run is timed from
the command to `data-ready` on the stage, in a running Chromium with a fresh profile. umap needs numba and llvmlite,
whose libraries would appear in the memory maps of the server's processes: these are searched when the stage is ready
and after a drag (on Linux; elsewhere the output says that it was not checked).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.async_api import Browser
from playwright.async_api import Error as BrowserError

from benchmarks.browser import Hand, browser, open_page
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import ROOT, Server, end_on_sigterm, free_port

__all__ = ["group_maps", "main", "umap_libraries"]

BAR = 8.0  # s
READY = 120_000  # ms
PARTS = ("server", "stage", "ready")
LIBRARIES = ("numba", "llvmlite", "pynndescent", "umap")  # folders of site-packages
DRAG = 60.0  # CSS pixels


def umap_libraries(maps: Iterable[str]) -> list[str]:
    """Files in memory maps (lines of /proc/PID/maps) that only umap loads into a process."""
    fields = [line.split(maxsplit=5) for line in maps]
    paths = {line[5].strip() for line in fields if len(line) == 6}
    return sorted(path for path in paths if set(Path(path).parts) & set(LIBRARIES))


def group_maps(group: int) -> list[str] | None:
    """Memory maps of every process of a process group; None if the system does not provide them."""
    processes = Path("/proc")
    if not (processes / "self" / "maps").is_file():
        return None
    lines: list[str] = []
    for folder in processes.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            if os.getpgid(int(folder.name)) == group:
                lines += (folder / "maps").read_text().splitlines()
        except (ProcessLookupError, FileNotFoundError, PermissionError):
            continue  # it has ended, or belongs to another user
    return lines


async def run(one: Browser) -> dict[str, Any]:
    """One `make run`: seconds to each stage, and the umap libraries found in memory (None: not checked)."""
    port = free_port()
    server = Server(["make", "run", f"PORT={port}"], port, {"STREAMLIT_SERVER_HEADLESS": "true"})
    begin = time.perf_counter()
    server.start()
    try:
        await asyncio.to_thread(server.wait)
        at = {"server": time.perf_counter() - begin}
        async with open_page(one, server.address) as page:
            await page.wait_for_selector("[data-testid=stage]", state="attached", timeout=READY)
            at["stage"] = time.perf_counter() - begin
            await page.wait_for_selector("[data-testid=stage][data-ready=true]", timeout=READY)
            at["ready"] = time.perf_counter() - begin
            found = [*_found(server.group)]
            box = await page.locator("[data-testid=handle-A]").bounding_box()
            if box is None:
                raise RuntimeError("The stage is ready but its handle A is not visible.")
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            hand = await Hand.on(page)
            await hand.press(x, y)
            await hand.drag(lambda t: (x + DRAG * t, y), 1.0)
            await hand.release(x + DRAG, y)
            await page.wait_for_timeout(1000)  # lets the page's script rerun
            found += _found(server.group)
        checked = group_maps(os.getpgid(0)) is not None
    except BrowserError as error:
        raise RuntimeError(f"{error}\nThe server's log:\n{server.log()}") from error
    finally:
        await asyncio.to_thread(server.stop)
    return at | {"umap": sorted(set(found)) if checked else None}


def _found(group: int) -> list[str]:
    return umap_libraries(group_maps(group) or [])


async def measure(runs: int) -> list[dict[str, Any]]:
    """All runs, after a warm-up run that does not count."""
    async with browser() as one:
        found = []
        for number_of_run in range(runs + 1):
            title = f"Run {number_of_run} …" if number_of_run else "First run, not counted …"
            print(title, file=sys.stderr, flush=True)
            found.append(await run(one))
    return found[1:]


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares the result with the bar; exits with 1 if umap was imported."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.start", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--runs", type=int, default=3, help="that count; the median is taken (3)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    if not (ROOT / "Makefile").is_file():
        parser.error("there is no Makefile: run this from the repository")
    end_on_sigterm()
    about = machine()
    try:
        found = asyncio.run(measure(options.runs))
    except (ValueError, RuntimeError) as error:
        print(f"python -m benchmarks.start: {error}", file=sys.stderr)
        return 1
    median = {part: statistics.median(run[part] for run in found) for part in PARTS}
    checked = [Bar("second `make run` to a ready stage, s", median["ready"], BAR, "most")]
    imported = None if found[0]["umap"] is None else sorted({path for run in found for path in run["umap"]})
    if options.json:
        print(
            json_text(
                about
                | {
                    "runs": found,
                    "median": median,
                    "umap": imported,
                    "bars": [bar.as_dict() for bar in checked],
                }
            )
        )
    else:
        rows = [[f"run {n}", *(number(run[part], 2) for part in PARTS)] for n, run in enumerate(found, 1)]
        rows.append(["median", *(number(median[part], 2) for part in PARTS)])
        verdict = "not checked on this system" if imported is None else "never imported"
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        print(table(["s after `make run`", "server answers", "stage is there", "stage is ready"], rows))
        print(bars_text(checked), f"umap: {', '.join(imported) if imported else verdict}", sep="\n")
    return 1 if imported else 0


if __name__ == "__main__":
    sys.exit(main())
