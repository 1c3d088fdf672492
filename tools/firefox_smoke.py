#!/usr/bin/env python3
"""Drives the stage in Firefox over WebDriver BiDi: `python tools/firefox_smoke.py`; what fails is printed, exit status 1.

It drags handle A, takes the drag back, zooms the map, draws a lasso, and opens each other page. Firefox is the program
that FIREFOX names, else firefox-esr or firefox.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from websockets.sync.client import ClientConnection, connect  # noqa: E402

from benchmarks.server import Server, app_command, free_port  # noqa: E402

MODEL = "mnist-vae-2d"
PAGES = {
    "Directions": f"directions?model={MODEL}",
    "Paths": f"paths?model={MODEL}",
    "Samples": f"samples?model={MODEL}",
    "Outliers": f"outliers?model={MODEL}",
    "Compare": "compare?models=mnist-vae-2d,mnist-vae-5d",
    "Anatomy": f"anatomy?model={MODEL}",
    "Codes": "codes?model=faces-vq-vae",
    "Time": "time?model=oscillator-td-vae",
    "Models": "models",
    "Your images": "your-images",
}
PATIENCE = 120.0  # s
WIDTH, HEIGHT = 1440, 900  # CSS px
ANSWER_AT_MOST = 1 << 24  # bytes of one message of the browser
CONTROL = "\ue009"
READY = "[data-testid=stage][data-ready=true][data-connection=open]"
AT_REST = '[data-testid=stApp][data-test-script-state="notRunning"]'


class Firefox:
    """One tab of Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.errors: list[str] = []  # what scripts raised, and no one caught
        self.command("session.new", capabilities={})
        self.tab = self.command("browsingContext.getTree")["contexts"][0]["context"]
        self.command("session.subscribe", events=["log.entryAdded"])
        self.command(
            "browsingContext.setViewport", context=self.tab, viewport={"width": WIDTH, "height": HEIGHT}
        )

    def command(self, method: str, **parameters: Any) -> Any:
        """Sends a command and returns its result.

        Raises:
            RuntimeError: If Firefox refuses it.
        """
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE))
            if message.get("method") == "log.entryAdded":
                entry = message["params"]
                if entry["type"] == "javascript" and entry["level"] == "error":
                    self.errors.append(entry["text"])
            if message.get("id") == self._number:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['message']}")
                return message["result"]

    def open(self, address: str) -> None:
        """Goes to an address and waits until it is loaded."""
        self.command("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def value(self, expression: str) -> Any:
        """Evaluates an expression whose value JSON can hold."""
        answer = self.command(
            "script.evaluate",
            expression=f"JSON.stringify({expression})",
            target={"context": self.tab},
            awaitPromise=False,
        )
        if answer["type"] != "success":
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['text']}")
        return json.loads(answer["result"].get("value", "null"))

    def until(self, condition: str, what: str) -> None:
        """Waits until an expression is true.

        Raises:
            RuntimeError: If that takes too long; `what` says what was waited for.
        """
        end = time.monotonic() + PATIENCE
        while not self.value(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise RuntimeError(f"It did not come about in {PATIENCE:g} s: {what}.")
            time.sleep(0.1)

    def drag(self, places: list[tuple[float, float]]) -> None:
        """Presses the mouse at the first place, leads it over the others and lets go."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 30} for x, y in places]
        down, up = {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}
        self._act({"type": "pointer", "id": "mouse", "actions": [moves[0], down, *moves[1:], up]})

    def wheel(self, x: float, y: float, dy: int) -> None:
        """Turns the wheel at a place."""
        turn = {"type": "scroll", "x": round(x), "y": round(y), "deltaX": 0, "deltaY": dy}
        self._act({"type": "wheel", "id": "wheel", "actions": [turn]})

    def chord(self, *keys: str) -> None:
        """Presses keys together."""
        down = [{"type": "keyDown", "value": key} for key in keys]
        up = [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self._act({"type": "key", "id": "keys", "actions": [*down, *up]})

    def _act(self, source: dict[str, Any]) -> None:
        self.command("input.performActions", context=self.tab, actions=[source])


def box(firefox: Firefox, selector: str) -> tuple[float, float, float, float]:
    """Left, top, width and height of an element in the window."""
    rect = firefox.value(f"document.querySelector('{selector}').getBoundingClientRect()")
    return rect["x"], rect["y"], rect["width"], rect["height"]


def check_stage(firefox: Firefox, address: str) -> None:
    """Drags handle A and takes it back, zooms, and selects with a lasso.

    Raises:
        RuntimeError: Where something does not come about.
    """
    picture = "document.querySelector('[data-testid=picture-A]').toDataURL()"
    drawn = "document.querySelector('canvas.lx-points').toDataURL()"
    firefox.open(f"{address}/?model={MODEL}")
    firefox.until(f"document.querySelector('{READY}')", "the stage's first pictures")
    firefox.until("document.querySelector('canvas.lx-points[data-rendering]')", "the map")
    before = firefox.value(picture)
    x, y, width, height = box(firefox, "[data-testid=handle-A] .lx-knob-ring")
    middle = (x + width / 2, y + height / 2)
    firefox.drag([middle, *((middle[0] - 8 * step, middle[1] + 4 * step) for step in range(1, 11))])
    firefox.until(f"{picture} !== {json.dumps(before)}", "another picture of A after a drag")
    firefox.value("document.querySelector('[data-testid=stage]').focus()")
    firefox.chord(CONTROL, "z")
    firefox.until(f"{picture} === {json.dumps(before)}", "the first picture of A after Ctrl+Z")
    x, y, width, height = box(firefox, "[data-testid=stage-map]")
    whole = firefox.value(drawn)
    firefox.wheel(x + width / 2, y + height / 2, -400)
    firefox.until(f"{drawn} !== {json.dumps(whole)}", "another map after a turn of the wheel")
    firefox.value("document.querySelector('[data-testid=stage]').focus()")
    lasso = "[...document.querySelectorAll('.lx-selecting label')].find((one) => one.textContent === 'Lasso')"
    firefox.value(f"{lasso}.click()")
    corners = ((0.3, 0.3), (0.6, 0.3), (0.6, 0.6), (0.3, 0.6), (0.3, 0.32))
    firefox.drag([(x + across * width, y + down * height) for across, down in corners])
    count = "document.querySelector('[data-testid=selected-count]').textContent"
    firefox.until(f"/selected/.test({count})", "selected images after a lasso")


def check_pages(firefox: Firefox, address: str) -> None:
    """Opens every other page and waits until its parts are there."""
    for title, path in PAGES.items():
        firefox.open(f"{address}/{path}")
        heading = f"document.querySelector('h1')?.innerText === '{title}'"
        waiting = "document.querySelector('.lx-stage[data-ready=false], [data-testid^=loading-]')"
        at_rest = f"document.querySelector('{AT_REST}')"
        firefox.until(f"{heading} && !{waiting} && {at_rest}", f"the page {title}")


@contextmanager
def started(program: str) -> Iterator[Firefox]:
    """Firefox without a window and with a profile of its own, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="latent-firefox-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"MOZ_HEADLESS_WIDTH": str(WIDTH), "MOZ_HEADLESS_HEIGHT": str(HEIGHT + 100)},
        )
        try:
            where = listening(Path(profile) / "WebDriverBiDiServer.json", process.poll)
            with connect(f"{where}/session", max_size=ANSWER_AT_MOST, open_timeout=PATIENCE) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            process.wait(30)


def listening(file: Path, ended: Callable[[], int | None]) -> str:
    """The address that Firefox writes into its profile once it listens.

    Raises:
        RuntimeError: If it ends, or does not listen.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and ended() is None:
        try:
            about = json.loads(file.read_text("utf-8"))
            return f"ws://{about['ws_host']}:{about['ws_port']}"
        except (OSError, ValueError):
            time.sleep(0.1)
    raise RuntimeError("Firefox does not listen for WebDriver BiDi.")


def main() -> int:
    """Runs all checks."""
    program = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if not program:
        print("Firefox is not installed. Install it, or name it: FIREFOX=/path/to/firefox.", file=sys.stderr)
        return 1
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="latent-firefox-cache-") as cache:
        environment = {"LATENT_CACHE_DIR": cache, "LATENT_CHECKPOINT_DIR": str(ROOT / "checkpoints")}
        server = Server(app_command(sys.executable, "app.py", port), port, environment)
        try:
            server.start()
            server.wait()
            with started(program) as firefox:
                check_stage(firefox, server.address)
                check_pages(firefox, server.address)
                errors = firefox.errors
        except RuntimeError as error:
            print(f"Firefox: {error}", file=sys.stderr)
            return 1
        finally:
            server.stop()
    for text in errors:
        print(f"Firefox: a script raised {text}", file=sys.stderr)
    if not errors:
        print(f"Firefox: the stage and {len(PAGES)} other pages work.")
    return int(bool(errors))


if __name__ == "__main__":
    sys.exit(main())
