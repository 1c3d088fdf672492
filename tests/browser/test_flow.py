"""The stage with a flow: exact likelihoods of pictures and filmstrip, and levels that move separately."""

from __future__ import annotations

import re

from tests.browser.conftest import NewPage
from tests.browser.driving import same


def test_likelihoods_follow_a_drag_and_levels_move_separately(new_page: NewPage) -> None:
    tab = new_page().open(model="flow-digits", view="pca", a="3", b="8")
    stage = tab.stage

    def likelihoods() -> list[str]:
        found = stage.locator(".lx-likely:visible, .lx-frame-bits:visible").all_inner_texts()
        return found if len(found) == 11 and all(found) and not stage.locator(".lx-stale").count() else []

    first = tab.until(likelihoods, "a likelihood of both pictures and each frame")
    assert all(re.search(r"\d+\.\d{3} bits/dim\s+log P\(x\) −?\d", text) for text in first[:2])
    assert first[2] == first[0][:4] or float(first[2]) == round(float(first[0].split()[0]), 2)

    tab.drag("A", 60, -40)
    moved = tab.until(
        lambda: (now := likelihoods()) and now != first and now, "likelihoods of the new pictures"
    )
    assert moved[1] == first[1], "B has not moved"

    together = tab.shown()
    stage.get_by_label("Levels that move").select_option("Level 1, 2×2")
    tab.until(lambda: tab.address.get("level") == "1", "the level in the address")
    tab.until(lambda: not same(tab.shown(), together), "other pictures")
    apart = tab.shown()
    tab.press("Undo (Ctrl+Z)")
    tab.until(lambda: "level" not in tab.address, "no level in the address")
    tab.until(lambda: same(tab.shown(), together), "the pictures as before")
    assert not same(apart, together)


def test_a_vae_shows_neither(new_page: NewPage) -> None:
    tab = new_page().open()
    assert tab.stage.locator(".lx-likely:visible, .lx-frame-bits:visible").count() == 0
    assert not tab.stage.get_by_label("Levels that move").is_visible()
