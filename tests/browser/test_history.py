"""Undo, and the browser's Back and Forward, over edits, maps, colours, checkpoints and pages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.browser.driving import StagePage, same

Shown = tuple[dict[str, np.ndarray], dict[str, str]]


def settled(tab: StagePage, changed: Callable[[], object], what: str) -> Shown:
    """The pictures and the address, once a change is in the address."""
    tab.until(changed, what)
    tab.at_rest()
    return tab.shown(), tab.address


def arrives(tab: StagePage, shown: Shown, what: str) -> None:
    tab.until(lambda: tab.address == shown[1], f"the address {what}")
    tab.until(lambda: same(tab.shown(), shown[0]), f"the pictures {what}")
    tab.at_rest()
    assert tab.address == shown[1], f"the address {what}, at rest"
    assert same(tab.shown(), shown[0]), f"the pictures {what}, at rest"


def test_back_and_undo_revert_one_change_at_a_time(tab: StagePage) -> None:
    tab.page.evaluate("window.marked = 1")
    tab.stage.evaluate("stage => { stage.dataset.marked = 'the same element'; }")
    entries = tab.page.evaluate("history.length")
    states = [settled(tab, lambda: "a" in tab.address, "the first address")]

    def change(act: Callable[[], None], what: str) -> None:
        act()
        states.append(settled(tab, lambda: tab.address != states[-1][1], what))

    change(lambda: tab.choose("Map", "Principal components"), "another map")
    tab.page.get_by_label("images, Principal components").wait_for()
    tab.at_rest()
    change(lambda: tab.drag("A", -70, 35), "a drag")
    change(lambda: tab.choose("Colour by", "Ink"), "another colour")
    change(lambda: tab.slide("digit-7", 1.25), "a slider")
    assert tab.page.evaluate("history.length") == entries + 4, "one entry per change"
    for number in (3, 2, 1, 0):
        tab.page.go_back()
        arrives(tab, states[number], f"of change {number}, by Back")
    assert not tab.page.get_by_role("button", name="Undo (Ctrl+Z)").is_enabled()
    for number in (1, 2, 3, 4):
        tab.page.go_forward()
        arrives(tab, states[number], f"of change {number}, by Forward")
    assert tab.page.evaluate("window.marked") == 1, "without a reload"
    assert tab.stage.get_attribute("data-marked") == "the same element"

    tab.page.get_by_role("link", name="Models").click()
    tab.page.wait_for_url("**/models*")
    tab.page.get_by_role("link", name="Explore").click()
    tab.wait_ready()
    arrives(tab, states[4], "after a visit to another page")
    tab.choose("Colour by", "One colour")  # its list keeps the focus
    tab.until(lambda: tab.address["colour"] == "none", "another colour")
    tab.at_rest()
    tab.page.keyboard.press("Control+z")
    arrives(tab, states[4], "before that colour, by undo")
    for number in (3, 2, 1):
        tab.page.keyboard.press("Control+z")
        arrives(tab, states[number], f"of change {number}, by undo")
    tab.page.locator(".st-key-checkpoint button").first.click()
    tab.page.get_by_role("dialog").locator(".st-key-open-flat-vae button").first.click()
    tab.until(lambda: tab.address.get("model") == "flat-vae", "another checkpoint")
    tab.wait_ready()
    assert tab.address["view"] == "raw" and set(tab.sliders().values()) == {0.0}
    tab.page.keyboard.press("Control+z")
    arrives(tab, states[1], "of the checkpoint before")
    assert tab.errors == []


def test_a_key_just_before_another_page_is_not_lost(tab: StagePage) -> None:
    tab.get("handle-A").focus()
    before = tab.address
    tab.page.evaluate(
        """() => {
            const handle = document.querySelector(\'[data-testid=handle-A]\');
            const key = new KeyboardEvent(\'keydown\', {key: \'ArrowRight\', bubbles: true, cancelable: true});
            for (let i = 0; i < 6; i++) handle.dispatchEvent(key);
            [...document.querySelectorAll(\'.st-key-lx-nav a\')].find(a => a.textContent.includes(\'Models\')).click();
        }"""
    )
    tab.page.wait_for_url("**/models*")
    tab.page.get_by_role("link", name="Explore").click()
    tab.wait_ready()
    tab.until(lambda: tab.address.get("a", before["a"]) != before["a"], "the place that the keys led to")


def test_a_drag_is_cancelled_when_the_map_is_replaced(tab: StagePage) -> None:
    first = (tab.shown(), tab.address)
    tab.choose("Map", "Principal components")
    tab.page.get_by_label("images, Principal components").wait_for()
    tab.at_rest()
    x, y = tab.grab("A")
    tab.page.mouse.move(x + 40, y + 30, steps=4)
    tab.page.evaluate("history.back()")
    tab.until(lambda: tab.address == first[1], "the first map, the hand still down")
    tab.page.get_by_label("images, UMAP").wait_for()
    tab.page.mouse.move(x + 60, y + 50, steps=4)
    tab.page.keyboard.press("Escape")
    tab.page.mouse.up()
    tab.at_rest()
    arrives(tab, first, "as they were")
