"""A real server, and the page as a user sees it: pictures, handles, sliders, address."""

from __future__ import annotations

import base64
import io
import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page

from explorer.pages.shared.navigation import GROUPS
from tests.explorer.checkpoints import TEST

__all__ = ["ROOT", "Server", "StagePage", "canvas_pixels", "free_port", "until"]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0  # s; shared machines can be slow
STREAM = "/_stcore/stream"  # Streamlit's own socket
PIXELS = """(c) => {
    const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
    let bytes = "";
    for (let i = 0; i < data.length; i += 32768) bytes += String.fromCharCode(...data.subarray(i, i + 32768));
    return [c.width, c.height, btoa(bytes)];
}"""  # width, height and RGBA bytes of a canvas, in base64


def free_port() -> int:
    """A free port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(
    condition: Callable[[], Any], what: str, seconds: float = PATIENCE, beat: Callable[[], None] | None = None
) -> Any:
    """Waits until a condition is true and returns its value; `beat` is called between checks."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"It did not come about in {seconds:g} s: {what}.")
        (beat or (lambda: time.sleep(0.05)))()


class Server:
    """A server with its own checkpoints and cache; `command` and `folder` may be changed before `start`."""

    def __init__(self, checkpoints: Path, cache: Path, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = log
        self.environment = os.environ | {
            "LATENT_CHECKPOINT_DIR": str(checkpoints),
            "LATENT_CACHE_DIR": str(cache),
            "OMP_NUM_THREADS": "1",
        }
        self.command = [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "app.py",
            "--server.port",
            str(self.port),
            "--server.headless",
            "true",
        ]
        self.folder = ROOT  # working directory
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self.answers, f"the server on port {self.port}; see {self.log}", 90)

    def answers(self) -> bool:
        """Whether the server answers; raises if it has exited."""
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(f"The server has ended:\n{self.log.read_text()[-2000:]}")
        try:
            with urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """Kills the server and its child processes."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


class StagePage:
    """The explorer in one browser tab."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.errors: list[str] = []
        self.messages_sent = 0  # messages of the page to Streamlit
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", self._count)

    def _count(self, socket: Any) -> None:
        def sent(_: object) -> None:
            self.messages_sent += 1

        if STREAM in socket.url:
            socket.on("framesent", sent)

    def open(self, **params: str) -> StagePage:
        """Opens an address and waits for the first pictures."""
        self.page.goto(self.url + ("/?" + urlencode(params) if params else ""))
        return self.wait_ready()

    def wait_ready(self) -> StagePage:
        self.page.wait_for_selector(
            "[data-testid=stage][data-ready=true][data-connection=open]", timeout=90_000
        )
        self.at_rest()
        return self

    def at_rest(self) -> None:
        """Waits until Streamlit is idle and the pictures no longer change."""
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=90_000
        )
        last: list[Any] = [None]

        def still() -> bool:
            before, last[0] = last[0], self.shown()
            return before is not None and same(before, last[0])

        until(still, "pictures that stay", beat=lambda: self.page.wait_for_timeout(250))

    def get(self, testid: str) -> Locator:
        """The element with this test id."""
        return self.page.get_by_test_id(testid)

    @property
    def stage(self) -> Locator:
        return self.get("stage")

    @property
    def address(self) -> dict[str, str]:
        """The parameters in the address bar."""
        return dict(parse_qsl(urlsplit(self.page.url).query))

    def focus(self) -> None:
        """Focuses the stage, as its single-letter shortcuts require."""
        self.stage.focus()

    def item(self, handle: str) -> int:
        """The item of handle "A" or "B" in the address: a row of the atlas, or the number of an upload."""
        text = self.address[handle.lower()].split(",")[0]
        split, dash, number = text.partition("-")
        return int(number) + (TEST if split == "train" else 0) if dash else int(text)

    def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """Waits until a condition is true, while the page runs."""
        return until(condition, what, seconds, lambda: self.page.wait_for_timeout(40))

    # Pictures

    def picture(self, name: str) -> NDArray[np.uint8]:
        """The pixels of picture A or B, (H, W, C)."""
        return self.canvas(self.get(f"picture-{name}"))

    def canvas(self, canvas: Locator) -> NDArray[np.uint8]:
        return canvas_pixels(canvas)

    def strip(self) -> list[NDArray[np.uint8]]:
        """The pictures of the filmstrip."""
        return [frame for name, frame in self.shown().items() if name.startswith("S")]

    def shown(self) -> dict[str, NDArray[np.uint8]]:
        """Both pictures and the strip at one moment."""
        for name in ("A", "B"):
            self.get(f"picture-{name}").wait_for(state="attached")
        found = self.page.evaluate(
            f"""() => {{
                const of = (c) => ({PIXELS})(c);
                const [A, B] = ["A", "B"].map((n) => of(document.querySelector(`[data-testid=picture-${{n}}]`)));
                const strip = [...document.querySelectorAll("[data-testid=filmstrip] canvas")].map(of);
                return {{ A, B, ...Object.fromEntries(strip.map((frame, i) => [`S${{i}}`, frame])) }};
            }}"""
        )
        return {name: _picture(*frame) for name, frame in found.items()}

    def changed(self, before: Mapping[str, NDArray[np.uint8]], *names: str) -> bool:
        """Whether all these pictures differ from those before."""
        now = self.shown()
        return all(not np.array_equal(now[name], before[name]) for name in names)

    # Handles

    def handle(self, name: str) -> tuple[float, float]:
        """The centre of a handle in the window."""
        box = self.get(f"handle-{name}").locator(".lx-knob-ring").bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def map_box(self) -> tuple[float, float, float, float]:
        """x, y, width, height of the map in the window."""
        box = self.get("stage-map").bounding_box()
        assert box is not None
        return box["x"], box["y"], box["width"], box["height"]

    def grab(self, name: str) -> tuple[float, float]:
        """Presses the mouse button on a handle; returns its position."""
        x, y = self.handle(name)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        return x, y

    def drag(self, name: str, dx: float, dy: float, steps: int = 8) -> None:
        """Drags a handle and releases it."""
        x, y = self.grab(name)
        self.page.mouse.move(x + dx, y + dy, steps=steps)
        self.page.mouse.up()

    # Selecting

    def lasso(self, x: float, y: float, radius: float) -> None:
        """Drags a circle on the map; position and radius are shares of the map's size."""
        left, top, width, height = self.map_box()
        cx, cy, r = left + x * width, top + y * height, radius * min(width, height)
        self.page.mouse.move(cx + r, cy)
        self.page.mouse.down()
        for step in range(1, 33):
            angle = 2 * math.pi * step / 32
            self.page.mouse.move(cx + r * math.cos(angle), cy + r * math.sin(angle))
        self.page.mouse.up()

    def selected(self) -> int:
        """Number of selected images, as shown on the map."""
        text = self.get("selected-count").inner_text()
        return int(text.split()[0].replace(",", "")) if text else 0

    # Sliders

    def sliders(self) -> dict[str, float]:
        """Value of each attribute slider."""
        return dict(
            self.page.evaluate(
                "() => [...document.querySelectorAll('input[type=range][data-testid^=attribute-]')]"
                ".map(e => [e.dataset.testid.slice(10), e.valueAsNumber])"
            )
        )

    def slide(self, name: str, value: float) -> None:
        """Sets a slider like a user: many inputs, one release."""
        self.get(f"attribute-{name}").evaluate(
            """(e, value) => {
                for (const share of [0.3, 0.7, 1]) {
                    e.value = String(value * share);
                    e.dispatchEvent(new Event('input', {bubbles: true}));
                }
                e.dispatchEvent(new Event('change', {bubbles: true}));
            }""",
            value,
        )

    def pick(self, group: str, option: str) -> None:
        """Chooses an option of a segmented control on the stage."""
        self.stage.get_by_role("radiogroup", name=group).get_by_role("radio", name=option, exact=True).check()

    # Streamlit's parts

    def visit(self, title: str) -> None:
        """Opens another page with the navigation bar: by its link, or by the menu of its group."""
        group = next((group for group, titles in GROUPS.items() if title in titles and len(titles) > 1), None)
        if group is None:
            self.page.get_by_role("link", name=title, exact=True).click()
        else:
            self.page.get_by_role("button", name=re.compile(rf"^{group}\b")).click()
            self.page.get_by_role("menuitem", name=title).click()

    def choose(self, label: str, option: str) -> None:
        """Selects an option of a select box."""
        self.page.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def press(self, name: str) -> None:
        """Clicks a button by its name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def download(self, name: str) -> bytes:
        """Downloads a file from the open download popover."""
        with self.page.expect_download(timeout=60_000) as waiting:
            self.press(name)
        return Path(waiting.value.path()).read_bytes()


def canvas_pixels(canvas: Locator) -> NDArray[np.uint8]:
    """The pixels of a canvas, (H, W, 3)."""
    return _picture(*canvas.evaluate(PIXELS))


def _picture(width: int, height: int, values: str) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(values), np.uint8).reshape(height, width, 4)[..., :3]


def same(one: Mapping[str, NDArray[np.uint8]], other: Mapping[str, NDArray[np.uint8]]) -> bool:
    """Whether two sets of pictures have the same names and pixels."""
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def pixels(data: bytes) -> NDArray[np.uint8]:
    """An image file's pixels, (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
