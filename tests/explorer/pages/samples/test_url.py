"""The address of the Samples page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.pages.samples.url import Limits, Shown, from_query, query

LIMITS = Limits(lambda item: item < 100, prior=True, plane=True, values={"digit": 10, "tilt": 3})
DEFAULT = Shown(attribute="digit")


@pytest.mark.parametrize(
    "shown",
    [
        DEFAULT,
        replace(DEFAULT, temperature=0.35, truncation=1.25, count=96, seed=2**31 - 1),
        replace(DEFAULT, source="mixture", components=3, seed=5),
        replace(DEFAULT, source="near", item=12, radius=1.5),
        replace(DEFAULT, source="value", attribute="tilt", value=2),
        replace(DEFAULT, show="traversals", item=99, rows=40, reach=4.5),
        replace(DEFAULT, show="traversals", item=None),
        replace(DEFAULT, show="manifold", side=21),
    ],
)
def test_a_link_restores_the_page(shown: Shown) -> None:
    assert from_query(query(shown), DEFAULT, LIMITS) == (shown, [])


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"show": "all"}, "`show` must be one of: samples, traversals, manifold"),
        ({"source": "dream"}, "`source` must be one of: prior, mixture, near, value"),
        ({"attribute": "hat"}, "`attribute` must be one of: digit, tilt"),
        ({"value": "10"}, "`value` must be a whole number in 0..9"),
        ({"components": "0"}, "`components` must be a whole number in 1..50"),
        ({"item": "100"}, "`item` must be an image of this model"),
        ({"item": "-1"}, "`item` must be an image of this model"),
        ({"count": "7"}, "`count` must be one of: 12"),
        ({"seed": "99999999999"}, "`seed` must be a whole number"),
        ({"temperature": "nan"}, "`temperature` must be a number in 0..2"),
        ({"truncation": "0.1"}, "`truncation` must be 0 for none, or at least 0.25"),
        ({"radius": "9"}, "`radius` must be a number in 0..3"),
        ({"reach": "x"}, "`reach` must be a number in 0.5..6"),
    ],
)
def test_invalid_parameters_are_reported_and_defaults_used(params: dict[str, str], said: str) -> None:
    shown, problems = from_query(params, DEFAULT, LIMITS)
    assert len(problems) == 1 and said in problems[0] and shown == DEFAULT


def test_sources_that_a_model_lacks_are_refused() -> None:
    bare = Limits(lambda item: True, prior=False, plane=False)
    assert bare.sources == ("mixture", "near") and bare.shows == ("samples", "traversals")
    _, problems = from_query({"source": "prior", "show": "manifold", "attribute": "digit"}, DEFAULT, bare)
    assert len(problems) == 3 and "left out: there is nothing to choose" in problems[2]
