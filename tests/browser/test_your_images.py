"""From a folder of images to a drag on Explore, opened by command: read, prepared, trained, stopped, dragged."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, TimeoutError

from tests.browser.conftest import NewPage
from tests.browser.driving import Server

COUNT = 60  # pictures


def write_pictures(folder: Path) -> Path:
    """Writes pictures of discs and squares, an invalid file, and, elsewhere, a table of labels."""
    rng = np.random.default_rng(0)
    lines = ["picture;shape;radius"]
    for number in range(COUNT):
        image = Image.new("RGB", (24, 24), "white")
        radius = int(rng.integers(4, 10))
        box = (12 - radius, 12 - radius, 12 + radius, 12 + radius)
        draw = ImageDraw.Draw(image)
        (draw.ellipse if number % 2 else draw.rectangle)(box, fill=tuple(map(int, rng.integers(0, 200, 3))))
        (folder / "photos").mkdir(exist_ok=True)
        image.save(folder / "photos" / f"{number:02d}.png")
        lines.append(f"{number:02d}.png;{'disc' if number % 2 else 'square'};{radius},5")
    (folder / "photos" / "broken.jpg").write_bytes(b"no picture")
    table = folder / "shapes.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    return table


@pytest.fixture(scope="module")
def server(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server started by `explorer open`, with its own folder of runs."""
    folder = tmp_path_factory.mktemp("your-images")
    table = write_pictures(folder)
    (folder / "runs").mkdir()
    both = Path(f"{checkpoints}{os.pathsep}{folder / 'runs'}")
    running = Server(both, folder / "cache", folder / "log.txt")
    running.command = [
        sys.executable,
        "-m",
        "explorer",
        "open",
        str(folder / "photos"),
        "--labels",
        str(table),
        "--port",
        str(running.port),
        "--headless",
    ]
    try:
        running.start()
        yield running
    finally:
        running.kill()


def choose_patiently(page: Page, label: str, option: str) -> None:
    """Selects an option of a select box whose list a late rerun may close."""
    for patience in (3_000, 6_000, 12_000, 24_000):
        page.get_by_role("combobox", name=label).click()
        try:
            page.get_by_role("option", name=option, exact=True).click(timeout=patience)
            return
        except TimeoutError:
            page.keyboard.press("Escape")
    raise AssertionError(f"{label} offers no {option}.")


def test_from_a_folder_to_a_drag(new_page: NewPage) -> None:
    tab = new_page()
    page = tab.page
    page.goto(tab.url)
    page.wait_for_url("**/your-images?*", timeout=60_000)
    state = page.get_by_test_id("your-images")
    tab.until(lambda: state.get_attribute("data-state") == "found", "the summary", 60)
    assert state.get_attribute("data-images") == str(COUNT) and state.get_attribute("data-refused") == "1"
    for heading in ("Labels", "Preparation", "Model"):
        page.get_by_role("heading", name=heading).first.wait_for()
    page.get_by_text("disc", exact=True).first.wait_for()
    page.get_by_text("1 file could not be read").click()
    choose_patiently(page, "Size", "16 pixels")
    page.get_by_text("VAE with two dimensions").click()
    page.get_by_text("16×16 colour").wait_for()
    page.reload()
    page.get_by_text("16×16 colour").wait_for()

    page.get_by_role("button", name="Train and open the map").click()
    previews = page.get_by_test_id("your-images-previews")
    previews.wait_for(timeout=90_000)
    assert state.get_attribute("data-state") == "training"
    page.reload()
    page.get_by_role("button", name="Stop here").click(timeout=60_000)
    done = page.get_by_test_id("your-images-done")
    done.wait_for(timeout=90_000)
    assert "dB" in done.inner_text()
    for name in ("Directions", "Outliers"):
        assert page.get_by_role("button", name=name, exact=True).is_visible()

    tab.press("Open in Explore")
    tab.until(lambda: tab.address.get("model") == "photos-vae", "the new model on Explore")
    tab.wait_ready()
    assert tab.address["colour"] == "shape"
    before = tab.shown()
    tab.drag("A", 60, 30)
    tab.until(lambda: tab.changed(before, "A", "S0"), "pictures that follow the drag")
    before = tab.shown()
    tab.slide(next(name for name in tab.sliders() if name.startswith("shape")), 1.0)
    tab.until(lambda: tab.changed(before, "A"), "a label's slider that changes the picture")
