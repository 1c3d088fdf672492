"""The address of the Time page: round trips and invalid input."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.pages.sequences.url import Limits, Shown, default, from_json, from_query, query

LIMITS = Limits(count=300, length=10, longest=4)
SHOWN = Shown(sequence=12, seen=4, jump=3, samples=5, seed=2, by=2, steps=6)


def test_a_link_restores_the_page() -> None:
    assert query(SHOWN) == {
        "sequence": "12",
        "seen": "4",
        "jump": "3",
        "samples": "5",
        "seed": "2",
        "by": "2",
        "steps": "6",
    }
    assert from_query(query(SHOWN), LIMITS) == (SHOWN, [])
    assert from_query({}, LIMITS) == (default(LIMITS), [])


def test_the_default_is_half_seen_and_extends_beyond_the_end() -> None:
    assert default(LIMITS) == Shown(0, 6, 3, 6, 0, 1, 9)
    assert default(Limits(5, 20, 5)).seen == 11
    assert default(Limits(5, 100, 1)) == Shown(0, 11, 1, 6, 0, 1, 40)
    assert default(Limits(5, 2, 1)).seen == 2


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("sequence", "300", r"`sequence` must be a whole number in 0\.\.299. Got 300"),
        ("seen", "0", r"`seen` must be a whole number in 1\.\.10. Got 0"),
        ("jump", "5", r"in 1\.\.4"),
        ("samples", "9", r"in 1\.\.8"),
        ("seed", "-1", "`seed` must be a whole number"),
        ("by", "1.5", "`by` must be a whole number"),
        ("steps", "x" * 400, "`steps` must be a whole number"),
    ],
)
def test_invalid_parameters_are_reported_and_ignored(name: str, value: str, rule: str) -> None:
    shown, problems = from_query(query(SHOWN) | {name: value}, LIMITS)
    assert shown == replace(SHOWN, **{name: getattr(default(LIMITS), name)})
    (problem,) = problems
    assert len(problem) < 150
    with pytest.raises(ValueError, match=rule):
        raise ValueError(problem)


@pytest.mark.parametrize("value", [None, [], "seen", {"seen": True}, {"seen": 2.0}, {"seed": 2**40}])
def test_invalid_edits_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        from_json(value, SHOWN, LIMITS)


def test_a_partial_edit_is_accepted() -> None:
    assert from_json({"seen": 9, "model": "x"}, SHOWN, LIMITS) == replace(SHOWN, seen=9)
    assert from_json(asdict(SHOWN), default(LIMITS), LIMITS) == SHOWN


@given(st.dictionaries(st.sampled_from([*asdict(SHOWN), "x"]), st.text(max_size=12)))
def test_any_address_gives_a_valid_state(params: dict[str, str]) -> None:
    shown, problems = from_query(params, LIMITS)
    assert from_query(query(shown), LIMITS) == (shown, [])
    assert len(problems) <= len(params)
