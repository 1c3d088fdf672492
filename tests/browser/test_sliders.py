"""The stage's sliders and filmstrip: typed values, tracks, soft ends, clicked frames, pressed pictures."""

from __future__ import annotations

import numpy as np

from tests.browser.driving import StagePage


def test_values_are_typed_and_tracks_show_the_position(tab: StagePage) -> None:
    slider = tab.get("attribute-ink")
    slider.focus()
    tab.page.keyboard.type("-1.5")
    assert tab.get("value-ink").input_value() == "-1.5"
    tab.page.keyboard.press("Enter")
    tab.until(lambda: tab.address.get("a_with") == "ink:-1.5", "the typed value in the address")
    assert slider.evaluate("e => e === document.activeElement"), "the focus is back on the slider"
    tab.page.get_by_role("button", name="Type a value of Ink").click()
    tab.get("value-ink").fill("7")
    tab.page.keyboard.press("Enter")
    assert tab.get("value-ink").get_attribute("aria-invalid") == "true"
    tab.page.keyboard.press("Escape")
    assert tab.sliders()["ink"] == -1.5
    slider.dblclick()
    tab.until(lambda: "a_with" not in tab.address, "the double click resets")
    says = "aria-description"
    tab.until(lambda: "99 % of the images" in (slider.get_attribute(says) or ""), "where the picture stands")
    assert "linear-gradient" in slider.evaluate("e => e.style.getPropertyValue('--lx-off')")
    assert tab.page.locator(".lx-track-tick:visible").count() == 2 * len(tab.sliders())


def test_a_pointer_sticks_at_the_range_of_the_images(tab: StagePage) -> None:
    slider = tab.get("attribute-digit-1")
    tab.until(lambda: slider.get_attribute("aria-description"), "the track")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None

    def at(value: float) -> tuple[float, float]:
        return box["x"] + 7 + (value + 3) / 6 * (box["width"] - 14), box["y"] + box["height"] / 2

    tab.page.mouse.move(*at(0))
    tab.page.mouse.down()
    values = []
    for value in np.arange(0.0, 3.0, 0.04):
        tab.page.mouse.move(*at(value))
        values.append(tab.sliders()["digit-1"])
    tab.page.mouse.up()
    resting = [value for value in values if values.count(value) >= 4]
    assert resting, f"it never rested: {values}"
    assert max(values) > max(resting) + 0.2


def test_clicking_a_filmstrip_picture_moves_the_handle_there(tab: StagePage) -> None:
    before, address = tab.shown(), tab.address
    tab.get("filmstrip").get_by_role("button", name="Picture 5 of 9").click()
    tab.until(lambda: tab.address["a"] != address["a"], "A on the fifth picture")
    tab.at_rest()
    after = tab.shown()
    wanted = before["S4"].astype(float)
    assert np.abs(after["A"] - wanted).mean() < np.abs(before["A"] - wanted).mean() / 2
    assert np.array_equal(after["B"], before["B"])
    tab.page.keyboard.press("Control+z")
    tab.until(lambda: tab.address == address, "it is taken back")
    tab.get("filmstrip").get_by_role("button", name="Picture 5 of 9").focus()
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("Enter")
    tab.until(lambda: tab.address["a"] != address["a"], "A on the seventh, by keys")


def test_a_pressed_picture_shows_its_original(tab: StagePage) -> None:
    name = tab.page.locator(".lx-pane-a .lx-start-name")
    tab.get("picture-A").hover()
    tab.page.mouse.down()
    tab.until(name.is_visible, "the image while it is held")
    assert name.inner_text().startswith(("Original test ", "Reconstruction test "))
    tab.page.mouse.up()
    assert not name.is_visible()
    tab.page.keyboard.down("o")
    tab.until(name.is_visible, "by a key")
    tab.page.keyboard.up("o")
    tab.until(lambda: not name.is_visible(), "gone with the key")
