"""The stage in a browser: drag, click, hover, sliders, strip, undo, keys, zoom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.atlas.storage import load_atlas
from models import checkpoint
from tests.browser.conftest import NewPage
from tests.browser.driving import StagePage, same


@pytest.fixture(scope="module")
def decoded(checkpoints: Path):
    """A function that decodes an item's latent with the model: a picture (H, W)."""
    model = checkpoint.load(checkpoints / "digits-vae")
    mean = load_atlas(checkpoint.read(checkpoints / "digits-vae")).mean

    def of(item: int) -> np.ndarray:
        with torch.inference_mode():
            x = model.decode(torch.from_numpy(mean[item : item + 1]))
        return (255 * x[0, 0].numpy()).round()

    return of


def item_of(tab: StagePage, name: str) -> int:
    return tab.item(name)


def test_unmoved_handles_show_their_items_decoded(tab: StagePage, decoded) -> None:
    for name in "AB":
        shown = tab.picture(name)
        assert shown.shape == (8, 8, 3)
        assert abs(shown[..., 0] - decoded(item_of(tab, name))).max() <= 1
        assert shown.std() > 20, "a digit, not a grey square"


def test_a_drag_is_live_and_streamlit_is_told_only_on_release(tab: StagePage) -> None:
    before, address, sent = tab.shown(), tab.address, tab.messages_sent
    x, y = tab.grab("A")
    seen = []
    for step in range(1, 7):
        tab.page.mouse.move(x + 20 * step, y + 8 * step, steps=3)
        last = seen[-1] if seen else before
        tab.until(lambda last=last: tab.changed(last, "A", "S0", "S4"), "new pictures during the drag", 10)
        seen.append(tab.shown())
        assert tab.handle("A") == pytest.approx((x + 20 * step, y + 8 * step), abs=1), (
            "the handle follows the pointer"
        )
    assert np.array_equal(seen[-1]["B"], before["B"])
    tab.page.wait_for_timeout(600)
    assert tab.messages_sent == sent and tab.address == address
    tab.page.mouse.up()
    tab.until(lambda: tab.address != address, "the new place in the address")
    assert tab.messages_sent > sent
    tab.at_rest()
    assert tab.address["b"] == address["b"] and tab.address["a"].split(",")[0] == address["a"].split(",")[0]
    assert np.array_equal(tab.picture("A"), seen[-1]["A"]), "the rerun changes nothing"
    assert tab.handle("A") == pytest.approx((x + 120, y + 48), abs=1)


def test_escape_cancels_a_drag(tab: StagePage) -> None:
    before, address = tab.shown(), tab.address
    x, y = tab.grab("B")
    tab.page.mouse.move(x - 60, y - 60, steps=4)
    tab.until(lambda: tab.changed(before, "B"), "a new picture")
    tab.page.keyboard.press("Escape")
    tab.until(lambda: same(tab.shown(), before), "the old pictures")
    tab.page.mouse.up()
    assert tab.handle("B") == pytest.approx((x, y), abs=0.5)
    tab.page.wait_for_timeout(300)
    assert tab.address == address


def find_point(tab: StagePage, avoid: float = 60) -> tuple[float, float]:
    """A position in the window where the map shows a point's card, away from the handles."""
    left, top, width, height = tab.map_box()
    handles = [tab.handle("A"), tab.handle("B")]
    for down in range(60, int(height) - 60, 14):
        for right in range(60, int(width) - 80, 14):
            x, y = left + right, top + down
            if min(np.hypot(x - a, y - b) for a, b in handles) < avoid:
                continue
            tab.page.mouse.move(x, y)
            if tab.page.locator(".lx-hover").is_visible():
                return x, y
    raise AssertionError("No point was found on the map.")


def test_hovering_shows_an_items_picture_and_labels_and_a_click_puts_the_handle_on_it(
    tab: StagePage, decoded
) -> None:
    x, y = find_point(tab)
    card = tab.page.locator(".lx-hover")
    tab.until(lambda: "Digit" in card.inner_text() and "original" in card.inner_text(), "labels and picture")
    assert tab.canvas(card.locator("canvas")).std() > 20
    before, item = tab.shown(), item_of(tab, "A")
    tab.page.mouse.click(x, y)
    tab.until(lambda: item_of(tab, "A") != item, "another item in the address")
    tab.until(lambda: tab.changed(before, "A"), "another picture")
    tab.at_rest()
    assert abs(tab.picture("A")[..., 0] - decoded(item_of(tab, "A"))).max() <= 1
    assert np.hypot(*np.subtract(tab.handle("A"), (x, y))) < 15
    assert np.array_equal(tab.picture("B"), before["B"])
    assert not card.is_visible()


def test_sliders_change_their_handles_picture(tab: StagePage) -> None:
    before = tab.shown()
    assert tab.sliders().keys() == {*(f"digit-{n}" for n in range(10)), "even", "ink"}
    tab.slide("digit-0", 1.0)
    tab.until(lambda: tab.changed(before, "A", "B", "S4"), "both pictures changed")
    tab.until(
        lambda: tab.address.get("a_with") == tab.address.get("b_with") == "digit-0:1", "both in the address"
    )
    tab.at_rest()
    both = tab.shown()
    tab.pick("Apply attributes to", "B")
    tab.slide("digit-1", -1.5)
    tab.until(lambda: tab.address.get("b_with") == "digit-0:1,digit-1:-1.5", "B alone in the address")
    tab.until(lambda: tab.changed(both, "B"), "B changed")
    assert tab.address["a_with"] == "digit-0:1" and tab.address["target"] == "B"
    assert np.array_equal(tab.picture("A"), both["A"])
    tab.press("Reset: handles back on their items, attributes to 0")
    tab.until(lambda: same(tab.shown(), before), "the pictures of the beginning")
    assert set(tab.sliders().values()) == {0.0}
    tab.until(lambda: "a_with" not in tab.address, "no attributes in the address")


def test_the_filmstrip_leads_from_a_to_b(tab: StagePage) -> None:
    shown = tab.shown()
    assert len(tab.strip()) == 9
    assert (
        abs(shown["S0"].astype(int) - shown["A"]).max() <= 1
        and abs(shown["S8"].astype(int) - shown["B"]).max() <= 1
    )
    tab.drag("A", -120, 60)
    tab.drag("B", 140, -40)
    tab.at_rest()
    straight = tab.shown()
    tab.pick("Path from A to B", "Great circle")
    tab.until(lambda: tab.changed(straight, "S4"), "another way through the middle")
    tab.until(lambda: tab.address.get("path") == "great-circle", "the path in the address")
    assert np.array_equal(tab.strip()[0], straight["S0"])
    for count in (5, 15, 0):
        tab.stage.get_by_label("Pictures in the strip").select_option(str(count))
        tab.until(lambda count=count: len(tab.strip()) == count, f"{count} pictures")
        tab.until(lambda count=count: tab.address.get("frames") == str(count), "their number in the address")
        tab.until(lambda: all(frame.std() > 5 for frame in tab.strip()), "painted pictures")


def test_undo_and_redo_by_button_and_by_keys(tab: StagePage) -> None:
    states = [(tab.shown(), tab.address)]
    tab.drag("A", 90, 40)
    tab.until(lambda: tab.address != states[-1][1], "the first drag in the address")
    tab.at_rest()
    states.append((tab.shown(), tab.address))
    tab.slide("ink", 2.0)
    tab.until(lambda: "a_with" in tab.address, "the slider in the address")
    tab.at_rest()
    states.append((tab.shown(), tab.address))

    def arrives(number: int) -> None:
        pictures, address = states[number]
        tab.until(lambda: same(tab.shown(), pictures), f"the pictures of state {number}")
        tab.until(lambda: tab.address == address, f"the address of state {number}")

    tab.press("Undo (Ctrl+Z)")
    arrives(1)
    tab.get("handle-A").focus()
    tab.page.keyboard.press("Control+z")
    arrives(0)
    assert tab.page.get_by_role("button", name="Undo (Ctrl+Z)").is_disabled()
    tab.page.keyboard.press("Control+Shift+z")
    arrives(1)
    tab.press("Redo (Ctrl+Shift+Z)")
    arrives(2)
    assert tab.sliders()["ink"] == 2.0


def test_the_keyboard_alone_is_enough(tab: StagePage) -> None:
    def focused() -> str:
        return str(tab.page.evaluate("document.activeElement?.dataset.testid ?? ''"))

    seen: list[str] = []
    tab.page.locator("[data-testid=stage-map] [tabindex='0']").focus()
    for _ in range(60):
        tab.page.keyboard.press("Tab")
        seen.append(focused())
    assert {"handle-A", "handle-B", "attribute-digit-0", "attribute-ink"} <= set(seen)

    for name, title in (("handle-A", "Handle A"), ("handle-B", "Handle B")):
        assert title in (tab.get(name).get_attribute("aria-label") or "")
    before, (x, y) = tab.shown(), tab.handle("A")
    address = tab.address
    tab.get("handle-A").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        tab.page.keyboard.press(key)
    assert tab.handle("A") == pytest.approx((x + 16, y + 8), abs=0.6)
    tab.page.keyboard.press("Shift+ArrowUp")
    assert tab.handle("A") == pytest.approx((x + 16, y + 7), abs=0.6)
    tab.until(lambda: tab.changed(before, "A"), "another picture")
    tab.until(lambda: tab.address != address, "the new place in the address")
    tab.at_rest()
    before = tab.shown()
    tab.get("attribute-digit-1").focus()
    for _ in range(10):
        tab.page.keyboard.press("ArrowRight")
    tab.until(lambda: tab.changed(before, "A", "B"), "other pictures")
    tab.until(lambda: "a_with" in tab.address, "the slider in the address")
    assert tab.sliders()["digit-1"] > 0
    assert tab.get("attribute-digit-1").get_attribute("aria-valuetext") == f"{tab.sliders()['digit-1']:.2f}"


def test_zoom_and_pan_keep_the_handles_map_positions(tab: StagePage) -> None:
    before, address = tab.shown(), tab.address
    (ax, ay), (bx, by) = tab.handle("A"), tab.handle("B")
    left, top, width, height = tab.map_box()
    x, y = left + width / 2, top + height / 2
    tab.page.mouse.move(x, y)
    tab.page.mouse.wheel(0, -240)
    tab.until(lambda: tab.handle("A") != (ax, ay), "a zoom")
    tab.page.wait_for_timeout(200)
    (cx, cy), (dx, dy) = tab.handle("A"), tab.handle("B")
    zoom = np.hypot(dx - cx, dy - cy) / np.hypot(bx - ax, by - ay)
    assert zoom > 1.2
    assert (cx, cy) == pytest.approx((x + zoom * (ax - x), y + zoom * (ay - y)), abs=1.5)
    tab.page.mouse.move(left + 60, top + height - 60)
    tab.page.mouse.down()
    tab.page.mouse.move(left + 110, top + height - 90, steps=4)
    tab.page.mouse.up()
    assert tab.handle("A") == pytest.approx((cx + 50, cy - 30), abs=1.5)
    assert tab.handle("B") == pytest.approx((dx + 50, dy - 30), abs=1.5)
    tab.at_rest()
    assert same(tab.shown(), before) and tab.address == address
    tab.press("Show the whole map")
    assert tab.handle("A") == pytest.approx((ax, ay), abs=1)


def test_the_readout_measures_the_drag(tab: StagePage) -> None:
    stats = tab.get("live-stats")
    assert stats.get_attribute("data-frames") == "0"
    x, y = tab.grab("A")
    for step in range(60):
        tab.page.mouse.move(x + 60 * np.sin(step / 5), y + 40 * np.cos(step / 7))
    tab.page.mouse.up()
    tab.until(lambda: int(stats.get_attribute("data-frames") or 0) >= 10, "frames in the readout")
    # At one moment: the readout is written again while frames still come.
    p50, p95, fps, text = stats.evaluate(
        "e => [e.dataset.p50Ms, e.dataset.p95Ms, e.dataset.fps, e.innerText]"
    )
    assert 0 < float(p50) <= float(p95) < 1000
    assert 2 < float(fps) < 250
    assert float(text.split(" ms")[0]) == pytest.approx(float(p50), abs=0.0501 + 0.005)


def test_thumbnails_are_shown_on_request(tab: StagePage) -> None:
    beside = tab.get("stage-map").locator("canvas.lx-beside")

    def inked() -> int:
        return int(
            beside.evaluate(
                "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v).length"
            )
        )

    assert inked() == 0
    tab.pick("Pictures beside points", "Always")
    tab.until(lambda: inked() > 10_000, "pictures on the map")
    tab.pick("Pictures beside points", "Off")
    tab.until(lambda: inked() == 0, "a map without pictures")


def test_the_legend_names_every_digit(new_page: NewPage) -> None:
    tab = new_page().open()
    legend = tab.stage.locator(".lx-legend")
    for digit in range(10):
        assert legend.get_by_text(str(digit), exact=True).is_visible()
    tab.choose("Colour by", "Ink")
    tab.until(lambda: "Ink" in legend.inner_text(), "another legend")
