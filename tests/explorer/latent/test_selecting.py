"""Tests of filters, searches and what sets a selection apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.latent.selecting import matching, search, telling
from models.data import Attribute

COUNT = 200
RNG = np.random.default_rng(0)
HAIR = RNG.integers(0, 3, COUNT).astype(np.int16)
SMILE = (np.arange(COUNT) < 60).astype(np.uint8)
ATTRIBUTES = {
    "smile": Attribute("smile", "binary", SMILE),
    "hair": Attribute("hair", "categorical", HAIR, ("blond", "brown", "dark blond")),
    "age": Attribute("age", "continuous", np.linspace(0, 1, COUNT, dtype=np.float32)),
}
IDS = np.arange(COUNT, dtype=np.int64) % 150 + 1000


def test_conditions_are_joined_by_and() -> None:
    chosen = matching(ATTRIBUTES, {"smile": True, "hair": ["blond", "brown"], "age": (0.1, 0.2)}, COUNT)
    age = np.linspace(0, 1, COUNT, dtype=np.float32)
    assert (chosen == ((SMILE == 1) & (HAIR < 2) & (age >= 0.1) & (age <= 0.2))).all()
    assert matching(ATTRIBUTES, {}, COUNT).all()
    ends = (float(age[20]), float(age[40]))
    assert np.flatnonzero(matching(ATTRIBUTES, {"age": ends}, COUNT)).tolist() == list(range(20, 41))
    assert (matching(ATTRIBUTES, {"smile": False}, COUNT) == (SMILE == 0)).all()
    assert not matching(ATTRIBUTES, {"hair": []}, COUNT).any()


def test_unknown_conditions_are_told() -> None:
    with pytest.raises(ValueError, match=r"Unknown attribute 'hat'. Choose one of: smile, hair, age"):
        matching(ATTRIBUTES, {"hat": True}, COUNT)
    with pytest.raises(ValueError, match="Unknown hair 'red'"):
        matching(ATTRIBUTES, {"hair": ["red"]}, COUNT)


def test_searches() -> None:
    def found(text: str) -> list[int]:
        return search(text, ATTRIBUTES, IDS, {2**30: "My portrait"})

    assert found("12, #3, 40-42,12") == [3, 12, 40, 41, 42]
    assert found("id:1000") == [0, 150]
    assert found("Smile") == np.flatnonzero(SMILE).tolist()
    assert found("blond") == np.flatnonzero(HAIR != 1).tolist()
    assert found("portrait") == found("PORTRAIT") == found("my") == [2**30]
    bald = {"hair": Attribute("hair", "categorical", HAIR, ("blond", "brown", "dark blond", "bald"))}
    assert search("bald", bald, IDS, {}) == [], "a label that no image has is a word all the same"
    assert found("") == found(" , ") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("200", r"Items are 0 to 199, the smaller number first\. Got '200'"),
        ("9-3", "the smaller number first"),
        ("id:7", "No image has the id 7"),
        ("hat", "Nothing is called 'hat'"),
        ("x" * 501, "at most 500 characters. Got 501"),
        ("y" * 500, "Nothing is called '" + "y" * 40 + "'"),
    ],
)
def test_searches_that_find_nothing_say_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search(text, ATTRIBUTES, IDS, {})


@given(st.text(max_size=60))
def test_any_text_is_found_or_told(text: str) -> None:
    try:
        assert all(0 <= item < COUNT for item in search(text, ATTRIBUTES, IDS, {}))
    except ValueError as error:
        assert str(error).endswith(".")


def test_what_sets_a_selection_apart_comes_first() -> None:
    found = telling(ATTRIBUTES, np.flatnonzero(SMILE).tolist(), COUNT)
    assert found[0].title == "Smile" and (found[0].inside, found[0].outside) == (1, 0)
    assert found[0].effect == pytest.approx(1 / SMILE.std())
    assert [each.title for each in found[:2]] == ["Smile", "Age"]
    assert all(abs(each.effect) >= 0.2 for each in found)
    less = telling(ATTRIBUTES, np.flatnonzero(SMILE == 0).tolist(), COUNT)
    assert [each.title for each in less[:2]] == ["Smile", "Age"], "what a selection has less of tells as much"
    assert less[0].effect < 0 < less[1].effect
    assert telling(ATTRIBUTES, np.flatnonzero(SMILE).tolist(), COUNT, most=1) == found[:1]
    assert telling(ATTRIBUTES, range(COUNT), COUNT) == telling(ATTRIBUTES, [], COUNT) == []
