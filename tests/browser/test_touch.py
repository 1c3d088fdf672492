"""A phone: one finger scrolls the page over the map and the sliders, a finger on a handle drags it, two fingers pan."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import NewPage
from tests.browser.driving import StagePage

SCROLLED = "() => [...document.querySelectorAll('[data-testid=stMain], [data-testid=stAppViewContainer]')].map(e => e.scrollTop).reduce((a, b) => a + b, 0)"
STEPS = 8


@pytest.fixture
def phone(new_page: NewPage) -> StagePage:
    return new_page(width=390, height=844, has_touch=True, is_mobile=True).open()


def swipe(tab: StagePage, *fingers: tuple[tuple[float, float], tuple[float, float]]) -> None:
    """Moves one or more fingers between positions in the window."""
    cdp: Any = tab.page.context.new_cdp_session(tab.page)

    def points(share: float) -> list[dict[str, float]]:
        return [
            {"x": x0 + share * (x1 - x0), "y": y0 + share * (y1 - y0), "id": number}
            for number, ((x0, y0), (x1, y1)) in enumerate(fingers)
        ]

    cdp.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points(0)})
    for step in range(1, STEPS + 1):
        cdp.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points(step / STEPS)})
        tab.page.wait_for_timeout(16)
    cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    cdp.detach()


def scrolled(tab: StagePage) -> float:
    """How far the page is scrolled, pixels."""
    return float(tab.page.evaluate(SCROLLED))


def test_fingers_on_the_map(phone: StagePage) -> None:
    left, top, width, height = phone.map_box()
    free = (left + 0.5 * width, top + 0.9 * height)
    for name in "AB":
        assert abs(phone.handle(name)[1] - free[1]) + abs(phone.handle(name)[0] - free[0]) > 40

    before = phone.shown()
    swipe(phone, (free, (free[0], free[1] - 150)))
    phone.until(lambda: scrolled(phone) > 50, "a page that scrolls under one finger")
    assert not phone.changed(before, "A") and not phone.changed(before, "B")
    phone.page.evaluate("() => document.querySelector('[data-testid=stage]').scrollIntoView()")
    phone.at_rest()

    at, still = scrolled(phone), phone.handle("B")
    x, y = phone.handle("A")
    swipe(phone, ((x, y), (x + 40, y + 30)))
    phone.until(lambda: phone.changed(before, "A"), "a picture that follows the finger")
    assert scrolled(phone) == pytest.approx(
        at, abs=5
    )  # the page may still settle; a scrolling finger would move it by 30
    assert phone.handle("A") == pytest.approx((x + 40, y + 30), abs=4)
    assert phone.handle("B") == pytest.approx(still, abs=1)

    left, top, width, height = phone.map_box()
    middle = (left + 0.5 * width, top + 0.5 * height)
    one, other = (middle[0] - 50, middle[1]), (middle[0] + 50, middle[1])
    swipe(phone, (one, (one[0], one[1] + 40)), (other, (other[0], other[1] + 40)))
    phone.until(lambda: phone.handle("B")[1] > still[1] + 25, "a map that pans under two fingers")


def test_a_finger_over_a_slider_scrolls_without_changing_it(phone: StagePage) -> None:
    name = next(iter(phone.sliders()))
    slider = phone.get(f"attribute-{name}")
    slider.scroll_into_view_if_needed()
    phone.at_rest()
    box = slider.bounding_box()
    assert box is not None
    at, values = scrolled(phone), phone.sliders()
    x, y = box["x"] + 0.85 * box["width"], box["y"] + box["height"] / 2
    swipe(phone, ((x, y), (x, y - 120)))
    phone.until(lambda: abs(scrolled(phone) - at) > 40, "a page that scrolls under the finger")
    assert phone.sliders() == values


def test_a_resting_finger_shows_a_card_and_two_fingers_pan_during_a_lasso(
    phone: StagePage,
) -> None:
    left, top, width, height = phone.map_box()
    phone.page.evaluate("() => document.querySelector('[data-testid=stage]').scrollIntoView()")
    phone.at_rest()
    cdp: Any = phone.page.context.new_cdp_session(phone.page)
    card = phone.page.locator(".lx-hover")

    def rests(share: float) -> bool:
        left, top, width, height = phone.map_box()
        x, y = left + share * width, top + 0.45 * height
        if min(abs(x - phone.handle(name)[0]) + abs(y - phone.handle(name)[1]) for name in "AB") < 50:
            return False
        cdp.send(
            "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y, "id": 0}]}
        )
        phone.page.wait_for_timeout(650)
        cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        return card.is_visible()

    address = phone.address
    assert any(rests(share) for share in (0.3, 0.4, 0.5, 0.6, 0.7)), "no card was shown"
    assert phone.address == address, "a resting finger selects nothing"

    phone.pick("Pointer", "Lasso")
    still = phone.handle("B")
    left, top, width, height = phone.map_box()
    knobs = [phone.handle(name) for name in "AB"]
    x = left + 0.5 * width
    y = next(
        y
        for y in (top + share * height for share in (0.5, 0.65, 0.35, 0.75, 0.25))
        if all(min(abs(kx - x - 50), abs(kx - x + 50)) + abs(ky - y) > 45 for kx, ky in knobs)
    )
    swipe(phone, ((x - 50, y), (x - 50, y + 40)), ((x + 50, y), (x + 50, y + 40)))
    phone.until(lambda: phone.handle("B")[1] > still[1] + 25, "a map that pans under two fingers")
    assert phone.selected() == 0


def test_one_finger_pans_the_map_if_enabled(phone: StagePage) -> None:
    phone.page.evaluate("() => document.querySelector('[data-testid=stage]').scrollIntoView()")
    phone.at_rest()
    phone.page.get_by_role("button", name="Move the map with one finger").tap()
    left, top, width, height = phone.map_box()
    free = (left + 0.5 * width, top + 0.9 * height)
    at, still = scrolled(phone), phone.handle("B")
    swipe(phone, (free, (free[0], free[1] - 60)))
    phone.until(lambda: phone.handle("B")[1] < still[1] - 40, "a map that pans under one finger")
    assert scrolled(phone) == pytest.approx(at, abs=5)
