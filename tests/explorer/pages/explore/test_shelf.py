"""Tests of the shelf on Explore: pins are shown, used, removed and restored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from explorer.pages.explore import shelf
from explorer.pages.explore.state import Shown, page
from explorer.pages.shared import controls
from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve
from explorer.workspace import stage_edit
from explorer.workspace.storage import Pin
from tests.explorer.pages.conftest import Open


@pytest.fixture
def loaded(pages_engine: Engine) -> Iterator[Loaded]:
    loaded = pages_engine.open_sync("digits-vae")
    yield loaded
    for pin in loaded.pins:
        loaded.drop_pin(pin)


def shown(at: AppTest) -> stage_edit.Edit:
    edit: stage_edit.Edit = at.session_state["lx_page_explore"].shown.edit
    return edit


def test_without_pins_there_is_no_shelf(open_page: Open, loaded: Loaded) -> None:
    assert "Shelf" not in " ".join(m.value for m in open_page(model="digits-vae").markdown)


def test_a_pinned_item_moves_handle_a(open_page: Open, loaded: Loaded) -> None:
    loaded.keep_pin(Pin("item", "#42", "42"))
    at = open_page(model="digits-vae", view="pca")
    at.button(key="pin-0").click().run()
    assert shown(at).A.item == 42
    assert (shown(at).A.x, shown(at).A.y) == tuple(map(float, resolve(loaded, "pca").xy[42]))


def test_a_pinned_direction_adds_one_unit_up_to_the_sliders_end(open_page: Open, loaded: Loaded) -> None:
    name = next(iter(loaded.directions))
    loaded.keep_pin(Pin("direction", "Some", name))
    at = open_page(model="digits-vae", a_with=f"{name}:4.5")
    at.button(key="pin-0").click().run()
    assert shown(at).A.sliders == {name: 5.0} and shown(at).B.sliders == {name: 1.0}


def test_a_pinned_view_is_restored(open_page: Open, loaded: Loaded) -> None:
    at = open_page(model="digits-vae", view="pca", a="7,0.5,0.25", frames="5")
    before = shown(at)
    pin = Pin("view", "View 1", {"view": "pca", "colour": "none"} | stage_edit.query(before, before))
    loaded.keep_pin(pin)
    at = open_page(model="digits-vae")
    at.button(key="pin-0").click().run()
    assert (
        at.session_state["lx_page_explore"].shown.view == "pca"
        and shown(at).A == before.A
        and at.session_state["lx_page_explore"].shown.colour is None
    )


def test_a_pin_is_removed_and_restored(open_page: Open, loaded: Loaded) -> None:
    loaded.keep_pin(Pin("item", "#42", "42"))
    at = open_page(model="digits-vae")
    at.toggle(key="shelf-taking").set_value(True).run()
    at.button(key="pin-drop-0").click().run()
    assert not loaded.pins
    at.button(key="pin-back").click().run()
    assert loaded.pins == (Pin("item", "#42", "42"),)


def test_the_last_removed_pin_is_restored_first_and_once(open_page: Open, loaded: Loaded) -> None:
    pins = [Pin("item", f"#{item}", str(item)) for item in (42, 43)]
    for pin in pins:
        loaded.keep_pin(pin)
    at = open_page(model="digits-vae")
    at.toggle(key="shelf-taking").set_value(True).run()
    for _ in pins:
        at.button(key="pin-drop-0").click().run()
    at.session_state["pin_dropped"].append(("flat-vae", Pin("item", "#1", "1")))  # of another checkpoint
    at.button(key="pin-back").click().run()
    assert loaded.pins == (pins[1],)
    at.button(key="pin-back").click().run()
    assert set(loaded.pins) == set(pins)
    assert at.session_state["pin_dropped"] == [("flat-vae", Pin("item", "#1", "1"))]
    assert "pin-back" not in [button.key for button in at.button]


def test_a_pinned_direction_moves_the_handle_that_the_sliders_move(open_page: Open, loaded: Loaded) -> None:
    name = next(iter(loaded.directions))
    loaded.keep_pin(Pin("direction", "Some", name))
    at = open_page(model="digits-vae", target="B")
    assert shown(at).target == "B"
    revision = at.session_state["lx_page_explore"].revision
    at.button(key="pin-0").click().run()
    assert shown(at).A.sliders == {} and shown(at).B.sliders == {name: 1.0}
    assert at.session_state["lx_page_explore"].revision > revision, "the stage adopts it"


def test_a_pin_of_a_deleted_item_says_so(open_page: Open, loaded: Loaded) -> None:
    loaded.keep_pin(Pin("direction", "Mine", "own-mine"))
    loaded.keep_pin(Pin("item", "Me", str(stage_edit.FIRST_OWN + 5)))
    at = open_page(model="digits-vae")
    before = shown(at)
    for number in (0, 1):
        at.button(key=f"pin-{number}").click().run()
        assert "no longer exists" in at.warning[0].value
    assert shown(at) == before and not at.exception


def test_the_pins_of_the_stage(open_page: Open, loaded: Loaded) -> None:
    view = resolve(loaded, "pca")
    name = next(iter(loaded.directions))
    edit = controls.default_edit(view)
    page.now.shown = Shown("pca", "digit", edit)
    try:
        item = shelf._pin(loaded, view, edit, "Item of B")
        seen = shelf._pin(loaded, view, edit, "This view")
        still = list(loaded.directions)[1]
        moved = stage_edit.Edit(stage_edit.Handle(1, 0, 0, {still: 0.0, name: 1.0}), edit.B)
        assert shelf._moved(moved) == [name]
        direction = shelf._pin(loaded, view, moved, f"Direction: {loaded.directions[name].title}")
    finally:
        page.now.shown = None
    assert item == Pin("item", loaded.name_of(edit.B.item), str(edit.B.item))
    assert seen.value == {"view": "pca", "colour": "digit"} | stage_edit.query(edit, edit, loaded.token_of)
    assert direction == Pin("direction", loaded.directions[name].title, name)
