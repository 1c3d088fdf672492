"""The drags that `benchmarks.drag` compares: the stage in three settings, Gradio's slider, Streamlit's slider."""

from __future__ import annotations

import asyncio
import math
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Browser, Page
from playwright.async_api import Error as BrowserError
from playwright.async_api import TimeoutError as BrowserTimeout

from benchmarks.browser import Hand, open_page
from benchmarks.peer_venv import peer_python
from benchmarks.peers.picture import CODES, MODEL, STEP
from benchmarks.server import Server, app_command, free_port
from benchmarks.summary import Metrics, summarise
from explorer.atlas.storage import Atlas, save_atlas
from explorer.scene.originals import Originals
from models import checkpoint
from models.card import CARD, WEIGHTS, Entry
from models.card import roots as card_roots
from models.data import Attribute

__all__ = [
    "CROWD",
    "STRIP",
    "Setting",
    "bench_python",
    "choose_model",
    "crowd",
    "enlarge",
    "fetch_originals",
    "gradio",
    "stage",
    "streamlit_dragged",
    "streamlit_held",
    "streamlit_stepped",
]

DEFAULT_MODEL = "faces-vae"
CROWD = 100_000  # points on the map
STRIP = 9
FIRST_DRAWN = 1 << 32  # id of the first row that is no image
WARM_UP = 2.0  # s
TURN = 4.0  # s per revolution of the pointer
READY = 60_000  # ms
ORIGINALS = 600.0  # s, timeout for loading them
SETTLE = 1500  # ms from the first picture until the page is idle
STEP_PATIENCE = 3_000  # ms, timeout for the picture of one key press
SILENT = 3.0  # s of dragging Streamlit's slider, to show that it updates only on release


def choose_model(name: str | None) -> Entry:
    """The checkpoint of this name, otherwise the faces, otherwise the first usable one.

    Raises:
        CheckpointError: If there is none, or it is broken.
    """
    if name is None:
        names = [
            entry.name
            for entry in checkpoint.scan()
            if entry.card and (entry.path / "atlas.parquet").is_file()
        ]
        name = DEFAULT_MODEL if DEFAULT_MODEL in names or not names else names[0]
    return checkpoint.read(name)


def fetch_originals(entry: Entry, atlas: Atlas) -> None:
    """Fills the cache of originals in advance, so that loading them does not disturb the measurement."""
    if entry.card is None:
        return
    channels, height, width = (int(size) for size in entry.card.config["image_shape"])
    originals = Originals(entry, atlas.ids, atlas.split, (channels, height, width))
    originals.start()
    deadline = time.monotonic() + ORIGINALS
    while originals.state == "loading" and time.monotonic() < deadline:
        time.sleep(0.1)


class Setting:
    """Settings shared by all cases."""

    def __init__(self, one: Browser, entry: Entry, atlas: Atlas, seconds: float, folder: Path) -> None:
        self.browser, self.entry, self.atlas, self.seconds, self.folder = one, entry, atlas, seconds, folder
        codes = folder / "codes.npy"
        order = np.argsort(atlas.mean @ np.linalg.svd(atlas.mean - atlas.mean.mean(0), False)[2][0])
        np.save(codes, atlas.mean[order[[len(order) // 10, -len(order) // 10]]])
        self.peer = {MODEL: str(entry.path.resolve()), CODES: str(codes)}

    @asynccontextmanager
    async def page(
        self, command: list[str], port: int, query: str = "", **environment: str
    ) -> AsyncIterator[Page]:
        """A page on a dedicated server."""
        server = Server(command, port, environment)
        await asyncio.to_thread(server.__enter__)
        try:
            async with open_page(self.browser, server.address + query) as page:
                yield page
        except BrowserError as error:
            raise RuntimeError(f"{error}\nThe server's log:\n{server.log()}") from error
        finally:
            await asyncio.to_thread(server.stop)

    async def measure(
        self, page: Page, gesture: Callable[[float], Awaitable[None]], seconds: float
    ) -> Metrics:
        """The metrics of a gesture, after a warm-up with the same gesture."""
        await gesture(WARM_UP)
        await page.evaluate("latentProbe.start()")
        await gesture(seconds)
        return summarise(await page.evaluate("latentProbe.stop()"))


# The stage


async def stage(setting: Setting, frames: int = 0, folder: Path | None = None) -> dict[str, Any]:
    """Drags handle A around the map.

    Arguments:
        setting: Settings shared by all cases.
        frames: Pictures in the filmstrip, 0 for none.
        folder: Folder of the checkpoints, if not the default.
    """
    port = free_port()
    command = app_command(sys.executable, "app.py", port)
    roots = os.pathsep.join(str(folder or root) for root in ([folder] if folder else card_roots()))
    query = f"/?model={setting.entry.name}&frames={frames}"
    async with setting.page(command, port, query, LATENT_CHECKPOINT_DIR=roots) as page:
        await page.wait_for_selector("[data-testid=stage][data-ready=true]", timeout=READY)
        await page.wait_for_timeout(SETTLE)
        path = await _round_the_map(page)
        hand = await Hand.on(page)
        await hand.press(*await _middle(page, "[data-testid=handle-A]"))
        spent = 0.0

        async def gesture(seconds: float) -> None:
            nonlocal spent
            await hand.drag(path, seconds, spent)
            spent += seconds

        metrics = await setting.measure(page, gesture, setting.seconds)
        await page.wait_for_timeout(400)  # the readout follows after a quarter of a second
        own = await page.evaluate("({...document.querySelector('[data-testid=live-stats]').dataset})")
        await hand.release(*path(spent))
    _require(metrics, "the stage", "putImageData on the canvas `picture-A`")
    return asdict(metrics) | {"own": {name: float(own[name]) for name in ("p50Ms", "p95Ms", "fps", "frames")}}


async def crowd(setting: Setting) -> dict[str, Any]:
    """Drags with 100,000 points on the map."""
    folder = setting.folder / "crowd"
    if not folder.exists():
        enlarge(setting.entry, setting.atlas, folder / setting.entry.name, CROWD)
    return await stage(setting, 0, folder)


def enlarge(entry: Entry, atlas: Atlas, folder: Path, count: int) -> None:
    """Writes the same checkpoint with an atlas of `count` rows, sampled from the posteriors of the real items.

    Map positions are the real item's plus noise of about a hundredth of the map; gauge distances are copied. The drawn
    rows have ids beyond those of the data set, so that they have no originals.
    """
    random = np.random.default_rng(0)
    rows = np.concatenate(
        [np.arange(len(atlas)), random.integers(0, len(atlas), max(0, count - len(atlas)))]
    )[:count]
    drawn = np.arange(count) >= len(atlas)
    spread = atlas.mean.std(0) * np.float32(0.1) if atlas.std is None else atlas.std[rows]
    noise = random.standard_normal((count, atlas.mean.shape[1]), np.float32) * drawn[:, None]

    def moved(xy: Any) -> Any:
        return (xy[rows] + 0.01 * np.ptp(xy, 0) * random.standard_normal((count, 2)) * drawn[:, None]).astype(
            "f4"
        )

    large = replace(
        atlas,
        ids=np.where(drawn, np.arange(count) + FIRST_DRAWN, atlas.ids[rows]),
        split=[atlas.split[row] for row in rows],
        mean=atlas.mean[rows] + noise * spread,
        std=None if atlas.std is None else atlas.std[rows],
        attributes={n: Attribute(n, a.kind, a.values[rows], a.labels) for n, a in atlas.attributes.items()},
        maps={name: moved(xy) for name, xy in atlas.maps.items()},
        scores={name: values[rows] for name, values in atlas.scores.items()},
        neighbour_distance=atlas.neighbour_distance[rows],
    )
    folder.mkdir(parents=True)
    for name in (CARD, WEIGHTS):
        (folder / name).symlink_to((entry.path / name).resolve())
    save_atlas(folder / "atlas.parquet", large, entry.card.weights_sha256 if entry.card else "")


async def _round_the_map(page: Page) -> Callable[[float], tuple[float, float]]:
    """An ellipse over the map, in css pixels at a time in seconds."""
    box = await page.locator("[data-testid=stage-map]").bounding_box()
    if box is None:
        raise RuntimeError("The stage's map is not visible.")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def path(t: float) -> tuple[float, float]:
        angle = 2 * math.pi * t / TURN
        return x + 0.3 * box["width"] * math.cos(angle), y + 0.3 * box["height"] * math.sin(angle)

    return path


# The peers


async def gradio(setting: Setting) -> dict[str, Any]:
    """Drags Gradio's slider back and forth."""
    port = free_port()
    command = [str(bench_python()), "-m", "benchmarks.peers.gradio_slider", str(port)]
    async with setting.page(command, port, **setting.peer) as page:
        await page.wait_for_function(
            "document.querySelector('img[src*=gradio_api]')?.naturalWidth > 0", timeout=READY
        )
        metrics = await _drag_slider(setting, page, setting.seconds)
    _require(metrics, "Gradio's slider", "`load` of an <img> that names the value")
    return asdict(metrics)


async def streamlit_held(setting: Setting) -> dict[str, Any]:
    """Holds the arrow key on Streamlit's slider."""

    async def gesture(hand: Hand, seconds: float) -> None:
        turn = 0.8 / STEP / 30 / 2  # s for half of the range
        await hand.hold(lambda t: "ArrowLeft" if int(t / turn) % 2 else "ArrowRight", seconds)

    return asdict(await _streamlit_keys(setting, gesture))


async def streamlit_stepped(setting: Setting) -> dict[str, Any]:
    """Presses the arrow key on Streamlit's slider, each time after the previous picture has arrived."""

    async def gesture(hand: Hand, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        end, number = clock() + seconds, 0
        while clock() < end:
            before = await hand.page.evaluate("latentProbe.count()")
            await hand.key("ArrowLeft" if number // 60 % 2 else "ArrowRight")
            number += 1
            if await hand.page.evaluate("latentProbe.running()"):
                with suppress(
                    BrowserTimeout
                ):  # a picture that is byte for byte the last one does not load again
                    await hand.page.wait_for_function(
                        f"latentProbe.count() > {before}", timeout=STEP_PATIENCE
                    )
            else:
                await hand.page.wait_for_timeout(200)

    metrics = await _streamlit_keys(setting, gesture)
    _require(metrics, "Streamlit's slider", "`load` of an <img> that names the value")
    return asdict(metrics)


async def streamlit_dragged(setting: Setting) -> dict[str, Any]:
    """Drags Streamlit's slider back and forth; pictures come only on release."""
    async with _streamlit(setting) as page:
        return asdict(await _drag_slider(setting, page, min(SILENT, setting.seconds)))


@asynccontextmanager
async def _streamlit(setting: Setting) -> AsyncIterator[Page]:
    port = free_port()
    command = app_command(sys.executable, "benchmarks/peers/streamlit_slider.py", port)
    async with setting.page(command, port, **setting.peer) as page:
        await page.wait_for_selector("[data-testid=stImage] img", timeout=READY)
        yield page


async def _streamlit_keys(setting: Setting, gesture: Callable[[Hand, float], Awaitable[None]]) -> Metrics:
    async with _streamlit(setting) as page:
        await page.locator("input[type=range]").focus()
        hand = await Hand.on(page)
        return await setting.measure(page, lambda seconds: gesture(hand, seconds), setting.seconds)


async def _drag_slider(setting: Setting, page: Page, seconds: float) -> Metrics:
    """Drags the only slider of a page in a zigzag over the middle four fifths of its track."""
    await page.wait_for_selector("input[type=range]", state="attached", timeout=READY)
    await page.wait_for_timeout(SETTLE)
    _, y = await _middle(page, "input[type=range]")
    left, width = await page.evaluate(
        "(() => { const i = document.querySelector('input[type=range]');"
        " const box = (i.closest('[data-testid=stSlider]') ?? i).getBoundingClientRect();"
        " return [box.left, box.width]; })()"
    )

    def path(t: float) -> tuple[float, float]:
        position = abs((t / TURN * 2) % 2 - 1)
        return left + (0.1 + 0.8 * position) * width, y

    hand = await Hand.on(page)
    await hand.press(*path(0))
    spent = 0.0

    async def gesture(span: float) -> None:
        nonlocal spent
        await hand.drag(path, span, spent)
        spent += span

    metrics = await setting.measure(page, gesture, seconds)
    await hand.release(*path(spent))
    return metrics


async def _middle(page: Page, selector: str) -> tuple[float, float]:
    """The centre of an element in the window."""
    x, y = await page.evaluate(
        "(selector) => { const b = document.querySelector(selector).getBoundingClientRect();"
        " return [b.left + b.width / 2, b.top + b.height / 2]; }",
        selector,
    )
    return float(x), float(y)


def bench_python() -> Path:
    """The Python of Gradio's environment, which needs an older Pillow than the explorer.

    Raises:
        RuntimeError: If it cannot be created; the message gives the command.
    """
    return peer_python("Gradio", "bench", ".venv-bench", "leave Gradio out with --cases")


def _require(metrics: Metrics, what: str, how: str) -> None:
    if not metrics.pictures:
        raise RuntimeError(f"No picture of {what} was seen: the probe looks for {how}.")
