"""The Directions page in a browser: from an attribute to a saved direction among Explore's sliders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import Page

from tests.browser.driving import PATIENCE, StagePage, until

ROW = "[data-estimator={}] img"
AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def address(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def wait(page: Page, condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    until(condition, what, seconds, lambda: page.wait_for_timeout(100))


def open_directions(tab: StagePage, **params: str) -> Page:
    tab.page.goto(f"{tab.url}/directions?{urlencode(params)}")
    tab.page.wait_for_selector(ROW.format("mean"), timeout=90_000)
    return tab.page


def wait_for_metrics(page: Page) -> None:
    """Waits until every estimator has its angle."""
    row = page.locator(".lx-dr-row")
    wait(
        page,
        lambda: row.count() == 5 and all("Angle error" in t and "…" not in t for t in row.all_inner_texts()),
        "five estimators with their figures",
        120,
    )
    page.wait_for_selector(AT_REST)


def test_a_direction_from_an_attribute_is_saved_and_becomes_a_slider(
    new_page: Callable[..., StagePage],
) -> None:
    tab = new_page()
    page = open_directions(tab, model="yours-vae")
    wait_for_metrics(page)
    tab.choose("Attribute", "Digit: 3")
    wait(page, lambda: address(page)["from"] == "attribute:digit-3", "the attribute in the address")
    wait_for_metrics(page)
    page.get_by_role("radio", name="LDA").click()
    wait(page, lambda: address(page)["method"] == "lda", "the estimator in the address")
    page.wait_for_selector(AT_REST)
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("Threeness")
    name.press("Enter")
    page.wait_for_selector(AT_REST)
    tab.press("Save")
    page.get_by_text("Saved Threeness").wait_for()
    page.locator(".st-key-dr-line-own-threeness").wait_for()

    tab.press("Try it on Explore")
    tab.wait_ready()
    assert tab.address["a_with"] == "own-threeness:1"
    assert tab.sliders()["own-threeness"] == 1.0
    before = tab.shown()
    tab.slide("own-threeness", -1.5)
    tab.until(lambda: tab.changed(before, "A"), "a picture that follows the slider")

    open_directions(tab, model="yours-vae")
    page.locator(".st-key-dr_drop_own-threeness button").first.click()
    page.get_by_text("Deleted Threeness").wait_for()
    tab.press("Undo")
    page.locator(".st-key-dr-line-own-threeness").wait_for()


def test_a_link_restores_the_page_and_an_export_is_imported(
    new_page: Callable[..., StagePage], tmp_path: Path
) -> None:
    tab = new_page()
    page = open_directions(
        tab,
        **{
            "model": "yours-vae",
            "from": "attribute:even",
            "method": "logistic",
            "hold": "digit-3",
            "item": "5",
        },
    )
    wait_for_metrics(page)
    assert page.get_by_role("radio", name="Logistic regression").is_checked()
    first, other = (page.locator(ROW.format("logistic")).nth(n).get_attribute("src") for n in (0, 8))
    assert first and other and first != other
    again = open_directions(new_page(), **address(page))
    wait_for_metrics(again)
    assert again.locator(ROW.format("logistic")).nth(0).get_attribute("src") == first

    tab.press("Export")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON").last.click()
    text = Path(waiting.value.path()).read_text()
    assert json.loads(text)["checkpoint"] == "yours-vae"
    page.keyboard.press("Escape")
    file = tmp_path / "direction.json"
    file.write_text(text)
    tab.press("Import")
    page.locator("input[type=file]").set_input_files(str(file))
    page.get_by_text("Imported Even").wait_for()
    file.write_text(
        text.replace("yours-vae", "faces-other").replace(json.loads(text)["weights_sha256"], "ab" * 32)
    )
    files = page.locator("input[type=file]")
    wait(page, lambda: files.count() == 1, "the file field without the file before")
    files.set_input_files(str(file))
    page.get_by_text("another checkpoint, faces-other").wait_for()
