"""The maps that `benchmarks.pan` compares: the stage's, regl-scatterplot's and Plotly's, on the same points."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Browser, Page, Route
from playwright.async_api import Error as BrowserError

from benchmarks.browser import Hand, open_page
from benchmarks.cases import enlarge
from benchmarks.server import ROOT, Server, app_command, free_port
from explorer.atlas.storage import load_atlas
from models import checkpoint
from models.card import Entry

__all__ = ["PEERS", "Frames", "measure_peer", "measure_stage", "peers_installed", "write_points"]

PROBE = ROOT / "benchmarks" / "frames.js"
FOLDER = ROOT / "benchmarks" / "peers" / "maps"
PEERS = ("regl", "plotly")
ORIGIN = "http://maps.localhost"  # of the peers' pages; answered from the disk
READY = 300_000  # ms
SETTLE = 3_000  # ms from a map that is ready until the page is idle
WARM_UP = 1.0  # s
TURN = 2.0  # s per circle of the pan
RADIUS = 90.0  # CSS pixels
ZOOM = 1.0  # s in one direction
NOTCH = 25.0  # CSS pixels of a turn of the wheel
HOVERS = 24
HOVER_WAIT = 700  # ms


@dataclass(frozen=True)
class Frames:
    """What a map drew."""

    pan_fps: float
    zoom_fps: float
    fps: float  # of both together
    longest_gap: float  # ms without a new picture
    hover_ms: float  # from a move to a card, the median; NaN where none came

    @classmethod
    def of(cls, pan: dict[str, Any], zoom: dict[str, Any], hovers: list[float]) -> Frames:
        """The metrics of two gestures, from the probe's answers."""
        frames, seconds = len(pan["frames"]) + len(zoom["frames"]), (pan["ms"] + zoom["ms"]) / 1000
        gaps = [gap for each in (pan, zoom) for gap in np.diff([0.0, *each["frames"], each["ms"]])]
        return cls(
            1000 * len(pan["frames"]) / pan["ms"],
            1000 * len(zoom["frames"]) / zoom["ms"],
            frames / seconds,
            float(max(gaps)),
            statistics.median(hovers) if hovers else math.nan,
        )


def peers_installed() -> None:
    """Installs the peers if they are missing.

    Raises:
        RuntimeError: If they cannot be installed; the message gives the command.
    """
    ready = FOLDER / "node_modules" / ".ready"
    wanted = (FOLDER / "package-lock.json").read_text(encoding="utf-8")
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    print(f"Installing the peers' maps into {FOLDER} (once) …", file=sys.stderr)
    if shutil.which("npm") is None or subprocess.run(command, cwd=FOLDER, check=False).returncode:
        raise RuntimeError(
            f"`{' '.join(command)}` failed in {FOLDER}. Run it by hand, or leave the peers out with --cases stage."
        )
    ready.write_text(wanted, encoding="utf-8")


def write_points(entry: Entry, folder: Path, count: int) -> None:
    """Writes the same checkpoint with `count` images to a folder, and their map as `points.bin` for the peers."""
    enlarge(entry, load_atlas(entry), folder / entry.name, count)
    atlas = load_atlas(_moved(entry, folder))
    xy = atlas.maps["umap"] if "umap" in atlas.maps else atlas.mean[:, :2]
    middle, half = (xy.max(0) + xy.min(0)) / 2, np.ptp(xy, 0).max() / 2
    labels = next(iter(atlas.attributes.values())).values if atlas.attributes else np.zeros(len(xy))
    columns = [*((xy - middle) / half).T, labels % 10]
    np.concatenate(columns).astype("<f4").tofile(folder / "points.bin")


def _moved(entry: Entry, folder: Path) -> Entry:
    before = os.environ.get("LATENT_CHECKPOINT_DIR")
    os.environ["LATENT_CHECKPOINT_DIR"] = str(folder)
    try:
        return checkpoint.read(entry.name)
    finally:
        if before is None:
            del os.environ["LATENT_CHECKPOINT_DIR"]
        else:
            os.environ["LATENT_CHECKPOINT_DIR"] = before


async def measure_stage(
    one: Browser, entry: Entry, folder: Path, seconds: float
) -> tuple[Frames, dict[str, float]]:
    """The stage's map of the checkpoint in a folder; also gives the map's box in the window."""
    port = free_port()
    empty = folder / "no-data"
    empty.mkdir(exist_ok=True)
    environment = {
        "LATENT_CHECKPOINT_DIR": str(folder),
        "LATENT_CACHE_DIR": str(folder / "cache"),
        "LATENT_DATA_DIR": str(empty),
    }
    server = Server(app_command(sys.executable, "app.py", port), port, environment)
    await asyncio.to_thread(server.__enter__)
    try:
        async with open_page(one, f"{server.address}/?model={entry.name}&frames=0", PROBE) as page:
            await page.wait_for_selector("[data-testid=stage][data-ready=true]", timeout=READY)
            await page.wait_for_selector("canvas.lx-points[data-rendering]", timeout=READY)
            box = await page.locator("[data-testid=stage-map]").bounding_box()
            if box is None:
                raise RuntimeError("The stage's map is not visible.")
            found = await _measure(page, ".lx-surface", seconds)
            return found, {side: box[side] for side in ("width", "height")}
    except BrowserError as error:
        raise RuntimeError(f"{error}\nThe server's log:\n{server.log()}") from error
    finally:
        await asyncio.to_thread(server.stop)


async def measure_peer(
    one: Browser, peer: str, folder: Path, box: dict[str, float], seconds: float
) -> Frames:
    """A peer's map of the points in a folder, as large as the stage's."""
    query = f"?peer={peer}&width={box['width']:.0f}&height={box['height']:.0f}"
    async with _peer_page(one, f"{ORIGIN}/page.html{query}", folder) as page:
        await page.wait_for_selector("body[data-ready=true]", timeout=READY)
        return await _measure(page, "#map", seconds)


@asynccontextmanager
async def _peer_page(one: Browser, address: str, folder: Path) -> AsyncIterator[Page]:
    """A page whose files come from the disk."""

    async def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ORIGIN).partition("?")[0].lstrip("/")
        file = folder / name if name == "points.bin" else FOLDER / name
        if file.is_file():
            await route.fulfill(path=file)
        else:
            await route.fulfill(status=404, body="")

    async with open_page(one, "about:blank", PROBE) as page:
        await page.route(f"{ORIGIN}/**", answer)
        await page.goto(address)
        yield page


async def _measure(page: Page, target: str, seconds: float) -> Frames:
    """Pans and zooms by simulated input, half of the time each, and then hovers."""
    await page.wait_for_timeout(SETTLE)
    x, y = await _free_place(page, target)
    hand = await Hand.on(page)

    def notch(t: float) -> float:
        return NOTCH if int(t / ZOOM) % 2 else -NOTCH

    async def pan(span: float) -> None:
        turns = max(1, round(span / TURN))  # whole turns, so that the map ends at its initial position

        def circle(t: float) -> tuple[float, float]:
            angle = 2 * math.pi * turns * min(t, span) / span
            return x + RADIUS * math.sin(angle), y + RADIUS * (math.cos(angle) - 1)

        await hand.press(x, y)
        await hand.drag(circle, span)
        await hand.release(*circle(span))

    await pan(WARM_UP)
    await page.evaluate("mapProbe.start()")
    await pan(seconds / 2)
    panned = await page.evaluate("mapProbe.stop()")
    await hand.wheel(x, y, notch, 2 * ZOOM)
    await page.evaluate("mapProbe.start()")
    await hand.wheel(x, y, notch, seconds / 2)
    zoomed = await page.evaluate("mapProbe.stop()")
    await page.wait_for_timeout(SETTLE)
    await page.evaluate("mapProbe.hovers()")
    for number in range(HOVERS):
        angle = 2.4 * number
        await hand.point(x + 5 * number * math.cos(angle), y + 3 * number * math.sin(angle))
        await page.wait_for_timeout(HOVER_WAIT)
    return Frames.of(panned, zoomed, await page.evaluate("mapProbe.hovers()"))


async def _free_place(page: Page, target: str) -> tuple[float, float]:
    """A position near the middle of a map that nothing covers."""
    place = await page.evaluate(
        """(target) => {
          const element = document.querySelector(target);
          const box = element.getBoundingClientRect();
          const within = (x, y) => element.contains(document.elementFromPoint(x, y));
          for (let n = 0; n < 400; n++) {
            const [r, t] = [6 * Math.sqrt(n), 2.4 * n];
            const [x, y] = [box.x + box.width / 2 + r * Math.cos(t), box.y + box.height / 2 + r * Math.sin(t)];
            if (within(x, y)) return [x, y];
          }
          return null;
        }""",
        target,
    )
    if place is None:
        raise RuntimeError(f"No uncovered position on {target}.")
    return float(place[0]), float(place[1])
