"""The comparison's state: from untrusted addresses and JSON, and back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import points_in_poly

from explorer.pages.compare.state import Drive, Selection, State, from_json, from_query, inside, query

FULL = State(12, (Drive(0, 1.5, -2.0), Drive(1, 0.25, 1 / 3)), Selection(1, (0.0, 0.0, 2.0, 0.0, 1.0, 2.0)))


def test_an_address_restores_the_state() -> None:
    assert query(FULL) == {
        "item": "12",
        "drives": "0,1.5,-2_1,0.25,0.333333",
        "select": "1,0,0,2,0,1,2",
    }
    state, problems = from_query(query(FULL), 2, 100)
    assert problems == []
    assert query(state) == query(FULL)
    assert query(State()) == {"item": "0"}


def test_the_browsers_json_restores_the_state() -> None:
    assert from_json(FULL.as_json(), 2, 100) == FULL
    assert from_json(State().as_json(), 2, 100) == State()


@pytest.mark.parametrize(
    ("part", "text", "problem"),
    [
        ("item", "100", "`item` must be an image of this model. Got '100'"),
        ("item", "x", "`item` must be an image of this model"),
        ("item", "-1", "`item` must be an image of this model"),
        ("drives", "0,1", "`drives` must be drives such as 0,1.5,-2"),
        ("drives", "a,b,c", "`drives` must be a number"),
        ("drives", "2,0,0", "`drives[0].by` must be a whole number in 0..1. Got 2"),
        ("drives", "0.5,0,0", "`drives[0].by` must be a whole number. Got 0.5"),
        ("drives", "inf,0,0", "`drives` must be a number. Got 'inf'"),
        ("drives", "0,nan,0", "`drives` must be a number. Got 'nan'"),
        ("drives", "0,1e7,0", "`drives[0].x` must be a number in -1e+06..1e+06"),
        ("drives", "_".join(["0,0,0"] * 9), "`drives` must be a list of at most 8"),
        ("select", "0,0,0,1,1", "`selection.corners` must be x and y of 3 to 32 corners"),
        ("select", "0," + ",".join("1" * 66), "`selection.corners` must be x and y of 3 to 32 corners"),
        ("select", "7,0,0,1,0,0,1", "`selection.by` must be a whole number in 0..1. Got 7"),
    ],
)
def test_invalid_parameters_are_reported_and_left_out(part: str, text: str, problem: str) -> None:
    state, problems = from_query({"item": "5", part: text}, 2, 100)
    assert len(problems) == 1 and problem in problems[0]
    assert len(problems[0]) < 200
    assert state == State(0 if part == "item" else 5)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([], "must be an object"),
        ({"item": True}, "`item` must be a whole number"),
        ({"drives": {}}, "`drives` must be a list"),
        ({"drives": [1]}, "`drives[0]` must be an object with by, x and y"),
        ({"drives": [{"by": 0, "x": "1", "y": 0}]}, "`drives[0].x` must be a number"),
        ({"selection": 5}, "`selection` must be an object"),
        ({"selection": {"by": 0, "corners": "abc"}}, "3 to 32 corners"),
    ],
)
def test_invalid_states_are_refused(values: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        from_json(values, 2, 100)


@settings(max_examples=200, deadline=None)
@given(
    params=st.dictionaries(
        st.sampled_from(["item", "drives", "select"]), st.text("0123456789.,_-einf", max_size=60)
    )
)
def test_a_state_survives_a_round_trip_through_its_address(params: dict[str, str]) -> None:
    state, _ = from_query(params, 2, 100)
    again, problems = from_query(query(state), 2, 100)
    assert problems == [] and query(again) == query(state)


def test_inside_is_scikit_images() -> None:
    rng = np.random.default_rng(1)
    corners = rng.normal(size=(9, 2))
    xy = rng.normal(size=(500, 2)).astype(np.float32)
    expected = np.flatnonzero(points_in_poly(xy, corners))
    np.testing.assert_array_equal(inside(xy, tuple(corners.ravel())), expected)
