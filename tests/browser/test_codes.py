"""The Codes page in a browser: paint by mouse and by keys, undo, swap a level, interpolate, pick a code, load a sample."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from explorer.latent.geometry.grids import from_text
from tests.browser.driving import Server, canvas_pixels, until
from tests.explorer.checkpoints import CODES, train_digits

SHAPES = [(2, 2), (4, 4)]


@pytest.fixture(scope="module")
def codes_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a model of two levels of codes, and one of a single level."""
    folder = tmp_path_factory.mktemp("codes")
    shelf: Path = folder / "checkpoints"
    train_digits(shelf / "two-codes", title="Two levels", latent=4, epochs=16, model="vq-vae-2", **CODES)
    train_digits(shelf / "one-codes", title="One level", latent=4, epochs=4, model="vq-vae", **CODES)
    running = Server(shelf, folder / "cache", folder / "log.txt")
    try:
        running.start()
        yield running
    finally:
        running.kill()


class CodesPage:
    """The Codes page in one browser tab."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, query: str) -> Page:
        self.page.goto(f"{self.url}/codes?{query}")
        return self.ready()

    def ready(self) -> Page:
        self.page.wait_for_selector(
            "[data-testid=codes][data-ready=true][data-connection=open]", timeout=90_000
        )
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=90_000
        )
        self.page.wait_for_timeout(400)
        assert self.page.get_by_test_id("stException").count() == 0
        return self.page

    def picture(self, name: str) -> np.ndarray:
        return canvas_pixels(self.page.get_by_test_id(f"picture-{name}"))

    def until(self, condition: Callable[[], object], what: str) -> None:
        until(condition, what, 30, lambda: self.page.wait_for_timeout(40))

    def cell(self, row: int, column: int, size: int = 4) -> tuple[float, float]:
        """The centre of a cell in the window."""
        self.page.get_by_test_id("board-canvas").scroll_into_view_if_needed()
        box = self.page.get_by_test_id("board-canvas").bounding_box()
        assert box is not None
        return box["x"] + (column + 0.5) * box["width"] / size, box["y"] + (row + 0.5) * box["height"] / size

    def address(self) -> dict[str, str]:
        return dict(self.page.evaluate("() => [...new URLSearchParams(location.search)]"))

    def painted(self) -> list[np.ndarray]:
        """The codes in the address."""
        return from_text(self.address()["codes"], SHAPES, 16)

    def shows(self, name: str, expected: np.ndarray, what: str) -> None:
        self.until(lambda: np.array_equal(self.picture(name), expected), what)


@pytest.fixture
def tab(codes_server: Server, cached_page: Page) -> Iterator[CodesPage]:
    """A tab of its own; fails if it raised an error."""
    made = CodesPage(cached_page, codes_server.url)
    yield made
    assert not made.errors, f"The page raised: {made.errors}"


def test_painted_cells_get_the_codes_of_b(tab: CodesPage) -> None:
    page = tab.open("model=two-codes&a=3&b=9&level=bottom")
    first, other = tab.picture("canvas"), tab.picture("b")
    assert np.array_equal(first, tab.picture("a")) and not np.array_equal(first, other)
    tab.until(lambda: tab.picture("step").shape == first.shape, "the walk's first step")

    page.mouse.move(*tab.cell(0, 0))
    page.mouse.down()
    page.mouse.move(*tab.cell(3, 3), steps=8)
    tab.until(lambda: not np.array_equal(tab.picture("canvas"), first), "a picture, the hand still down")
    assert "codes" not in tab.address(), "Streamlit is told on release"
    page.mouse.up()
    tab.until(lambda: "codes" in tab.address(), "the painted codes in the address")
    stroke = tab.picture("canvas")
    codes = tab.painted()
    page.reload()
    tab.ready()
    tab.shows("canvas", stroke, "the same after a reload")

    page.get_by_role("radio", name="3×3").check()
    for row, column in ((1, 1), (1, 3), (3, 1), (3, 3)):
        page.mouse.click(*tab.cell(row, column))
    tab.until(lambda: not np.array_equal(tab.painted()[1], codes[1]), "more of B's")
    page.get_by_role("radio", name="Top 2×2").check()
    page.get_by_role("radio", name="2×2", exact=True).check()
    page.mouse.click(*tab.cell(0, 0, 2))
    page.mouse.click(*tab.cell(1, 1, 2))
    tab.shows("canvas", other, "all of both levels painted: B")

    page.keyboard.press("Control+z")
    tab.until(lambda: not np.array_equal(tab.picture("canvas"), other), "a step back")
    page.keyboard.press("Control+Shift+z")
    tab.shows("canvas", other, "and forth again")
    page.get_by_role("button", name="Reset").click()
    tab.shows("canvas", first, "A's own codes")
    tab.until(lambda: "codes" not in tab.address(), "nothing painted in the address")


def test_keys_paint_and_a_code_is_picked_from_the_codebook(tab: CodesPage) -> None:
    page = tab.open("model=two-codes&a=3&b=9&level=bottom")
    first = tab.picture("canvas")
    book = page.get_by_test_id("codebook")
    book.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert "Code" in page.get_by_test_id("code-info").inner_text()
    picked = page.get_by_role("radiogroup", name="Paint with").get_by_role("radio", checked=True)
    code = int(picked.locator("xpath=..").inner_text().removeprefix("Code "))
    board = page.get_by_test_id("board-canvas")
    board.focus()
    for key in ("ArrowDown", "ArrowRight", "Space", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    tab.until(lambda: "codes" in tab.address(), "what the keys painted in the address")
    tab.until(lambda: (tab.painted()[1][1, 1:] == code).all(), "three cells of the code")
    assert not np.array_equal(tab.picture("canvas"), first)
    assert f"Code {code} · bottom, row 2, column 4" in page.get_by_test_id("code-info").inner_text()
    page.keyboard.press("Control+z")
    tab.shows("canvas", first, "the keys' row is one step")

    page.mouse.move(*tab.cell(2, 2))
    info = page.get_by_test_id("code-info")
    tab.until(
        lambda: "row 3, column 3" in info.inner_text() and "places" in info.inner_text(),
        "what is known of it",
    )
    tab.until(
        lambda: page.locator(".lx-board-heat-canvas:visible").count() >= 1, "the pixels that it governs"
    )


def test_levels_are_swapped_and_a_picture_is_saved(tab: CodesPage) -> None:
    page = tab.open("model=two-codes&a=3&b=9")
    own = {name: tab.picture(name) for name in "ab"}
    page.get_by_role("button", name="A's top, B's bottom").click()
    tab.until(lambda: "codes" in tab.address(), "the swap in the address")
    tab.until(lambda: not np.array_equal(tab.picture("canvas"), own["a"]), "the picture of the swap")
    one = tab.picture("canvas")
    codes = tab.painted()
    page.get_by_role("button", name="B's top, A's bottom").click()
    tab.until(lambda: not np.array_equal(tab.painted()[1], codes[1]), "the other way round")
    tab.until(lambda: not np.array_equal(tab.picture("canvas"), one), "the picture of the other way round")
    other = tab.picture("canvas")
    shown = [own["a"], own["b"], one, other]
    assert all(not np.array_equal(x, y) for i, x in enumerate(shown) for y in shown[:i])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download PNG").click()
    assert waiting.value.suggested_filename == "two-codes-codes.png"
    saved = np.asarray(Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())).convert("RGB"))
    assert saved.shape == (512, 512, 3)
    assert np.array_equal(saved[32::64, 32::64], tab.picture("canvas"))


def test_the_path_leads_from_a_to_b(tab: CodesPage) -> None:
    page = tab.open("model=two-codes&a=3&b=9&t=0.25")
    walk, counts = page.get_by_test_id("walk"), page.get_by_test_id("walk-counts")
    assert walk.input_value() == "0.25"
    region = page.get_by_role("region", name="Walk from A to B")
    assert region.evaluate("e => getComputedStyle(e).clipPath") == "none", "in view without the focus"
    for share, side, word in (("0", "a", "0 changed since A"), ("1", "b", "20 places")):
        walk.fill(share)
        tab.shows("step", tab.picture(side), f"at {share} it is {side}")
        tab.until(lambda word=word: word in counts.inner_text(), "how many are whose")
    tab.until(lambda: tab.address().get("t") == "1", "the step in the address")
    strip = page.get_by_test_id("walk-strip").locator("button")
    assert strip.count() == 9
    strip.nth(4).click()
    tab.until(lambda: walk.input_value() == "0.5", "a click on the strip goes there")
    tab.until(lambda: not np.array_equal(tab.picture("step"), tab.picture("b")), "its picture")
    step = tab.picture("step")
    page.get_by_role("button", name="Paint on from this step").click()
    tab.shows("canvas", step, "the step is A's now")


def test_a_sample_is_drawn_and_loaded(tab: CodesPage) -> None:
    page = tab.open("model=two-codes&a=3&b=9")
    first = tab.picture("a")
    page.get_by_role("button", name="Draw", exact=True).click()
    page.get_by_test_id("samples").wait_for(timeout=90_000)
    pictures = page.get_by_test_id("samples").locator("img")
    assert pictures.count() == 12
    page.get_by_role("button", name="Load sample 2 as A").click()
    tab.until(lambda: tab.address()["a"].startswith("~"), "the sample's codes in the address")
    tab.until(lambda: not np.array_equal(tab.picture("a"), first), "its picture")
    drawn = pictures.nth(1).evaluate(
        "i => { const c = document.createElement('canvas'); c.width = i.naturalWidth; c.height = i.naturalHeight;"
        "const x = c.getContext('2d'); x.drawImage(i, 0, 0); return [...x.getImageData(0, 0, 8, 8).data]; }"
    )
    tab.shows("canvas", np.array(drawn, np.uint8).reshape(8, 8, 4)[..., :3], "the sample to paint on")
    assert "A sample has no input" in page.get_by_test_id("codes").inner_text()


def test_one_level_has_nothing_to_swap_and_it_fits_a_narrow_window(tab: CodesPage) -> None:
    tab.page.set_viewport_size({"width": 700, "height": 1000})
    page = tab.open("model=one-codes&a=3&b=9")
    assert "One level of codes" in page.get_by_test_id("swap").inner_text()
    assert page.get_by_role("radiogroup", name="Level that is painted").is_hidden()
    wide = page.evaluate(
        "() => [...document.querySelectorAll('[data-testid=stMain], .lx-codes')].map(e => e.scrollWidth - e.clientWidth)"
    )
    assert max(wide) <= 1, "nothing to scroll sideways"
    board = page.get_by_test_id("board-canvas").bounding_box()
    assert board is not None and board["width"] > 250
