"""A map with more points than a screen can resolve, and keyboard access to points."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.cases import enlarge
from explorer.atlas.storage import load_atlas
from models import checkpoint
from tests.browser.conftest import NewPage
from tests.browser.driving import StagePage

COUNT = 210_000  # more than are drawn as single points


@pytest.fixture(scope="module")
def crowd(checkpoints: Path) -> Iterator[str]:
    """The flat digits with many more rows."""
    entry = checkpoint.read(checkpoints / "flat-vae")
    enlarge(entry, load_atlas(entry), checkpoints / "many-digits-vae", COUNT)
    yield "many-digits-vae"
    shutil.rmtree(checkpoints / "many-digits-vae")


def rendering(tab: StagePage) -> str | None:
    """How the points are drawn."""
    return tab.page.locator("canvas.lx-points").get_attribute("data-rendering")


def test_many_points_are_a_density_and_points_again_when_zoomed_in(crowd: str, new_page: NewPage) -> None:
    tab = new_page().open(model=crowd)
    tab.until(lambda: rendering(tab) == "density", "a density of all points")
    left, top, width, height = tab.map_box()
    inked = tab.canvas(tab.page.locator("canvas.lx-points"))
    assert inked.std() > 5
    card = tab.page.locator(".lx-hover")

    def hovered() -> bool:
        for share in (0.35, 0.42, 0.5, 0.58, 0.65):
            tab.page.mouse.move(left + share * width, top + 0.6 * height)
            if card.is_visible():
                return True
        return False

    tab.until(hovered, "the card of a point, once they are indexed")
    tab.until(lambda: "Digit" in card.inner_text(), "its labels")
    for _ in range(12):
        tab.page.mouse.wheel(0, -120)
    tab.until(lambda: rendering(tab) == "points", "points again")

    tab.press("Show the whole map")
    tab.until(lambda: rendering(tab) == "density", "the density again")
    tab.pick("Pointer", "Box")
    tab.page.mouse.move(left + 0.3 * width, top + 0.3 * height)
    tab.page.mouse.down()
    tab.page.mouse.move(left + 0.7 * width, top + 0.7 * height, steps=5)
    tab.page.mouse.up()
    found = tab.until(lambda: tab.selected(), "a selection")
    assert 1000 < found < COUNT
    tab.until(lambda: f"{found:,}" in tab.page.locator(".st-key-selection-bar").inner_text(), "Python has it")


def test_every_point_can_be_reached_by_keyboard(tab: StagePage) -> None:
    number = tab.get("walk-number")
    assert not tab.page.locator(".lx-hover").is_visible()
    number.focus()
    tab.page.keyboard.type("13")
    tab.page.keyboard.press("Enter")
    card = tab.page.locator(".lx-hover")
    tab.until(card.is_visible, "the card of point 13")
    assert tab.page.locator(".lx-ring").is_visible()
    tab.page.keyboard.press("ArrowDown")
    assert number.input_value() == "14"
    tab.page.get_by_label("Order of the points").select_option("right")
    tab.page.get_by_role("button", name="Next point").focus()
    tab.page.keyboard.press("Enter")
    assert number.input_value() != "15"
    item, at = int(number.input_value()) - 1, tab.page.locator(".lx-ring").bounding_box()
    assert at is not None
    number.focus()
    tab.page.keyboard.press("Enter")
    tab.until(lambda: tab.item("A") == item, "handle A on the point")
    tab.at_rest()
    assert tab.handle("A") == pytest.approx((at["x"] + at["width"] / 2, at["y"] + at["height"] / 2), abs=2)
