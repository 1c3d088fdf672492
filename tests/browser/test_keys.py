"""Keyboard use: the overview of a page's keys on pages besides Explore, and the focus in popovers."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import expect

from tests.browser.conftest import NewPage
from tests.browser.driving import StagePage


def test_the_keys_of_a_player(new_page: NewPage) -> None:
    tab = new_page()
    page, moment = tab.page, tab.get("moment")
    page.goto(f"{tab.url}/paths?model=digits-vae&stops=3,70&kinds=straight&frames=9")
    page.wait_for_selector("[data-testid=ways] canvas.lx-painted", timeout=90_000)
    overview = page.get_by_role("dialog", name="Keyboard shortcuts")
    button = page.get_by_role("button", name="Keyboard shortcuts")
    button.click()
    overview.get_by_text("A frame on").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("?")
    overview.wait_for(state="hidden")
    expect(button).to_be_focused()
    assert (moment.text_content() or "").startswith("frame 1 of 9"), (
        "the page below the overview does not react"
    )
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert (moment.text_content() or "").startswith("frame 3 of 9")
    tab.get("ways").focus()
    page.keyboard.down("Space")
    page.keyboard.down("Space")  # held down: does not toggle again
    page.keyboard.up("Space")
    tab.until(lambda: not (moment.text_content() or "").startswith("frame 3 of 9"), "a film that plays")


def test_two_components_share_one_overview(new_page: NewPage) -> None:
    tab = new_page()
    page = tab.page
    page.goto(f"{tab.url}/anatomy?model=digits-vae")
    page.wait_for_selector("[data-testid=anatomy][data-ready=true]", timeout=90_000)
    page.wait_for_selector("[data-testid=divergence]", timeout=90_000)
    opened = page.locator("dialog.lx-shortcuts[open]")
    tab.get("anatomy").focus()
    page.keyboard.down("?")
    page.keyboard.down("?")  # held down: it is not closed again
    page.keyboard.up("?")
    opened.wait_for()
    assert opened.count() == 1
    for says in ("Undo", "New draw of ε", "Take the Gaussian q"):
        assert opened.get_by_text(says).count() == 1, says
    page.keyboard.press("Escape")
    opened.wait_for(state="detached")
    before = tab.canvas(tab.get("picture-output"))
    page.keyboard.press("d")
    tab.until(lambda: not np.array_equal(tab.canvas(tab.get("picture-output")), before), "a draw")
    tab.get("divergence").focus()
    page.keyboard.press("q")
    assert page.evaluate("document.activeElement.dataset.testid") == "handle-q"


def test_single_letter_keys_need_focus_and_can_be_switched_off(
    tab: StagePage,
) -> None:
    page, before = tab.page, tab.shown()

    def swapped() -> bool:
        return np.array_equal(tab.picture("A"), before["B"])

    page.locator("body").press("s")
    page.wait_for_timeout(400)
    assert not swapped(), "the focus is elsewhere"
    tab.focus()
    page.keyboard.press("s")
    tab.until(swapped, "A and B swapped")
    page.keyboard.press("?")
    overview = page.get_by_role("dialog", name="Keyboard shortcuts")
    overview.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    overview.wait_for(state="hidden")
    expect(tab.stage).to_be_focused()
    page.keyboard.press("s")
    page.keyboard.press("?")
    page.wait_for_timeout(400)
    assert swapped() and not overview.is_visible()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    overview.get_by_role("checkbox").check()


def test_a_toolbar_is_one_tab_stop(tab: StagePage) -> None:
    page = tab.page
    name = "document.activeElement.getAttribute('aria-label')"
    page.get_by_role("button", name="Swap A and B").focus()
    page.keyboard.press("ArrowRight")
    assert str(page.evaluate(name)).startswith("Reset")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(name) == "Swap A and B", "disabled buttons are skipped"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('[role=toolbar]')") is None


def test_tab_leads_into_a_popover_and_shift_tab_and_escape_back(new_page: NewPage) -> None:
    tab = new_page().open()
    page = tab.page
    body = page.get_by_test_id("stPopoverBody")

    def inside() -> bool:
        return bool(page.evaluate("document.activeElement.closest('[data-testid=stPopoverBody]') !== null"))

    for name, first in (("Select", "Filter"), ("Download", "1×")):  # the button, its popover's first control
        button = page.get_by_test_id("stPopoverButton").filter(has_text=name)
        button.click()
        body.get_by_text(first, exact=True).first.wait_for()
        for _ in range(2):  # once focus has left it, Streamlit removes the popover from the tab order
            page.keyboard.press("Tab")
            tab.until(inside, f"the focus in the popover {name}")
            page.keyboard.press("Shift+Tab")
            expect(button).to_be_focused()
        page.keyboard.press("Tab")
        tab.until(inside, f"the focus in the popover {name}")
        page.keyboard.press("Escape")
        body.wait_for(state="detached")
        expect(button).to_be_focused()
    button.press("Enter")  # opened by key
    tab.until(inside, "the focus in a popover that was opened by key")
