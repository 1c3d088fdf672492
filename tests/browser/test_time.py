"""The Time page in a browser: playhead, jump, playing futures, address, download."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from models.data import load_sequences
from tests.browser.driving import Server, StagePage
from tests.explorer.checkpoints import SMALL_SEQUENCES, write_sequences

NAME = "small-td-vae"


@pytest.fixture(scope="module")
def time_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a sequence model."""
    folder = tmp_path_factory.mktemp("time")
    shelf: Path = folder / "checkpoints"
    write_sequences(shelf / NAME, steps=150)
    running = Server(shelf, folder / "cache", folder / "log.txt")
    try:
        running.start()
        yield running
    finally:
        running.kill()


class TimePage(StagePage):
    """The Time page in one browser tab."""

    def open(self, query: str = "") -> TimePage:  # type: ignore[override]
        self.page.goto(f"{self.url}/time?{query}")
        return self.wait_ready()

    def wait_ready(self) -> TimePage:
        self.page.wait_for_selector(
            "[data-testid=time][data-ready=true][data-connection=open]", timeout=120_000
        )
        return self.at_rest()

    def at_rest(self) -> TimePage:
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=120_000
        )
        self.page.wait_for_timeout(400)
        assert self.get("stException").count() == 0
        return self

    def row(self, kind: str) -> list[np.ndarray]:
        """The pictures of a row."""
        return [self.canvas(canvas) for canvas in self.get(kind).locator("canvas").all()]

    def playhead(self, frame: float) -> tuple[float, float]:
        """The position of the playhead in the window after some frames."""
        box = self.get("playhead").bounding_box()
        assert box is not None
        return box["x"] + box["width"] * frame / 10, box["y"] + box["height"] / 3


@pytest.fixture
def tab(time_server: Server, cached_page: Page) -> Iterator[TimePage]:
    made = TimePage(cached_page, time_server.url)
    yield made
    assert not made.errors, f"The page raised: {made.errors}"


def true_frames(number: int) -> np.ndarray:
    return load_sequences("moving-digits", "test", **SMALL_SEQUENCES).frames([number])[0]


def test_a_sequence_is_shown_with_its_beliefs(tab: TimePage) -> None:
    tab.open("sequence=12&seen=4&samples=5")
    shown = np.stack(tab.row("row-frames"))
    np.testing.assert_array_equal(shown[..., :1], true_frames(12))
    assert tab.get("seen").inner_text() == "Seen: 4 of 10 frames"
    assert re.fullmatch(
        r"draws differ by 0\.\d{3} \d+ frames ahead, 0\.\d{3} now", tab.get("disagreement-now").inner_text()
    )
    assert len(tab.row("row-belief-draws")) == len(tab.row("row-jump-draws")) == 5
    assert len(tab.get("futures").locator("canvas").all()) == 6
    to_come = tab.get("row-frames").locator(".lx-to-come")
    assert to_come.count() == 6
    tab.page.get_by_label("Hide what is to come").check(force=True)
    assert to_come.first.locator("canvas").evaluate("c => getComputedStyle(c).opacity") == "0"


def test_a_strip_wider_than_the_window_follows_the_playhead(tab: TimePage) -> None:
    tab.page.set_viewport_size({"width": 320, "height": 900})
    for seen in (9, 2):
        tab.open(f"sequence=12&seen={seen}")
        line, view = (tab.page.locator(place).bounding_box() for place in (".lx-playhead", ".lx-time-scroll"))
        last = tab.get("row-frames").locator(".lx-cell").nth(seen - 1).bounding_box()
        assert line and view and last
        assert view["x"] < line["x"] < view["x"] + view["width"], "in sight"
        assert abs(line["x"] + line["width"] / 2 - last["x"] - last["width"]) < 1, (
            "behind the last frame seen"
        )
    hidden = tab.page.locator(".lx-time-scroll").evaluate("e => e.scrollWidth - e.clientWidth")
    assert hidden > 20, "there is something to scroll"


def test_the_playhead_is_dragged_and_the_pictures_follow(tab: TimePage) -> None:
    tab.open("sequence=12&seen=4&samples=4")
    before = tab.row("row-belief-draws")
    tab.page.mouse.move(*tab.playhead(4))
    tab.page.mouse.down()
    tab.page.mouse.move(*tab.playhead(8), steps=6)
    tab.until(
        lambda: tab.get("seen").inner_text() == "Seen: 8 of 10 frames", "the frames seen under the hand"
    )
    tab.until(lambda: not np.array_equal(tab.row("row-belief-draws"), before), "other draws under the hand")
    assert tab.address["seen"] == "4"  # Streamlit is told on release
    tab.page.mouse.up()
    tab.until(lambda: tab.address["seen"] == "8", "the playhead in the address")
    tab.at_rest()
    assert int(tab.get("live-stats").get_attribute("data-frames") or 0) > 0
    draws = tab.row("row-belief-draws")
    tab.page.reload()
    tab.wait_ready()
    np.testing.assert_array_equal(tab.row("row-belief-draws"), draws)  # the link restores the page


def test_keys_move_the_playhead_and_escape_cancels_a_drag(tab: TimePage) -> None:
    tab.open("seen=4")
    tab.get("playhead").focus()
    for key, seen in (("ArrowRight", 5), ("Home", 1), ("End", 10), ("ArrowLeft", 9), ("PageDown", 4)):
        tab.page.keyboard.press(key)
        assert tab.get("playhead").get_attribute("aria-valuenow") == str(seen)
    tab.page.mouse.move(*tab.playhead(4))
    tab.page.mouse.down()
    tab.page.mouse.move(*tab.playhead(7), steps=3)
    tab.until(lambda: tab.get("seen").inner_text().startswith("Seen: 7"), "the frames seen under the hand")
    tab.page.keyboard.press("Escape")
    tab.until(lambda: tab.get("seen").inner_text().startswith("Seen: 4"), "the frames seen before")
    tab.page.mouse.up()
    tab.at_rest()
    assert tab.address["seen"] == "4"


def test_a_jump_is_shown_beside_the_true_frame_until_the_end(tab: TimePage) -> None:
    tab.open("sequence=12&seen=7&jump=1")
    np.testing.assert_array_equal(tab.row("row-jump-summary")[0][..., :1], true_frames(12)[7])
    before = tab.row("row-jump-draws")
    tab.get("jump").focus()
    for _ in range(2):
        tab.page.keyboard.press("ArrowRight")
    tab.until(lambda: not np.array_equal(tab.row("row-jump-draws"), before), "draws further ahead")
    tab.until(lambda: tab.address["jump"] == "3", "the jump in the address")
    tab.until(
        lambda: np.array_equal(tab.row("row-jump-summary")[0][..., :1], true_frames(12)[9]), "the frame there"
    )
    tab.page.keyboard.press("ArrowRight")
    tab.page.get_by_text("there is no true frame 11").wait_for()
    tab.until(lambda: tab.get("row-jump-summary").locator(".lx-unknown").count() == 1, "no truth")


def test_futures_play_and_mark_the_end_of_the_truth(tab: TimePage) -> None:
    tab.open("sequence=12&seen=7&samples=2&by=1&steps=6")
    assert "ends with frame 10" in tab.get("beyond").inner_text()
    assert tab.get("moment").inner_text() == "frame 8 · step 1"
    tab.get("play").click()
    tab.until(lambda: "beyond the end" in tab.get("moment").inner_text(), "the end of the sequence")
    tab.until(lambda: "seen" in tab.get("moment").inner_text(), "the start again")
    tab.get("play").click()
    stopped = tab.get("moment").inner_text()
    tab.page.wait_for_timeout(500)
    assert tab.get("moment").inner_text() == stopped
    tab.get("scrub").fill("6")  # frames 3 to 7 lead, then 8, 9
    assert tab.get("moment").inner_text() == "frame 9 · step 2"
    true, *samples = tab.row("futures")
    np.testing.assert_array_equal(true[..., :1], true_frames(12)[8])
    for picture, strip in zip(samples, tab.row("future-rows")[1:], strict=True):
        np.testing.assert_array_equal(strip[:, 6 * 9 : 6 * 9 + 8], picture)  # a gap behind each
    tab.get("samples").select_option("3")
    tab.until(lambda: tab.address["samples"] == "3", "three samples in the address")
    tab.until(lambda: tab.get("futures").locator("canvas").count() == 4, "three samples")
    before = tab.row("future-rows")
    tab.page.get_by_role("button", name="New draw").click()
    tab.until(lambda: tab.address["seed"] == "1", "another seed in the address")
    tab.until(lambda: not np.array_equal(tab.row("future-rows")[1], before[1]), "another future")


def test_another_sequence_is_chosen_and_an_animation_downloaded(tab: TimePage) -> None:
    tab.open("sequence=12&seen=4&samples=2&steps=3&by=1")
    tab.page.get_by_test_id("stNumberInputStepUp").click()
    tab.until(lambda: tab.address["sequence"] == "13", "the next sequence in the address")
    tab.until(lambda: np.array_equal(np.stack(tab.row("row-frames"))[..., :1], true_frames(13)), "its frames")
    tab.at_rest()
    tab.page.get_by_role("button", name="Download", exact=True).click()
    image = Image.open(io.BytesIO(tab.download("Futures, GIF")))
    assert (image.format, image.n_frames) == ("GIF", 4 + 3)
