"""The address of the Codes page: round trips and invalid input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.latent.geometry.grids import as_text
from explorer.pages.codes.url import Limits, Shown, from_json, from_query, query

LIMITS = Limits(100, ("top", "bottom"), ((1, 2), (2, 2)), 16)
TEXT = as_text([np.array([[0, 1]]), np.array([[2, 3], [4, 15]])])
OTHER = as_text([np.array([[0, 1]]), np.array([[2, 3], [4, 16]])])  # a code that is none
DEFAULT = Shown(0, 1)


@pytest.mark.parametrize(
    ("shown", "link"),
    [
        (Shown(3, 40), {"a": "3", "b": "40", "level": "top"}),
        (
            Shown(3, TEXT, 1, TEXT, 0.25),
            {"a": "3", "b": f"~{TEXT}", "level": "bottom", "codes": TEXT, "t": "0.25"},
        ),
        (Shown(TEXT, 0, t=0.0), {"a": f"~{TEXT}", "b": "0", "level": "top", "t": "0"}),
        (Shown(1, 2, t=1.0), {"a": "1", "b": "2", "level": "top", "t": "1"}),
    ],
)
def test_a_link_restores_the_page(shown: Shown, link: dict[str, str]) -> None:
    assert query(shown, LIMITS) == link
    assert from_query(link, DEFAULT, LIMITS) == (shown, [])


def test_one_level_has_no_name_in_the_address() -> None:
    assert query(DEFAULT, Limits(100, ("codes",), ((2, 2),), 16)) == {"a": "0", "b": "1"}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"a": "100"}, "`a` must be an image of this model. Got '100'."),
        ({"b": "-1"}, "`b` must be an image of this model"),
        ({"a": "٣"}, "`a` must be an image of this model"),
        ({"a": "~AAAA"}, "`a` must be 16 characters for 6 places"),
        ({"b": f"~{OTHER}"}, "`b` must hold codes of 0..15. Got 16."),
        ({"codes": "x" * 3999}, "`codes` must be 16 characters"),
        ({"level": "middle"}, "`level` must be one of: top, bottom. Got 'middle'."),
        ({"t": "nan"}, "`t` must be a number in 0..1. Got 'nan'."),
        ({"t": "2"}, "`t` must be a number in 0..1. Got '2'."),
    ],
)
def test_invalid_parameters_are_reported_and_ignored(params: dict[str, str], said: str) -> None:
    shown, (problem,) = from_query(params, DEFAULT, LIMITS)
    assert shown == DEFAULT and problem.startswith(said) and len(problem) < 200


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (None, "An edit must be an object"),
        ({"codes": 7}, "`codes` must be codes of at most"),
        ({"codes": OTHER}, "`codes` must hold codes of 0..15"),
        ({"level": 2}, "`level` must be a whole number in 0..1"),
        ({"level": True}, "`level` must be a whole number"),
        ({"t": float("nan")}, "`t` must be a number in 0..1"),
        ({"t": "1"}, "`t` must be a number in 0..1"),
        ({"t": -0.5}, "`t` must be a number in 0..1"),
    ],
)
def test_invalid_edits_are_refused(values: Any, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        from_json(values, DEFAULT, LIMITS)
    assert str(caught.value).startswith(said)


def test_an_edit_keeps_the_images() -> None:
    told = {"codes": TEXT, "level": 1, "t": 0.12345, "model": "x", "revision": 3, "a": 5}
    assert from_json(told, Shown(7, 8), LIMITS) == Shown(7, 8, 1, TEXT, 0.123)
    assert from_json({"codes": None}, Shown(7, 8, 1, TEXT, 0.2), LIMITS) == Shown(7, 8, 1, None, 0.2)
