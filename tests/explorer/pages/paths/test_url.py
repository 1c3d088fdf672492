"""The address of the Paths page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.pages.paths.url import KINDS, Shown, from_query, query

DEFAULT = Shown((1, 2))


def has(item: int) -> bool:
    return item < 100 or item == 2**30


@pytest.mark.parametrize(
    "shown",
    [
        DEFAULT,
        Shown((5, 2**30, 99), KINDS, 65, 100, view="pca"),
        Shown((1, 2, 3, 4), shape="grid", by="great-circle", side=13),
        replace(DEFAULT, kinds=()),
    ],
)
def test_a_link_restores_the_page(shown: Shown) -> None:
    params = query(shown)
    if not shown.kinds:
        assert params["kinds"] == ""
        return
    assert from_query(params, DEFAULT, has) == (shown, [])


def test_a_link_from_explore_gives_the_ends_and_its_strip_is_ignored() -> None:
    params = {"a": "12,1.25,-3.5", "b": "40", "path": "great-circle", "frames": "7", "a_with": "smile:1"}
    shown, problems = from_query(params, DEFAULT, has)
    assert problems == [] and shown == replace(DEFAULT, stops=(12, 40), by="great-circle")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"stops": "5"}, "`stops` must be 2 to 8 images"),
        ({"stops": ",".join("123456789")}, "`stops` must be 2 to 8 images"),
        ({"stops": "1,-2"}, "`stops` must be 2 to 8 images"),
        ({"stops": "1,500"}, "It has no 500"),
        ({"a": "x", "b": "2"}, "`a` and `b` must be 2 to 8 images"),
        ({"kinds": "straight,sideways"}, "`kinds` must be some of: straight"),
        ({"stops": "1,2", "frames": "34"}, "`frames` must be one of: 9, 17, 33, 65. Got '34'"),
        ({"keep": "5"}, "`keep` must be one of"),
        ({"shape": "round"}, "`shape` must be one of: path, grid"),
        ({"by": "smooth"}, "`by` must be one of"),
        ({"side": "99"}, "`side` must be one of"),
    ],
)
def test_invalid_parameters_are_reported_and_defaults_used(params: dict[str, str], said: str) -> None:
    shown, problems = from_query(params, DEFAULT, has)
    assert len(problems) == 1 and said in problems[0]
    assert shown == DEFAULT
