"""The Paths page in a browser: scrub, play, a waypoint from the map, a geodesic, downloads, links to Explore."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageSequence

from tests.browser.conftest import NewPage
from tests.browser.driving import StagePage, until


class PathsPage(StagePage):
    """The Paths page in one browser tab."""

    def visit(self, query: str = "") -> PathsPage:
        self.page.goto(f"{self.url}/paths?{query}")
        return self.ready()

    def ready(self) -> PathsPage:
        self.page.wait_for_selector("[data-testid=ways] canvas.lx-painted", timeout=90_000)
        self.rest()
        return self

    def rest(self) -> None:
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=90_000
        )

    def cell(self, kind: str) -> np.ndarray:
        return self.canvas(self.get(f"way-{kind}").locator("canvas"))

    def scrub(self, frame: int) -> None:
        self.get("scrub").evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }", frame
        )


def opened(new_page: NewPage, query: str, **options: object) -> PathsPage:
    made = new_page(**options)
    tab = PathsPage(made.page, made.url)
    tab.errors = made.errors
    return tab.visit(query)


def test_scrub_and_play_need_no_server(new_page: NewPage) -> None:
    tab = opened(new_page, "model=digits-vae&stops=3,70,12&kinds=straight,smooth&frames=17")
    start = tab.cell("straight")
    sent = tab.messages_sent
    tab.scrub(16)
    end = tab.cell("straight")
    assert not np.array_equal(start, end) and tab.get("moment").text_content() == "frame 17 of 17 · 100 %"
    assert (tab.get("gauge-straight").text_content() or "").endswith("percentile · C")
    tab.scrub(0)
    assert np.array_equal(tab.cell("straight"), start)
    tab.get("play").click()
    seen: set[bytes] = set()
    until(
        lambda: seen.add(tab.cell("smooth").tobytes()) or len(seen) > 5,
        "frames that change",
        30,
        lambda: tab.page.wait_for_timeout(40),
    )
    tab.get("play").click()
    at = tab.get("moment").text_content()
    tab.page.wait_for_timeout(300)
    assert tab.get("moment").text_content() == at and tab.messages_sent == sent, (
        "playing sends nothing to the server"
    )


def test_a_geodesic_appears_beside_the_others_and_the_link_keeps_it(new_page: NewPage) -> None:
    tab = opened(new_page, "model=digits-vae&stops=3,70&kinds=straight")
    tab.page.get_by_role("button", name="Geodesic").click()
    tab.page.wait_for_selector("[data-testid=way-geodesic] canvas.lx-painted", timeout=120_000)
    tab.rest()
    tab.until(lambda: "geodesic" in tab.address["kinds"], "the address")
    again = opened(new_page, "&".join(f"{k}={v}" for k, v in tab.address.items()), width=700)
    assert np.array_equal(again.cell("straight"), tab.cell("straight"))


def test_a_download_needs_one_click_after_a_change(new_page: NewPage) -> None:
    tab = opened(new_page, "model=digits-vae&stops=3,70&kinds=straight&frames=9")
    tab.press("Download")
    body = tab.page.locator("[data-testid=stPopoverBody]")
    for scale, side in (("8×", 64), ("1×", 8), ("4×", 32)):
        body.get_by_text("There and back").click()
        body.get_by_role("radio", name=scale).click()  # the page has not answered yet
        with tab.page.expect_download(timeout=30_000) as waiting:
            tab.press("GIF" if scale == "1×" else "MP4")
        data = Path(waiting.value.path()).read_bytes()
        if scale == "1×":
            assert Image.open(io.BytesIO(data)).size == (side, side)
        else:
            assert data[4:8] == b"ftyp" and av.open(io.BytesIO(data)).streams.video[0].width == side
    assert not body.locator("[data-testid=stAlert]").count()


def test_downloads_and_the_link_to_explore(new_page: NewPage) -> None:
    tab = opened(new_page, "model=digits-vae&stops=3,70&kinds=straight&frames=9")
    first = tab.cell("straight")
    tab.press("Download")
    webp = Image.open(io.BytesIO(tab.download("WebP")))
    frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(webp)]
    assert len(frames) == 16 and np.array_equal(frames[0][::4, ::4], first)
    assert tab.download("MP4")[4:8] == b"ftyp" and tab.download("GIF")[:3] == b"GIF"
    tab.page.keyboard.press("Escape")
    tab.page.get_by_role("button", name="Show on Explore").click()
    tab.wait_ready()
    assert tab.address["a"].split(",")[0] == "test-3" and tab.address["b"].split(",")[0] == "test-70"
    assert np.abs(tab.picture("A").astype(int) - first.astype(int)).max() <= 1
