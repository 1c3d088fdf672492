"""The image picker: filters, the next image, the same image in another model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from explorer.pages.shared import image_picker
from explorer.pages.shared.image_picker import among, same_image
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded


@pytest.fixture
def loaded() -> Loaded:
    return engine().open_sync("digits-vae")


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A page state in place of Streamlit's session."""
    kept: dict[str, Any] = {}
    monkeypatch.setattr(image_picker, "S", kept)
    return kept


def test_without_a_filter_all_images_remain(loaded: Loaded, state: dict[str, Any]) -> None:
    np.testing.assert_array_equal(among(loaded), np.arange(400))
    state["anatomy_attribute"] = "no such attribute"
    assert len(among(loaded)) == 400


def test_a_filter_by_labels_keeps_images_with_any_of_them(loaded: Loaded, state: dict[str, Any]) -> None:
    digits = loaded.atlas.attributes["digit"].values
    state |= {"anatomy_attribute": "digit", "anatomy_filter_digit": ["3", "8"]}
    np.testing.assert_array_equal(among(loaded), np.flatnonzero((digits == 3) | (digits == 8)))
    state["anatomy_filter_digit"] = []
    assert len(among(loaded)) == 400, "no label is selected: no filter"
    even = loaded.atlas.attributes["even"].values
    state |= {"anatomy_attribute": "even", "anatomy_filter_even": ["even"]}
    np.testing.assert_array_equal(among(loaded), np.flatnonzero(even == 1))


def test_a_range_filter_includes_both_ends(loaded: Loaded, state: dict[str, Any]) -> None:
    ink = np.asarray(loaded.atlas.attributes["ink"].values, np.float64)
    state["anatomy_attribute"] = "ink"
    assert len(among(loaded)) == 400, "the range begins as wide as the values"
    low, high = np.sort(ink)[[100, 200]]
    state["anatomy_filter_ink"] = (float(low), float(high))
    found = among(loaded)
    assert ink[found].min() == low and ink[found].max() == high and len(found) >= 101


def test_next_wraps_around() -> None:
    found = np.array([3, 8, 20])
    assert [image_picker._after(found, item) for item in (0, 3, 8, 19, 20, 99)] == [3, 8, 20, 20, 3, 3]


def test_the_same_image_is_found_in_another_model_of_the_same_data(loaded: Loaded) -> None:
    other = engine().open_sync("flat-vae")
    for item in (0, 7, 399):
        row = same_image(loaded, item, other)
        assert row is not None
        assert (other.atlas.ids[row], other.atlas.split[row]) == (
            loaded.atlas.ids[item],
            loaded.atlas.split[item],
        )


def test_an_image_of_other_data_or_one_that_is_missing_is_not_found(loaded: Loaded) -> None:
    card = loaded.entry.card
    assert card is not None
    elsewhere = replace(loaded, entry=replace(loaded.entry, card=replace(card, data={"name": "mnist"})))
    assert same_image(loaded, 0, elsewhere) is None
    fewer = replace(loaded, atlas=replace(loaded.atlas, ids=loaded.atlas.ids + 10_000))
    assert same_image(loaded, 0, fewer) is None
