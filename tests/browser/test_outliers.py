"""The Outliers page in a browser: a threshold, a costly score, an uploaded picture, and links to the stage."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.sharing.exports import picture_png
from tests.browser.conftest import NewPage
from tests.browser.driving import StagePage

PATIENCE = 120.0  # s


@pytest.fixture
def page(new_page: NewPage) -> StagePage:
    """The page, by the KL to the prior."""
    tab = new_page()
    tab.page.goto(f"{tab.url}/outliers?model=digits-vae&score=kl&share=5")
    tab.page.wait_for_selector('.st-key-ol-cards img[alt="Residual"]', timeout=PATIENCE * 1000)
    return tab


def said(tab: StagePage) -> str:
    return str(tab.page.get_by_test_id("stMain").inner_text(timeout=PATIENCE * 1000))


def test_a_threshold_is_dragged_and_a_link_restores_it(page: StagePage, new_page: NewPage) -> None:
    assert "20 of 400 images (5 %) lie at or above" in said(page)
    slider = page.page.locator(".st-key-ol_drag")
    before = float(slider.locator("input[type=range]").input_value())
    box = slider.get_by_test_id("stSliderThumbValue").locator("xpath=..").bounding_box()
    assert box is not None
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] - 120, box["y"], steps=6)
    page.page.mouse.up()
    page.until(lambda: "cut" in page.address, "the threshold in the address", PATIENCE)
    assert float(page.address["cut"]) < before
    page.until(lambda: "20 of 400" not in said(page), "more outliers", PATIENCE)
    sentence = next(line for line in said(page).splitlines() if " of 400 images" in line)
    assert int(sentence.split(" of ")[0]) > 20
    page.page.wait_for_selector(".st-key-ol_after button")
    again = new_page()
    again.page.goto(page.page.url)
    again.until(lambda: sentence in said(again), "the same threshold on another machine", PATIENCE)


def test_a_costly_score_is_computed_and_an_upload_compared_with_it(page: StagePage) -> None:
    page.page.goto(f"{page.url}/outliers?model=digits-vae&score=regret")
    count = page.page.get_by_label("Images", exact=True)
    count.wait_for(timeout=PATIENCE * 1000)
    count.fill("40")
    count.press("Enter")
    page.press("Compute")
    page.until(lambda: "40 of 400 images have this score." in said(page), "forty regrets", PATIENCE)
    page.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.page.wait_for_timeout(1000)  # the end of a job reruns the page, which discards a selection just made
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 1)).astype(np.uint8)
    page.page.locator(".st-key-ol_files input[type=file]").set_input_files(
        [
            {"name": "noise.png", "mimeType": "image/png", "buffer": picture_png(noise)},
            {"name": "letter.txt", "mimeType": "text/plain", "buffer": b"Dear all"},
        ]
    )
    page.page.wait_for_selector('.st-key-ol-mine img[alt="Residual"]', timeout=PATIENCE * 1000)
    assert "letter.txt: The file is not a supported picture." in said(page)
    page.press("Score 1 picture by Likelihood regret")
    page.until(
        lambda: "Percentile of a picture: not estimated from" in said(page),
        "that the scored images are too few",
        PATIENCE,
    )


def test_an_outlier_is_shown_on_the_stage(page: StagePage) -> None:
    button = page.page.locator("[class*=st-key-ol_explore_] button").first
    name = button.evaluate("it => it.closest('[class*=st-key-ol_explore_]').className")
    item = name.split("st-key-ol_explore_")[1].split()[0]
    # While the cards are laid out another one may become the first.
    page.page.locator(f".st-key-ol_explore_{item} button").first.click()
    page.wait_ready()
    page.until(lambda: "a" in page.address and page.item("A") == int(item), "its name in the stage's address")
    assert page.address["model"] == "digits-vae"


def test_nothing_is_wider_than_a_narrow_window(new_page: NewPage) -> None:
    tab = new_page(width=700)
    tab.page.goto(f"{tab.url}/outliers?model=digits-vae&score=kl")
    tab.page.wait_for_selector('.st-key-ol-cards img[alt="Residual"]', timeout=PATIENCE * 1000)
    tab.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')

    def two_columns() -> bool:  # after the last run of the script has laid them out
        cards = [
            box for each in tab.page.locator(".st-key-ol-cards .lxo").all() if (box := each.bounding_box())
        ]
        return len({box["x"] for box in cards}) == 2 and all(box["x"] + box["width"] <= 700 for box in cards)

    tab.until(two_columns, "two columns of cards, none beyond the window")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 700
