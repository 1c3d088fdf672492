"""The Compare page in a browser: two models, one dragged latent, hover and selection on all maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models import checkpoint
from tests.browser.conftest import NewPage
from tests.browser.driving import StagePage, same

NAMES = {"A": "flat-vae", "B": "digits-vae"}
Picture = NDArray[np.uint8]
Follow = Callable[[str, Picture], NDArray[np.float64]]


class ComparePage(StagePage):
    """The comparison in one browser tab."""

    def open(self, **params: str) -> ComparePage:
        params = {"models": ",".join(NAMES.values())} | params
        self.page.goto(f"{self.url}/compare?{urlencode(params)}")
        return self.wait_ready()

    def wait_ready(self) -> ComparePage:
        self.page.wait_for_selector(
            "[data-testid=compare][data-ready=true][data-connection=open]", timeout=120_000
        )
        self.at_rest()
        return self

    def shown(self) -> dict[str, Picture]:
        """The picture of each model, and the picture that they encode."""
        return {name: self.picture(name) for name in ("A", "B", "source")}

    def map_of(self, name: str) -> tuple[float, float, float, float]:
        """x, y, width, height of a model's map in the window."""
        box = self.get(f"map-{name}").bounding_box()
        assert box is not None
        return box["x"], box["y"], box["width"], box["height"]

    def text_of(self, name: str) -> str:
        """The text beside a model's picture."""
        return self.get(f"column-{name}").locator(".lx-column-figures").inner_text()

    def address_of_state(self) -> dict[str, str]:
        """The address without the parameter of the section below."""
        return {key: value for key, value in self.address.items() if key != "below"}


@pytest.fixture
def compared(new_page: NewPage) -> ComparePage:
    """The page with two models of digits, ready."""
    tab = new_page()
    return ComparePage(tab.page, tab.url).open()


@pytest.fixture(scope="module")
def follow(checkpoints: Path) -> Follow:
    """A function that computes a model's reconstruction (H, W) of a picture (H, W, 3)."""
    models = {name: checkpoint.load(checkpoints / folder) for name, folder in NAMES.items()}

    def of(name: str, picture: Picture) -> NDArray[np.float64]:
        x = torch.from_numpy(picture[None, None, ..., 0].astype(np.float32) / 255)
        with torch.inference_mode():
            made: NDArray[np.float64] = (
                models[name].decode(models[name].encode(x).mean)[0, 0].double().numpy()
            )
        return 255 * made

    return of


def off(one: Picture, other: NDArray[np.float64]) -> float:
    """The largest difference in grey levels."""
    return float(abs(one[..., 0] - other.round()).max())


def test_two_models_show_their_reconstructions_of_one_image(compared: ComparePage, follow: Follow) -> None:
    titles = [head.inner_text() for head in compared.page.locator(".lx-column-title").all()]
    assert titles == ["Flat digits", "Digits"]
    (_, _, width, height), (x, y, *size) = compared.map_of("A"), compared.map_of("B")
    assert [width, height] == pytest.approx(size, abs=1) and width > 300
    assert x > compared.map_of("A")[0] + width and y == pytest.approx(compared.map_of("A")[1], abs=1)
    compared.until(lambda: compared.picture("source").std() > 20, "the original picture")
    compared.at_rest()
    shown = compared.shown()
    for name in NAMES:
        assert off(shown[name], follow(name, shown["source"])) <= 2
        assert "Its reconstruction" in compared.text_of(name) and "Error" in compared.text_of(name)
    note = "n => getComputedStyle(document.querySelector(`[data-testid=column-${n}] .lx-column-error`), '::after').content"
    notes = [compared.page.evaluate(note, name) for name in NAMES]
    assert sum("least" in each for each in notes) == 1, "one error is smaller"


def test_a_drag_in_one_model_updates_the_other_live(compared: ComparePage, follow: Follow) -> None:
    before, address, sent = compared.shown(), compared.address, compared.messages_sent
    places = {name: compared.handle(name) for name in NAMES}
    x, y = compared.grab("A")
    for step in range(1, 5):
        last = compared.shown()
        compared.page.mouse.move(x + 18 * step, y - 14 * step, steps=3)
        compared.until(
            lambda last=last: compared.changed(last, "A", "source"), "new pictures during the drag", 15
        )
        assert compared.handle("A") == pytest.approx((x + 18 * step, y - 14 * step), abs=1)
    compared.until(lambda: compared.changed(before, "A", "B"), "an answer of the other model", 15)
    compared.page.wait_for_timeout(500)
    assert compared.messages_sent == sent and compared.address == address, (
        "Streamlit is not told before the release"
    )
    compared.page.mouse.up()
    compared.until(lambda: compared.address.get("drives", "").startswith("0,"), "the drive in the address")
    compared.at_rest()
    now = compared.shown()
    assert np.array_equal(now["source"], now["A"]), "the others encode the dragged picture"
    assert off(now["B"], follow("B", now["A"])) <= 3
    assert compared.text_of("A").startswith("Under the hand")
    assert "Its reconstruction" in compared.text_of("B")
    assert np.hypot(*np.subtract(compared.handle("B"), places["B"])) > 3, "the other's handle follows"

    compared.drag("B", 30, 40)
    compared.until(lambda: compared.address["drives"].count("_") == 1, "a second drive in the address")
    compared.at_rest()
    later = compared.shown()
    assert np.array_equal(later["source"], later["B"]) and not np.array_equal(later["A"], now["A"])
    assert off(later["A"], follow("A", later["B"])) <= 3
    assert compared.text_of("B").startswith("Under the hand")

    for wanted in (now, before):
        compared.press("Undo (Ctrl+Z)")
        compared.until(lambda wanted=wanted: same(compared.shown(), wanted), "the pictures of before")
    assert compared.handle("A") == pytest.approx(places["A"], abs=1)
    compared.until(lambda: "drives" not in compared.address, "no drive in the address")


def test_hovering_one_map_marks_the_image_on_all(compared: ComparePage) -> None:
    card = {name: compared.get(f"map-{name}").locator(".lx-peek") for name in NAMES}
    left, top, width, height = compared.map_of("A")
    hand = compared.handle("A")

    def found() -> bool:
        for down in range(40, int(height) - 40, 14):
            for right in range(40, int(width) - 40, 14):
                if np.hypot(left + right - hand[0], top + down - hand[1]) < 50:
                    continue
                compared.page.mouse.move(left + right, top + down)
                if card["A"].is_visible():
                    return True
        return False

    assert found(), "a point on the map"
    compared.until(lambda: "Digit" in card["A"].inner_text(), "what the image shows")
    assert card["B"].is_visible()
    assert card["A"].locator("figcaption").all_inner_texts() == ["original", "here"]
    assert not card["B"].locator("figcaption").first.is_visible(), "small where the pointer is not"
    for name in NAMES:
        picture = card[name].locator("canvas").last
        compared.until(lambda picture=picture: compared.canvas(picture).std() > 10, f"a picture on {name}")
        ring = card[name].locator(".lx-item-ring").bounding_box()
        x, y, wide, high = compared.map_of(name)
        assert ring and x < ring["x"] + 9 < x + wide and y < ring["y"] + 9 < y + high
    pictures = [compared.canvas(card[name].locator("canvas").last) for name in NAMES]
    assert not np.array_equal(*pictures), "each shows its own"
    compared.page.mouse.move(5, 5)
    compared.until(lambda: not card["A"].is_visible() and not card["B"].is_visible(), "no card")


def test_a_selection_shows_on_all_maps_and_a_link_restores_it(
    compared: ComparePage, new_page: NewPage
) -> None:
    points = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].reduce((a, b) => a + b)"
    canvas = {name: compared.get(f"map-{name}").locator("canvas.lx-points") for name in NAMES}
    inked = {name: canvas[name].evaluate(points) for name in NAMES}
    compared.drag("B", 40, 10)
    compared.until(lambda: "drives" in compared.address, "the drive in the address")
    compared.page.get_by_role("radiogroup", name="Pointer").get_by_role("radio", name="Rectangle").check(
        force=True
    )
    left, top, width, height = compared.map_of("A")
    compared.page.mouse.move(left + 8, top + 8)
    compared.page.mouse.down()
    compared.page.mouse.move(left + width / 2, top + height - 8, steps=6)
    compared.page.mouse.up()
    count = compared.get("selected-count")
    compared.until(lambda: " of 400 selected" in count.inner_text(), "how many are selected")
    number = int(count.inner_text().split()[0])
    assert 20 < number < 380 and "%" in count.inner_text()
    compared.until(lambda: compared.address.get("select", "").startswith("0,"), "it in the address")
    for name in NAMES:
        assert canvas[name].evaluate(points) != inked[name], f"map {name} shows it"
    compared.at_rest()
    pictures, address = compared.shown(), compared.address_of_state()
    tab = new_page()
    again = ComparePage(tab.page, tab.url).open(**address)
    again.until(lambda: " of 400 selected" in again.get("selected-count").inner_text(), "the selection again")
    assert again.get("selected-count").inner_text() == count.inner_text()
    again.until(lambda: same(again.shown(), pictures), "the same pictures")
    assert again.address_of_state() == address and again.page.get_by_test_id("stAlert").count() == 0

    compared.page.keyboard.press("Escape")
    compared.until(lambda: "select" not in compared.address, "nothing selected")
    assert count.inner_text() == ""


@pytest.mark.parametrize("width", [700, 1440])
def test_nothing_is_wider_than_the_window(new_page: NewPage, width: int) -> None:
    tab = new_page(width=width)
    page = ComparePage(tab.page, tab.url).open()
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    for name in NAMES:
        x, _, wide, _ = page.map_of(name)
        assert x >= 0 and x + wide <= width and wide >= 200
