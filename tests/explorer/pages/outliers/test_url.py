"""The address of the Outliers page."""

from __future__ import annotations

import pytest

from explorer.pages.outliers.url import Shown, from_query, query

KEYS = ("kl", "error", "regret")
DEFAULT = Shown("kl")


@pytest.mark.parametrize(
    "shown",
    [
        Shown("kl"),
        Shown("regret", share=0.5, page=3, sort="kl", against="error"),
        Shown("error", cut=-310.25, sort="regret"),
        Shown("kl", share=12.3456),
    ],
)
def test_a_link_restores_the_page(shown: Shown) -> None:
    assert from_query(query(shown), DEFAULT, KEYS) == (shown, [])


def test_a_default_link_is_short() -> None:
    assert query(Shown("kl")) == {"score": "kl", "share": "2"}
    assert query(Shown("kl", cut=1.5)) == {"score": "kl", "cut": "1.5"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("score", "beauty", "`score` must be one of: kl, error, regret. Got 'beauty'."),
        ("sort", "x" * 500, "`sort` must be one of"),
        ("against", "", "`against` must be one of"),
        ("share", "0", "`share` must be a number in 0.01..100. Got '0'."),
        ("share", "101", "`share` must be a number in 0.01..100."),
        ("share", "half", "`share` must be a number in 0.01..100. Got 'half'."),
        ("cut", "inf", "`cut` must be a number."),
        ("cut", "nan", "`cut` must be a number."),
        ("page", "0", "`page` must be a whole number in 1..100000."),
        ("page", "1e3", "`page` must be a whole number in 1..100000."),
        ("page", "99999999", "`page` must be a whole number in 1..100000."),
    ],
)
def test_invalid_parameters_are_reported_and_ignored(name: str, value: str, words: str) -> None:
    shown, problems = from_query({name: value, "model": "m"}, DEFAULT, KEYS)
    assert (
        shown == DEFAULT and len(problems) == 1 and problems[0].startswith(words) and len(problems[0]) < 160
    )
