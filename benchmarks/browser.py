"""A real Chromium with simulated mouse and keyboard input at the rate of real devices.

Moves and keys are sent as DevTools input events without waiting for the page's answer: the browser stamps, queues and
coalesces them as it does those of a device.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from benchmarks.server import ROOT

__all__ = ["SOFTWARE_GL", "Hand", "browser", "chromium", "open_page"]

WHEEL = 60  # turns of the wheel per second
MOVES = 125  # per second, a slow mouse of today; Chromium delivers at most one per frame
KEYS = 30  # per second: the repeat rate of a held key
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
]
SOFTWARE_GL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # WebGL without a GPU
SIZE = {"width": 1440, "height": 900}
PROBE = ROOT / "benchmarks" / "probe.js"


def chromium() -> str:
    """The path of a Chromium: $CHROMIUM, or the one that tools/chromium finds.

    Raises:
        RuntimeError: If there is none.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = subprocess.run([str(ROOT / "tools" / "chromium")], stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        raise RuntimeError(
            "No Chromium was found. Install one, or name it: CHROMIUM=/path python -m benchmarks…"
        )
    return found.stdout.strip()


@asynccontextmanager
async def browser(further: Sequence[str] = ()) -> AsyncIterator[Browser]:
    """A headless Chromium; `further` are arguments of its command."""
    async with async_playwright() as driver:
        one = await driver.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, *further])
        try:
            yield one
        finally:
            await one.close()


@asynccontextmanager
async def open_page(one: Browser, address: str, probe: Path = PROBE) -> AsyncIterator[Page]:
    """A page with a fresh profile and a probe installed."""
    context = await one.new_context(viewport=SIZE)  # type: ignore[arg-type]
    try:
        page = await context.new_page()
        await page.add_init_script(path=probe)
        await page.goto(address)
        yield page
    finally:
        await context.close()


class Hand:
    """Simulated mouse and keyboard input on one page."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self.page, self._session = page, session

    @classmethod
    async def on(cls, page: Page) -> Hand:
        """Attaches to a page."""
        return cls(page, await page.context.new_cdp_session(page))

    async def press(self, x: float, y: float) -> None:
        """Presses the mouse button at a position in the window, CSS pixels."""
        await self._mouse("mouseMoved", x, y, 0)
        await self._mouse("mousePressed", x, y, 1)

    async def release(self, x: float, y: float) -> None:
        """Releases the mouse button."""
        await self._mouse("mouseReleased", x, y, 0)

    async def drag(
        self, path: Callable[[float], tuple[float, float]], seconds: float, start: float = 0.0
    ) -> None:
        """Moves along a path with the button pressed.

        Arguments:
            path: Position at a time in seconds.
            seconds: Duration.
            start: Start time of the path.
        """
        await _pace(MOVES, seconds, lambda t: self._mouse("mouseMoved", *path(start + t), 1))

    async def point(self, x: float, y: float) -> None:
        """Moves the pointer to a position, no button pressed."""
        await self._mouse("mouseMoved", x, y, 0)

    async def wheel(self, x: float, y: float, delta: Callable[[float], float], seconds: float) -> None:
        """Turns the wheel over a position; `delta` gives the turn at a time in seconds, CSS pixels."""

        async def turn(t: float) -> None:
            event = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": delta(t)}
            await self._session.send("Input.dispatchMouseEvent", event)

        await _pace(WHEEL, seconds, turn)

    async def hold(self, key: Callable[[float], str], seconds: float) -> None:
        """Holds keys down; `key` gives the key at a time in seconds."""
        await _pace(KEYS, seconds, lambda t: self.key(key(t), repeat=True))

    async def key(self, name: str, repeat: bool = False) -> None:
        """Sends one keydown of a non-character key, such as ArrowRight."""
        code = {"ArrowLeft": 37, "ArrowRight": 39}[name]
        await self._session.send(
            "Input.dispatchKeyEvent",
            {
                "type": "rawKeyDown",
                "key": name,
                "code": name,
                "windowsVirtualKeyCode": code,
                "autoRepeat": repeat,
            },
        )

    async def _mouse(self, kind: str, x: float, y: float, buttons: int) -> None:
        event: dict[str, Any] = {"type": kind, "x": round(x, 2), "y": round(y, 2), "buttons": buttons}
        event |= {
            "button": "left" if buttons or kind != "mouseMoved" else "none",
            "clickCount": int(kind != "mouseMoved"),
        }
        await self._session.send("Input.dispatchMouseEvent", event)


async def _pace(rate: float, seconds: float, send: Callable[[float], Any]) -> None:
    """Calls `send(t)` at a fixed rate per second and awaits the results only at the end."""
    begin = time.perf_counter()
    sent: set[asyncio.Task[None]] = set()
    number = 0
    while (now := time.perf_counter() - begin) < seconds:
        sent.add(asyncio.create_task(send(now)))
        sent = {task for task in sent if not task.done() or task.result() is not None}
        number += 1
        await asyncio.sleep(max(0.0, number / rate - (time.perf_counter() - begin)))
    await asyncio.gather(*sent)
