"""Selection on the map, uploaded pictures, and keyboard shortcuts in a browser."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import NewPage
from tests.browser.driving import same


def test_a_lasso_selects_adds_removes_and_is_undone(new_page: NewPage) -> None:
    tab = new_page().open(model="yours-vae")
    pictures = tab.shown()
    tab.focus()
    tab.page.keyboard.press("l")
    tab.lasso(0.4, 0.5, 0.2)
    first = tab.until(lambda: tab.selected(), "a selection")
    bar = tab.page.get_by_text(f"{first:,} images selected")
    bar.wait_for()
    tab.page.keyboard.down("Shift")
    tab.lasso(0.6, 0.5, 0.2)
    tab.page.keyboard.up("Shift")
    more = tab.until(lambda: tab.selected() > first and tab.selected(), "more of them")
    tab.page.keyboard.down("Alt")
    tab.lasso(0.4, 0.5, 0.2)
    tab.page.keyboard.up("Alt")
    left = tab.until(lambda: tab.selected() < more and tab.selected(), "fewer of them")
    assert left <= more - first + 1
    tab.press("Take back the last selection")
    tab.until(lambda: tab.selected() == more, "the selection before")
    tab.page.get_by_text(f"{more:,} images selected").wait_for()
    tab.page.keyboard.press("Escape")
    tab.until(lambda: tab.selected() == 0, "no selection")
    assert same(tab.shown(), pictures), "selecting does not move handles"


def test_a_filter_selects_on_the_map_and_a_group_stays(new_page: NewPage) -> None:
    tab = new_page().open(model="yours-vae")
    page = tab.page
    page.get_by_role("button", name="Select", exact=False).first.click()
    page.get_by_role("radio", name="Search").click()
    page.get_by_placeholder("12, 40-60").fill("test 10-29")
    page.keyboard.press("Enter")
    page.get_by_text("20 of 400 images").wait_for()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Select", exact=True).click()
    tab.until(lambda: tab.selected() == 20, "twenty images on the map")
    page.keyboard.press("Escape")
    page.get_by_label("Name", exact=True).fill("Twenty")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save as group").click()
    page.get_by_text("saved with 20 images").wait_for()
    other = new_page().open(model="yours-vae", view="pca")  # another visitor, another map
    other.page.get_by_role("button", name="Select", exact=False).first.click()
    other.page.get_by_role("radio", name="Groups").click()
    other.page.get_by_role("button", name="Twenty · 20").click()
    other.until(lambda: other.selected() == 20, "the group on the map")
    other.page.locator(".st-key-group-drop-twenty button").first.click()
    other.page.get_by_role("button", name="Restore “Twenty”").wait_for()


def test_an_uploaded_picture_is_on_the_map_and_in_the_link(new_page: NewPage) -> None:
    tab = new_page().open(model="yours-vae")
    page = tab.page
    pixels = np.zeros((40, 40), np.uint8)
    pixels[8:32, 16:24] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    before = tab.shown()
    page.get_by_role("button", name="Your pictures").click()
    page.locator("input[type=file]").set_input_files(
        [
            {"name": "one.png", "mimeType": "image/png", "buffer": buffer.getvalue()},
            {"name": "wrong.png", "mimeType": "image/png", "buffer": b"nothing"},
        ]
    )
    page.get_by_text("wrong: The file is not a supported picture").wait_for()
    page.get_by_role("button", name="Add", exact=True).click()
    mark = page.get_by_role("button", name="one: put the active handle on it")
    mark.wait_for()
    tab.until(lambda: tab.changed(before, "A"), "picture A is the upload's")
    page.locator("[data-testid=original-A].lx-painted").wait_for()
    assert page.locator("[data-testid=original-B]").is_hidden()
    page.keyboard.press("Escape")
    tab.until(lambda: tab.item("A") >= 2**30, "the upload in the address")
    shown, address = tab.shown(), tab.address
    assert np.array_equal(shown["B"], before["B"])
    again = new_page().open(**address)
    assert same(again.shown(), shown), "the link shows the same"
    again.drag("A", 40, 30)
    again.until(lambda: again.changed(shown, "A"), "it is dragged like any other")
    again.page.get_by_role("button", name="one: put the active handle on it").click()
    again.until(lambda: np.array_equal(again.picture("A"), shown["A"]), "back on its place")
    again.page.get_by_role("button", name="Your pictures").click()
    item = address["a"].split(",")[0]
    again.page.locator(f".st-key-own-drop-{item} button").click()
    again.page.get_by_role("button", name="Restore “one”").wait_for()
    again.until(lambda: again.item("A") < 2**30, "handle A on an image of the collection")


def test_keys_have_an_overview(new_page: NewPage) -> None:
    tab = new_page().open(model="yours-vae")
    overview = tab.page.get_by_role("dialog", name="Keyboard shortcuts")
    tab.focus()
    tab.page.keyboard.press("?")
    overview.wait_for()
    tab.page.keyboard.press("Escape")
    overview.wait_for(state="hidden")
    before = tab.shown()
    tab.page.keyboard.press("s")
    tab.until(lambda: np.array_equal(tab.picture("A"), before["B"]), "A and B swapped")
    tab.page.keyboard.press("?")
    overview.get_by_text("Undo").wait_for()
    tab.page.keyboard.press("Control+z")
    tab.page.keyboard.press("?")
    overview.wait_for(state="hidden")
    tab.at_rest()
    np.testing.assert_array_equal(tab.picture("A"), before["B"], "undone under the overview")
    tab.page.keyboard.press("b")
    assert tab.page.evaluate("document.activeElement.dataset.testid") == "handle-B"
    tab.page.keyboard.press("ArrowRight")
    tab.until(lambda: not np.array_equal(tab.picture("B"), before["A"]), "handle B moved by a key")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_drawing_pad_gives_a_picture(new_page: NewPage, scheme: str) -> None:
    tab = new_page(color_scheme=scheme).open(model="yours-vae")
    page = tab.page
    page.get_by_role("button", name="Your pictures").click()
    page.get_by_role("radio", name="Draw").click()
    canvas = page.get_by_role("img", name="Draw here")
    canvas.wait_for()
    add = page.get_by_role("button", name="Add", exact=True)
    assert add.is_disabled()
    box = canvas.bounding_box()
    assert box is not None
    across = 0.3 if scheme == "light" else 0.6  # the same drawing is the same picture
    page.mouse.move(box["x"] + across * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
    page.mouse.up()
    add.click()
    mark = page.get_by_role("button", name=re.compile(r"Drawing \d+: put the active handle on it"))
    mark.wait_for()
    page.locator(f".st-key-own-drop-{mark.get_attribute('data-item')} button").click()
    page.get_by_role("button", name="Restore “Drawing").wait_for()
