"""The Anatomy page in a browser: eps by mouse and by keys, the board, and a deterministic encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser.driving import Server, canvas_pixels, until
from tests.explorer.checkpoints import train_digits

NAMES = ("input", "output", "residual")
Pictures = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def anatomy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a probabilistic and a deterministic encoder."""
    folder = tmp_path_factory.mktemp("anatomy")
    shelf: Path = folder / "checkpoints"
    train_digits(shelf / "flat-vae", title="Flat digits", latent=2, epochs=6)
    train_digits(shelf / "digits-ae", title="Points", latent=4, epochs=6, model="ae")
    running = Server(shelf, folder / "cache", folder / "log.txt")
    try:
        running.start()
        yield running
    finally:
        running.kill()


class AnatomyPage:
    """The Anatomy page in one browser tab."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, query: str) -> AnatomyPage:
        self.page.goto(f"{self.url}/anatomy?{query}")
        self.page.wait_for_selector(
            "[data-testid=anatomy][data-ready=true][data-connection=open][data-source=original]",
            timeout=90_000,
        )
        self.at_rest()
        return self

    def at_rest(self) -> None:
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=90_000
        )
        self.page.wait_for_timeout(300)
        assert self.page.get_by_test_id("stException").count() == 0

    def shown(self) -> Pictures:
        return {name: canvas_pixels(self.page.get_by_test_id(f"picture-{name}")) for name in NAMES}

    def until(self, condition, what: str) -> None:
        until(condition, what, 20, lambda: self.page.wait_for_timeout(40))

    def middle(self, testid: str) -> tuple[float, float]:
        box = self.page.get_by_test_id(testid).locator(".lx-knob-ring").bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, testid: str, dx: float, dy: float) -> None:
        self.page.get_by_test_id(testid).scroll_into_view_if_needed()
        x, y = self.middle(testid)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=6)

    def changed(self, before: Pictures, *names: str) -> bool:
        now = self.shown()
        return all(not np.array_equal(now[name], before[name]) for name in names)

    def noise(self) -> str:
        return self.page.get_by_test_id("noise").inner_text()


@pytest.fixture
def tab(anatomy_server: Server, cached_page: Page) -> Iterator[AnatomyPage]:
    """A tab of its own; fails if it raised an error."""
    made = AnatomyPage(cached_page, anatomy_server.url)
    yield made
    assert not made.errors, f"The page raised: {made.errors}"


def test_epsilon_is_set_by_mouse_and_by_keys(tab: AnatomyPage) -> None:
    page = tab.open("model=flat-vae&item=5").page
    first = tab.shown()
    assert first["input"].shape == (8, 8, 3) and first["input"].std() > 20
    assert tab.noise() == "ε₀ = 0.00 · ε₁ = 0.00"
    cost = page.get_by_test_id("figures").inner_text()

    tab.drag("handle-z", 90, -60)
    tab.until(
        lambda: tab.changed(first, "output", "residual"), "a picture of another code, the hand still down"
    )
    assert "turn" not in page.url, "Streamlit is told on release"
    page.mouse.up()
    tab.until(lambda: "turn=0%3A" in page.url or "turn=0:" in page.url, "eps in the address")
    tab.at_rest()
    turned = tab.shown()
    assert np.array_equal(turned["input"], first["input"])
    assert page.get_by_test_id("figures").inner_text() != cost
    assert tab.noise() != "ε₀ = 0.00 · ε₁ = 0.00"

    page.reload()
    page.wait_for_selector("[data-testid=anatomy][data-ready=true][data-source=original]")
    tab.until(lambda: not tab.changed(turned, "output"), "the same code after a reload")
    assert not tab.changed(turned, "output")

    page.get_by_role("button", name="Mean", exact=True).click()
    tab.until(lambda: np.array_equal(tab.shown()["output"], first["output"]), "the mean again")
    page.get_by_test_id("handle-z").focus()
    for key in ("ArrowRight",) * 6 + ("ArrowUp",) * 3:
        page.keyboard.press(key)
    tab.until(lambda: tab.changed(first, "output"), "the keys turn the code")
    tab.until(lambda: "turn=" in page.url, "what the keys did in the address")

    page.get_by_role("button", name="New draw").click()
    tab.until(lambda: "draw=1" in page.url, "a draw from the posterior")
    page.get_by_role("radio", name="Prior").check()
    tab.until(lambda: page.get_by_text("1σ of the prior").is_visible(), "the prior's circles")
    assert page.locator(".lx-plane-ellipse").count() == 2


def test_panels_have_equations_links_and_a_draggable_board(tab: AnatomyPage) -> None:
    page = tab.open("model=flat-vae&item=5").page
    for title in ("The bound and its two terms", "KL of each dimension", "Estimates of log p(x)"):
        page.get_by_role("heading", name=title).first.wait_for()
    assert page.locator(".katex-display").count() == 5
    assert page.get_by_role("link", name="Burda et al. 2015").first.get_attribute("href")
    values = {way: page.get_by_test_id(f"kl-{way}") for way in ("reverse", "forward")}
    before = {way: float(value.inner_text()) for way, value in values.items()}
    page.get_by_role("button", name="Move q to its best").nth(0).click()
    tab.until(lambda: float(values["reverse"].inner_text()) < 0.5 * before["reverse"], "a better q")
    page.wait_for_timeout(700)
    best = float(values["reverse"].inner_text())
    tab.drag("handle-q", 60, 30)
    assert float(values["reverse"].inner_text()) > best + 0.05, "other parameters cost more"
    page.keyboard.press("Escape")
    assert float(values["reverse"].inner_text()) == best, "a cancelled drag is undone"
    page.mouse.up()
    page.get_by_role("radio", name="One Gaussian").check()
    page.get_by_role("button", name="Move q to its best").nth(1).click()
    tab.until(lambda: float(values["forward"].inner_text()) < 0.01, "q is p")
    page.get_by_test_id("handle-q").focus()
    page.keyboard.press("ArrowRight")
    assert float(values["forward"].inner_text()) > 0


def test_a_deterministic_encoder_says_what_it_lacks(tab: AnatomyPage) -> None:
    page = tab.open("model=digits-ae&item=3").page
    page.get_by_role("heading", name="What a deterministic latent lacks").first.wait_for()
    assert page.get_by_test_id("divergence").count() == 0
    assert page.get_by_role("button", name="New draw").is_hidden()
    assert page.locator(".lx-plane-ellipse:visible").count() == 0
    cells = page.get_by_alt_text("Decoded latent")
    assert cells.count() == 18
    said = [cell.get_attribute("alt") or "" for cell in cells.all()]
    assert "off the data" in said[8], "the end of the line"
    before = tab.shown()
    assert "x̂ = g(z)" in page.get_by_test_id("anatomy").inner_text()
    tab.drag("handle-z", 150, 90)
    tab.until(lambda: tab.changed(before, "output", "residual"), "the code is dragged all the same")
    page.mouse.up()
    tab.until(lambda: "turn=" in page.url, "where it is in the address")


def test_it_fits_a_narrow_window(tab: AnatomyPage) -> None:
    tab.page.set_viewport_size({"width": 700, "height": 1000})
    page = tab.open("model=flat-vae&item=5").page
    page.get_by_role("heading", name="The divergence has a direction").first.wait_for()
    wide = page.evaluate(
        "() => [...document.querySelectorAll('[data-testid=stMain], .lx-anatomy')].map(e => e.scrollWidth - e.clientWidth)"
    )
    assert max(wide) <= 1, "nothing to scroll sideways"
    board = page.get_by_test_id("board").bounding_box()
    assert board is not None and board["width"] > 550, "panels are stacked"
