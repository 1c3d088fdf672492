"""Addresses and edits of the Anatomy page: round trips and invalid input."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.pages.anatomy.url import Limits, Shown, from_json, from_query, query

LIMITS = Limits(count=400, latent=8, draws=True)
POINT = Limits(count=400, latent=8, draws=False)
DEFAULT = Shown(0, (0, 1))


@pytest.mark.parametrize(
    "shown",
    [
        DEFAULT,
        Shown(399, (7, 0)),
        Shown(12, (3, 1), 4, {3: 0.5, 1: -1.0}),
        Shown(1, (0, 1), 2**31, {0: 1e6, 7: -0.0001}),
    ],
)
def test_a_link_restores_the_page(shown: Shown) -> None:
    assert from_query(query(shown), DEFAULT, LIMITS) == (shown, [])


def test_a_link_is_short_and_in_order() -> None:
    assert query(Shown(12, (3, 11), 4, {11: -1.0, 3: 0.5000, 5: -0.00001})) == {
        "item": "12",
        "dims": "3-11",
        "draw": "4",
        "turn": "3:0.5,5:0,11:-1",
    }


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"item": "400"}, "`item` must be an image of this model. Got '400'"),
        ({"item": "-1"}, "`item` must be an image of this model"),
        ({"item": "9" * 40}, "`item` must be an image of this model"),
        ({"dims": "0"}, "`dims` must be two dimensions"),
        ({"dims": "3-3"}, "`dims` must be two different"),
        ({"dims": "0-8"}, "`dims` must be a whole number in 0..7"),
        ({"draw": "x"}, "`draw` must be a whole number"),
        ({"turn": "3"}, "`turn` must be dimensions such as"),
        ({"turn": "3:x"}, "`turn.3` must be a number"),
        ({"turn": "8:1"}, "`turn` must name dimensions of 0..7"),
        ({"turn": "1:nan"}, "`turn.1` must be a number"),
        ({"turn": "1:inf"}, "`turn.1` must be a number"),
        ({"turn": "1:1e7"}, "`turn.1` must be a number in"),
        ({"turn": ",".join(f"{n}:1" for n in range(70))}, "at most 64"),
    ],
)
def test_invalid_parameters_are_reported_and_the_others_used(params: dict[str, str], text: str) -> None:
    shown, problems = from_query({"item": "5"} | params, DEFAULT, LIMITS)
    assert len(problems) == 1 and text in problems[0] and len(problems[0]) < 200
    assert shown == (DEFAULT if "item" in params else Shown(5, (0, 1)))


def test_a_deterministic_encoder_has_no_draws() -> None:
    shown, problems = from_query({"draw": "1"}, DEFAULT, POINT)
    assert shown == DEFAULT and "no posterior to draw from" in problems[0]
    with pytest.raises(ValueError, match="no posterior"):
        from_json({"item": 1, "draw": 1, "turn": {}}, DEFAULT, POINT)


def test_an_edit_from_the_browser_keeps_the_dimensions() -> None:
    now = Shown(0, (3, 1))
    edit = {"item": 7, "draw": 2, "turn": {"3": 0.123456, "1": -2}}
    shown = from_json(edit, now, LIMITS)
    assert shown == Shown(7, (3, 1), 2, {3: 0.1235, 1: -2.0})
    assert from_json(shown.as_json(), now, LIMITS) == shown
    assert shown.view == "dims-3-1"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (None, "must be an object"),
        ([], "must be an object"),
        ({"item": True}, "`item` must be a whole number in"),
        ({"item": 400}, "`item` must be a whole number in"),
        ({"item": 1.0}, "`item` must be a whole number in"),
        ({"draw": -1}, "`draw` must be a whole number in"),
        ({"draw": 2**31 + 1}, "`draw` must be a whole number in"),
        ({"turn": []}, "`turn` must be an object"),
        ({"turn": {3: 1}}, "Each name in `turn` must be the number of a dimension"),
        ({"turn": {"x": 1}}, "Each name in `turn` must be the number of a dimension"),
        ({"turn": {"0": "1"}}, "`turn.0` must be a number"),
        ({"turn": {"0": True}}, "`turn.0` must be a number"),
        ({"turn": {"0": float("nan")}}, "`turn.0` must be a number"),
        ({"turn": {str(n): 0 for n in range(65)}}, "at most 64"),
    ],
)
def test_an_invalid_edit_is_refused(values: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        from_json(values, DEFAULT, LIMITS)
