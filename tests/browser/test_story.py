"""The main workflow: two groups make a direction, its leakage is measured and reduced, it edits an uploaded picture, and a
command renders the same pixels as the page.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from tests.browser.conftest import NewPage
from tests.browser.driving import ROOT, Server, StagePage, pixels, until

AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'
LONG = 240  # s: attribute classifiers are trained, estimators resampled many times


def wait(page: Page, condition: Callable[[], object], what: str) -> None:
    until(condition, what, LONG, lambda: page.wait_for_timeout(200))


def keep_group(tab: StagePage, x: float, name: str) -> int:
    """Draws a lasso at a share of the map's width and keeps what is in it as a group."""
    tab.focus()
    tab.page.keyboard.press("l")
    before = tab.selected()
    tab.lasso(x, 0.5, 0.25)
    found: int = tab.until(lambda: tab.selected() not in (0, before) and tab.selected(), "a selection")
    tab.page.get_by_text(f"{found:,} images selected").wait_for()
    field = tab.page.get_by_label("Name", exact=True)
    field.fill(name)
    field.press("Enter")
    tab.page.wait_for_selector(AT_REST)
    tab.press("Save as group")
    tab.page.get_by_text(f"Group “{name}” saved").wait_for()
    return found


def measured(page: Page) -> dict[str, float]:
    """Presses the button, waits for the table, and reads how far each attribute moves along the mean difference."""
    button = page.get_by_role("button", name="Measure leakage")
    page.wait_for_selector(AT_REST)
    wait(page, button.is_enabled, "the leak can be measured")
    shown = page.locator(".lx-leak")
    before = shown.all_inner_texts()  # all at once: a table that no longer holds goes away meanwhile
    button.click()
    wait(page, lambda: shown.all_inner_texts() not in ([], before), "the leakage table")
    page.wait_for_selector(AT_REST)
    rows = shown.first.locator("tbody tr")
    cells = [row.inner_text().split("\t") for row in rows.all()]
    return {row[0].replace(" (target)", ""): float(row[1].split()[0]) for row in cells[5:]}


def open_checkpoint(tab: StagePage, name: str) -> None:
    """Opens a checkpoint with the selection above the page."""
    tab.open(model="flat-vae")
    tab.page.locator(".st-key-checkpoint button").first.click()
    tab.page.locator(f".st-key-open-{name} button").first.click()
    tab.until(lambda: tab.address.get("model") == name, "the checkpoint in the address")
    tab.wait_ready()


def direction_from_groups(tab: StagePage, left: int, right: int) -> None:
    """Makes a direction from the two groups and waits for the estimators."""
    page = tab.page
    tab.visit("Directions")
    tab.choose("Direction from", "Two groups")
    page.get_by_text(f"From {right:,} images").wait_for()
    assert page.get_by_text(f"to {left:,} Left side").count()
    rows = page.locator(".lx-dr-row")

    def complete() -> bool:
        texts = rows.all_inner_texts()
        return len(texts) == 5 and all("Angle error" in text and "…" not in text for text in texts)

    wait(page, complete, "five estimators with their metrics")


def hold_fixed(page: Page, attribute: str) -> None:
    """Holds an attribute of the direction fixed."""
    option = page.get_by_role("option", name=attribute, exact=True)
    # The list is longer than its visible part, and a late rerun of the page closes it.
    field = page.get_by_role("combobox", name="Hold fixed")
    wait(page, lambda: option.count() or field.fill(attribute), "the option")
    option.click()
    page.keyboard.press("Escape")
    page.get_by_text("Cosine before").wait_for()


def save_direction(tab: StagePage, name: str) -> None:
    """Saves the direction under a name and opens it on Explore."""
    page = tab.page
    field = page.get_by_role("textbox", name="Name", exact=True)
    field.fill(name)
    field.press("Enter")
    page.wait_for_selector(AT_REST)
    tab.press("Save")
    page.get_by_text(f"Saved {name}").wait_for()
    tab.press("Try it on Explore")
    tab.wait_ready()


def upload(tab: StagePage) -> None:
    """Uploads a drawn stroke and waits until handle A is on it."""
    page = tab.page
    drawn = np.zeros((32, 32), np.uint8)
    drawn[6:26, 13:19] = 255
    buffer = io.BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG")
    before = tab.shown()
    page.get_by_role("button", name="Your pictures").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "stroke.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    )
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="stroke: put the active handle on it").wait_for()
    page.keyboard.press("Escape")
    tab.until(lambda: tab.changed(before, "A"), "the upload under handle A")
    tab.until(lambda: tab.item("A") >= 2**30, "the upload in the address")


def test_from_two_groups_to_a_command_that_draws_the_same(
    new_page: NewPage, server: Server, tmp_path: Path
) -> None:
    tab = new_page(height=1000)
    page = tab.page
    open_checkpoint(tab, "yours-vae")
    left = keep_group(tab, 0.27, "Left side")
    right = keep_group(tab, 0.73, "Right side")

    direction_from_groups(tab, left, right)

    leak = measured(page)
    hold_fixed(page, "Even")
    mended = measured(page)
    assert mended.keys() == leak.keys() and mended["Digit"] < leak["Digit"], (
        "with evenness held, the digit moves less"
    )

    save_direction(tab, "Sideways")
    upload(tab)
    plain = tab.shown()
    tab.slide("own-sideways", 1.75)
    tab.until(lambda: tab.changed(plain, "A"), "the edit of the upload")
    tab.until(lambda: "own-sideways:1.75" in tab.address.get("a_with", ""), "the edit in the address")
    tab.at_rest()

    # Export the recipe, render it by command without the workspace, and compare the pixels.
    tab.press("Download")
    recipe = tmp_path / "recipe.json"
    recipe.write_bytes(tab.download("Recipe, JSON"))
    assert json.loads(recipe.read_bytes())["edit"]["A"]["sliders"]["own-sideways"] == 1.75
    shown = tab.shown()
    for name in "AB":
        out = tmp_path / f"{name}.png"
        command = [sys.executable, "-m", "explorer", "render", str(recipe), "--out", str(out)]
        done = subprocess.run(
            [*command, "--what", name.lower()],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            env=server.environment | {"LATENT_CACHE_DIR": str(tmp_path / "empty")},
        )
        assert done.returncode == 0, done.stderr
        np.testing.assert_array_equal(pixels(out.read_bytes()), shown[name])
