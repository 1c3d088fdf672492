"""The Models page in a browser: a training from the form to the stage, a cancelled one, and the cards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPage
from tests.browser.driving import Server, StagePage

MADE = "digits-vae-2"  # the name that the form offers beside the checkpoint digits-vae


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the trainings of these tests."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def server(checkpoints: Path, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, so that other tests do not see these trainings."""
    folder = tmp_path_factory.mktemp("models-server")
    both = Path(f"{checkpoints}{os.pathsep}{runs}")
    running = Server(both, folder / "cache", folder / "log.txt")
    try:
        running.start()
        yield running
    finally:
        running.kill()


@pytest.fixture
def form(new_page: NewPage) -> StagePage:
    """The training form."""
    tab = new_page()
    tab.page.goto(f"{tab.url}/models?part=train")
    tab.page.get_by_role("button", name="Start training").wait_for(timeout=90_000)
    return tab


def fill(tab: StagePage, label: str, value: str, shown: str) -> None:
    """Fills a field and waits until the command shows it."""
    field = tab.page.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Enter")
    tab.until(lambda: shown in tab.page.get_by_test_id("stCode").inner_text(), f"{shown} in the command")


def start(tab: StagePage, epochs: int) -> None:
    """Starts a VAE with a two-dimensional latent, which needs no UMAP."""
    fill(tab, "Latent", "2", "latent=2")
    fill(tab, "Epochs", str(epochs), f"--epochs {epochs}")
    tab.press("Start training")
    tab.page.locator(".st-key-lx-under-way").wait_for()


def test_a_training_is_started_watched_and_explored_at_once(form: StagePage, runs: Path) -> None:
    start(form, 12)
    card = form.page.locator(".st-key-lx-under-way")
    seen: set[str] = set()

    def ended() -> bool:
        for text in card.all_inner_texts():  # without waiting: the card may disappear between two checks
            seen.update(word for word in ("Step ", "Encoding") if word in text)
        if card.locator(".js-plotly-plot").count():
            seen.add("curve")
        return form.page.get_by_text("· Ready").count() > 0

    form.until(ended, "a finished training", 180)
    assert {"Step ", "curve"} <= seen
    assert (runs / MADE / "atlas.parquet").is_file()
    assert form.page.get_by_test_id("stAlert").count() == 0
    form.press("Explore it")
    form.until(lambda: form.address.get("model") == MADE, "it in the address of the stage")
    form.wait_ready()
    assert form.address["view"] == "raw"
    before = form.shown()
    form.drag("A", 60, 30)
    form.until(lambda: form.changed(before, "A", "S0"), "a live drag in the model that was just trained")


def test_a_training_is_cancelled_and_its_run_deleted(form: StagePage, runs: Path) -> None:
    name = form.page.get_by_label("Name", exact=True).input_value()
    start(form, 5_000)
    bar = form.page.get_by_test_id("stProgress")
    form.until(lambda: "Step " in bar.inner_text(), "steps in the progress bar", 90)
    form.until((runs / name / "training.safetensors").is_file, "a saved state", 90)
    assert form.page.get_by_role("button", name="Start training").is_disabled(), "one at a time"
    resume = form.page.get_by_role("button", name="Resume")
    place = form.page.get_by_role("button", name="Cancel").bounding_box()
    assert place is not None
    form.press("Cancel")
    resume.wait_for(timeout=60_000)
    centre = [place["x"] + place["width"] / 2, place["y"] + place["height"] / 2]
    assert form.page.evaluate("([x, y]) => document.elementFromPoint(x, y).closest('button')", centre) is None
    assert resume.evaluate("button => getComputedStyle(button).animationName") == "lx-late"
    assert "Unfinished" in form.page.get_by_test_id("stMain").inner_text()
    assert "steps are saved" in form.page.get_by_test_id("stMain").inner_text()
    form.until(
        lambda: form.page.get_by_role("button", name="Start training").is_enabled(), "another may start"
    )
    run = form.page.get_by_test_id("stVerticalBlock").filter(has_text=name).filter(has_text="Unfinished").last
    run.get_by_role("button", name="Delete").click()
    form.press("Delete it")
    form.until(lambda: not (runs / name).exists(), "its folder gone")
    form.until(lambda: form.page.get_by_role("button", name="Resume").count() == 0, "it gone from the page")


def test_cards_lead_to_details_and_to_the_other_pages(new_page: NewPage) -> None:
    tab = new_page()
    tab.page.goto(f"{tab.url}/models")
    cards = tab.page.locator(".st-key-lx-cards > *")
    tab.page.locator(".st-key-card-details-flat-vae button").wait_for(timeout=90_000)
    pictures = cards.locator("img.lx-preview")
    tab.until(
        lambda: pictures.evaluate_all("all => all.every(i => i.complete && i.naturalWidth)"), "their pictures"
    )
    assert cards.locator("img.lx-spark").count() == pictures.count() == cards.count() >= 2
    boxes = [box for card in cards.all() if (box := card.bounding_box())]
    assert len({box["y"] for box in boxes[:2]}) == 1, "side by side in a wide window"
    tab.page.locator(".st-key-card-details-flat-vae button").click()
    tab.page.locator(".js-plotly-plot").wait_for()
    assert tab.address == {"checkpoint": "flat-vae"}
    for part in ("Training", "Architecture", "Metrics", "Provenance"):
        tab.page.get_by_role("heading", name=part, exact=True).first.wait_for()
    tab.press("Explore")
    tab.until(lambda: tab.address.get("model") == "flat-vae", "the stage with this checkpoint")
    tab.wait_ready()


@pytest.mark.parametrize(
    ("part", "drawn"),
    [
        ("", ".st-key-card-details-flat-vae button"),
        ("?part=train", ".st-key-train_start button"),
        ("?part=zoo", "table"),
        ("?checkpoint=flat-vae", ".js-plotly-plot"),
    ],
)
def test_nothing_is_wider_than_a_narrow_window(new_page: NewPage, part: str, drawn: str) -> None:
    tab = new_page(width=700)
    tab.page.goto(f"{tab.url}/models{part}")
    tab.page.locator(drawn).first.wait_for(timeout=90_000)
    fields = tab.page.locator(".st-key-lx-train input[type=number]:visible")
    expect(fields).to_have_count(7 if part == "?part=train" else 0)
    assert all((box := field.bounding_box()) and box["width"] >= 40 for field in fields.all())
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 700
