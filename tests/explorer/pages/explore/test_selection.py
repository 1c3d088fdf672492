"""Tests of selections on Explore: by filter, search and on the map; groups are saved, deleted and restored."""

from __future__ import annotations

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from explorer.workspace.selection_bits import as_bits
from tests.explorer.pages.conftest import Open


@pytest.fixture
def loaded(pages_engine: Engine) -> Loaded:
    return pages_engine.open_sync("digits-vae")


def chosen(at: AppTest) -> tuple[int, ...]:
    found: tuple[int, ...] = at.session_state["selection"][1]
    return found


def opened(open_page: Open, way: str) -> AppTest:
    """The page with its Select popover open, with one method."""
    at = open_page(model="digits-vae")
    at.session_state["select-open"] = True
    at.session_state["select-way"] = way
    return at.run()


def test_a_filter_selects_images_that_meet_all_conditions(open_page: Open, loaded: Loaded) -> None:
    at = opened(open_page, "Filter")
    assert at.button(key="filter-replace").disabled
    at.multiselect(key="filter-names").set_value(["digit"]).run()
    at.multiselect(key="filter-digit").set_value(["3", "8"]).run()
    at.button(key="filter-replace").click().run()
    digits = loaded.atlas.attributes["digit"].values
    assert chosen(at) == tuple(np.flatnonzero(np.isin(digits, [3, 8])))
    assert f"{len(chosen(at)):,} images selected" in " ".join(m.value for m in at.markdown)


def test_a_search_adds_and_narrows(open_page: Open) -> None:
    at = opened(open_page, "Search")
    at.text_input(key="search-text").set_value("test 1-5, test 9").run()
    at.button(key="search-replace").click().run()
    assert chosen(at) == (1, 2, 3, 4, 5, 9)
    at.text_input(key="search-text").set_value("test 4-6").run()
    at.button(key="search-add").click().run()
    assert chosen(at) == (1, 2, 3, 4, 5, 6, 9)
    at.button(key="search-within").click().run()
    assert chosen(at) == (4, 5, 6)


def test_an_empty_search_says_why(open_page: Open) -> None:
    at = opened(open_page, "Search")
    at.text_input(key="search-text").set_value("unicorn").run()
    assert "Nothing is called" in at.warning[0].value
    assert at.button(key="search-replace").disabled and not at.exception


def test_groups_are_saved_deleted_and_restored(open_page: Open, loaded: Loaded) -> None:
    at = opened(open_page, "Search")
    at.text_input(key="search-text").set_value("test 1-5").run()
    at.button(key="search-replace").click().run()
    assert at.button(key="group-keep").disabled
    at.text_input(key="group-title").set_value("First five").run()
    at.text_input(key="group-note").set_value("by number").run()
    at.button(key="group-keep").click().run()
    group = loaded.groups["first-five"]
    assert (group.title, group.items, group.note) == ("First five", (1, 2, 3, 4, 5), "by number")
    at.session_state["select-way"] = "Groups"
    at.run()
    at.button(key="group-drop-first-five").click().run()
    assert not loaded.groups
    at.button(key="group-back").click().run()
    assert loaded.groups == {"first-five": group}
    at.button(key="selection-clear").click().run()
    assert chosen(at) == ()
    at.button(key="group-first-five").click().run()
    assert chosen(at) == (1, 2, 3, 4, 5)
    loaded.drop_group("first-five")


def test_a_selection_shows_how_it_differs(loaded: Loaded) -> None:
    from explorer.pages.explore import selection

    items = tuple(np.flatnonzero(loaded.atlas.attributes["digit"].values == 3).tolist())
    said = selection._difference(loaded, items)
    assert re.search(r"Digit\\: 3 100 % \(\d+ % to 100 %; others 0 %\)", said) and re.search(
        r"Even 0 % \(0 % to ", said
    )
    ink = loaded.atlas.attributes["ink"].values
    dark = ink >= np.quantile(ink, 0.8)
    said = selection._difference(loaded, tuple(np.flatnonzero(dark).tolist()))
    assert f"Ink {ink[dark].mean():.2f} (" in said and f"; others {ink[~dark].mean():.2f})" in said
    assert selection._difference(loaded, (1, 2, 3)) == (
        "What sets a selection apart: not estimated from 3 images. It takes at least 10."
    )


def test_selections_from_the_map_are_validated(open_page: Open, loaded: Loaded, pages_engine: Engine) -> None:
    from explorer.pages.explore import selection

    at = open_page(model="digits-vae")
    sent = [
        {"bits": as_bits([1, 2], loaded.count), "model": "flat-vae"},
        {"bits": as_bits([1], loaded.count + 8), "model": "digits-vae"},
        {"bits": [1, 2], "model": "digits-vae"},
        {"bits": "12", "model": "digits-vae"},
        {"model": "digits-vae"},
        ["x"],
    ]
    before = dict(selection.S)
    try:
        for each in sent:
            assert not selection.receive(each, loaded)
            assert selection.chosen(loaded) == ()
        sound = {"bits": as_bits([7, 2], loaded.count), "model": "digits-vae"}
        assert selection.receive(sound, loaded)
        assert selection.chosen(loaded) == (2, 7)
        assert not selection.receive(dict(sound), loaded)
        flat = pages_engine.open_sync("flat-vae")
        assert selection.chosen(flat) == (), "it is of another model"
        revision = selection.stage_data(loaded)["revision"]
        selection.put(loaded, {9, 4})
        assert selection.stage_data(loaded) == {
            "bits": as_bits([4, 9], loaded.count),
            "revision": revision + 1,
        }
    finally:
        for key in set(selection.S) - set(before):
            del selection.S[key]
    assert not at.exception
