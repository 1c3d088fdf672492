"""The address of the Directions page: round trips and invalid input."""

from __future__ import annotations

import pytest

from explorer.pages.directions.url import Limits, Shown, from_query, query

LIMITS = Limits({"smile", "hat", "own-calm"}, lambda item: item < 100)
DEFAULT = Shown("attribute", "smile")


@pytest.mark.parametrize(
    ("shown", "link"),
    [
        (DEFAULT, {"from": "attribute:smile", "method": "mean", "item": "0"}),
        (
            Shown("expression", "smile - 0.5*hat: #1", "lda", ("hat", "own-calm"), 99),
            {"from": "expression:smile - 0.5*hat: #1", "method": "lda", "hold": "hat,own-calm", "item": "99"},
        ),
        (Shown("groups", "@a~rest"), {"from": "groups:@a~rest", "method": "mean", "item": "0"}),
    ],
)
def test_a_link_restores_the_page(shown: Shown, link: dict[str, str]) -> None:
    assert query(shown) == link
    assert from_query(link, DEFAULT, LIMITS) == (shown, [])


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ({"from": "smile"}, "`from` must be one of attribute"),
        ({"from": "magic:smile"}, "`from` must be one of"),
        ({"from": "pc:" + "1" * 1001}, "`from` must be one of"),
        ({"method": "magic"}, "`method` must be one of: mean"),
        ({"hold": "frown"}, "must name directions"),
        ({"hold": ",".join(f"d{n}" for n in range(17))}, "at most 16"),
        ({"item": "100"}, "`item` must be an image of this model"),
        ({"item": "-1"}, "`item` must be an image of this model"),
        ({"item": "٣"}, "`item` must be an image of this model"),
    ],
)
def test_invalid_parameters_are_reported_and_ignored(link: dict[str, str], message: str) -> None:
    shown, problems = from_query(link, DEFAULT, LIMITS)
    assert shown == DEFAULT
    (problem,) = problems
    assert message in problem


def test_an_empty_address_is_the_default_and_duplicates_are_held_once() -> None:
    assert from_query({}, DEFAULT, LIMITS) == (DEFAULT, [])
    assert from_query({"hold": "hat,hat"}, DEFAULT, LIMITS)[0].hold == ("hat",)
    assert from_query({"hold": ""}, DEFAULT, LIMITS)[0].hold == ()
