"""Tests of filters, searches and what sets a selection apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact, permutation_test, sem, t

from explorer.latent.item_names import ItemNames
from explorer.latent.statistics.selection import example, matching, p_value, search, telling
from models.data import Attribute

COUNT = 200
RNG = np.random.default_rng(0)
HAIR = RNG.integers(0, 3, COUNT).astype(np.int16)
SMILE = (np.arange(COUNT) < 60).astype(np.uint8)
ATTRIBUTES = {
    "smile": Attribute("smile", "binary", SMILE),
    "hair": Attribute("hair", "categorical", HAIR, ("blond", "brown", "dark blond")),
    "age": Attribute("age", "continuous", np.linspace(0, 1, COUNT, dtype=np.float32)),
    "hat": Attribute("hat", "binary", (np.arange(COUNT) % 2).astype(np.uint8), ("no hat", "hat")),
}
NAMES = ItemNames(["test"] * 150 + ["train"] * 50, np.arange(COUNT, dtype=np.int64) % 150 + 1000)
ENDS = {"age": ("young", "old")}


def test_conditions_are_joined_by_and() -> None:
    chosen = matching(ATTRIBUTES, {"smile": True, "hair": ["blond", "brown"], "age": (0.1, 0.2)}, COUNT)
    age = np.linspace(0, 1, COUNT, dtype=np.float32)
    assert (chosen == ((SMILE == 1) & (HAIR < 2) & (age >= 0.1) & (age <= 0.2))).all()
    assert matching(ATTRIBUTES, {}, COUNT).all()
    ends = (float(age[20]), float(age[40]))
    assert np.flatnonzero(matching(ATTRIBUTES, {"age": ends}, COUNT)).tolist() == list(range(20, 41))
    assert (matching(ATTRIBUTES, {"smile": False}, COUNT) == (SMILE == 0)).all()
    assert not matching(ATTRIBUTES, {"hair": []}, COUNT).any()


def test_unknown_conditions_are_reported() -> None:
    with pytest.raises(ValueError, match=r"Unknown attribute 'cap'. Choose one of: smile, hair, age, hat"):
        matching(ATTRIBUTES, {"cap": True}, COUNT)
    with pytest.raises(ValueError, match="Unknown hair 'red'"):
        matching(ATTRIBUTES, {"hair": ["red"]}, COUNT)


def test_searches() -> None:
    def found(text: str) -> list[int]:
        return search(text, ATTRIBUTES, NAMES, {2**30: "My portrait"}, ENDS)

    assert found("test 1012, #1003, 1140-1142,Test-1012") == [3, 12, 140, 141, 142, 153]
    assert found("id:1000") == found("1000") == [0, 150], "a number is that of the data set, in every split"
    assert found("train 1000 - 1002") == [150, 151, 152] and found("train") == list(range(150, 200))
    assert all(found(NAMES.name(row)) == [row] for row in range(COUNT)), (
        "each is found by the name that is shown"
    )
    assert found("Smile") == np.flatnonzero(SMILE).tolist()
    assert found("smile hat") == found("hat smile") == list(range(1, 60, 2))
    assert found("smile  no hat") == list(range(0, 60, 2)) and found("no smile") == list(range(60, COUNT))
    assert found("age") == found("old") == list(range(133, COUNT)) and found("young") == list(range(67))
    assert found("dark blond") == found("hair dark blond") == np.flatnonzero(HAIR == 2).tolist()
    assert found("blond") == np.flatnonzero(HAIR != 1).tolist()
    assert found("portrait") == found("PORTRAIT") == found("my") == [2**30]
    bald = {"hair": Attribute("hair", "categorical", HAIR, ("blond", "brown", "dark blond", "bald"))}
    assert search("bald", bald, NAMES, {}) == [], "a label that no image has is a word all the same"
    assert found("") == found(" , ") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "200",
            r"No item has the number '200'\. It has test 1000 to test 1149 and train 1000 to train 1049\.",
        ),
        ("train 1100", "No item has the number 'train 1100'"),
        ("1009-1003", "must start with its smaller number"),
        ("id:7", "No item has the number 'id:7'"),
        ("cap", "Nothing is called 'cap'"),
        ("smile cap", "Nothing is called 'cap'"),
        ("x" * 501, "at most 500 characters. Got 501"),
        ("y" * 500, "Nothing is called '" + "y" * 40 + "'"),
    ],
)
def test_searches_that_find_nothing_say_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search(text, ATTRIBUTES, NAMES, {})


def test_the_example_finds_something() -> None:
    shown = example(ATTRIBUTES, NAMES, COUNT)
    assert shown.startswith("test 1012, ") and "smile hat" in shown
    for part in shown.split(", "):
        assert part == "40-60" or search(part, ATTRIBUTES, NAMES, {}), part


@given(st.text(max_size=60) | st.text(alphabet="test rain0129-#,smilehat", max_size=40))
def test_any_text_is_searched_or_refused(text: str) -> None:
    try:
        assert all(0 <= item < COUNT for item in search(text, ATTRIBUTES, NAMES, {}))
    except ValueError as error:
        assert str(error).endswith(".")


def test_the_largest_difference_comes_first() -> None:
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


def test_the_p_value_of_a_label_is_scipys_mid_p_and_that_of_a_value_a_permutation_tests() -> None:
    chosen = np.arange(COUNT) % 5 == 0
    for count in (3, 12, 30):
        values = np.zeros(COUNT)
        values[np.flatnonzero(chosen)[:count]] = 1
        values[np.flatnonzero(~chosen)[:40]] = 1
        table = [[count, 40 - count], [40, 120]]
        ends = [fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]
        half = (sum(ends) - 1) / 2  # the observed table counts in both
        assert p_value(values, chosen) == pytest.approx(min(1, 2 * (min(ends) - half)))
    values = np.random.default_rng(1).exponential(size=COUNT) + 0.3 * chosen
    drawn = permutation_test(
        (values[chosen], values[~chosen]),
        lambda a, b, axis: a.mean(axis) - b.mean(axis),
        n_resamples=2000,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    assert p_value(values, chosen) == pytest.approx(drawn.pvalue, abs=0.05)


def test_a_random_selection_rarely_differs() -> None:
    """By size of the effect alone, random selections of ten differ in most attributes."""
    rng = np.random.default_rng(3)
    many = {
        f"a{n}": Attribute(f"a{n}", "binary", (rng.random(1000) < 0.3).astype(np.uint8)) for n in range(16)
    }
    found = [len(telling(many, rng.choice(1000, 10, replace=False), 1000)) for _ in range(60)]
    assert np.mean([count > 0 for count in found]) < 0.15


def test_differences_have_intervals() -> None:
    smile, age = telling(ATTRIBUTES, np.flatnonzero(SMILE).tolist(), COUNT)[:2]
    assert smile.interval == pytest.approx((1 / (1 + 1.96**2 / 60), 1), abs=1e-3)
    values = np.linspace(0, 1, COUNT)[:60]
    expected = t.interval(0.95, 59, values.mean(), sem(values))
    assert age.interval == pytest.approx(expected, abs=1e-5)
