"""Tests of address parameters: each is validated on its own."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from explorer.addresses import choice_in, number_in, numbers_in, read_parts, short, whole_in


@dataclass(frozen=True)
class Shown:
    """A page's state."""

    count: int = 3
    share: float = 0.5


def test_an_invalid_parameter_is_reported_and_the_others_are_read() -> None:
    readers = {
        "count": lambda text, _: {"count": whole_in(text, "count", 1, 9)},
        "share": lambda text, shown: {"share": number_in(text, "share", 0, shown.count)},
    }
    shown, problems = read_parts({"share": "7", "count": "8", "more": "x"}, Shown(), readers)
    assert (shown, problems) == (Shown(8, 7.0), [])
    shown, problems = read_parts({"share": "7", "count": "10"}, Shown(), readers)
    assert shown == Shown() and problems == [
        "`count` must be a whole number in 1..9. Got 10.",
        "`share` must be a number in 0..3. Got '7'.",
    ]


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1e3", "٣", " 1", "1_0", "1" * 5000])
def test_a_whole_number_has_ascii_digits_only(text: str) -> None:
    with pytest.raises(ValueError, match=r"`n` must be a whole number in 0\.\.99\. Got "):
        whole_in(text, "n", 0, 99)


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-inf", "1e999"])
def test_a_number_is_finite(text: str) -> None:
    with pytest.raises(ValueError, match=r"`n` must be a number\. Got "):
        number_in(text, "n")
    with pytest.raises(ValueError, match=r"`n` must be a number\. Got "):
        numbers_in(f"1,{text}", "n")


def test_choices_and_short_numbers() -> None:
    assert choice_in("a", "kind", ("a", "b")) == "a"
    with pytest.raises(ValueError, match=r"`kind` must be one of: a, b\. Got 'A'"):
        choice_in("A", "kind", ("a", "b"))
    assert [short(value, 2) for value in (1.0, 1.234, -0.001, 100.0)] == ["1", "1.23", "0", "100"]
