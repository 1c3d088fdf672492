"""Typed expressions: values, errors, and random texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from explorer.latent.directions.expressions import MAX_DEPTH, MAX_LENGTH, combine, parse

RNG = np.random.default_rng(0)
VECTORS = {name: RNG.normal(size=4) for name in ("smile", "glasses", "hair-blond", "own-calm", "head_turn")}
CODES = RNG.normal(size=(50, 4))


def value(text: str) -> tuple[np.ndarray, bool]:
    found = parse(text, VECTORS, lambda item: item < 50)
    return combine(found, VECTORS, CODES.__getitem__), found.point


@pytest.mark.parametrize(
    ("text", "expected", "point"),
    [
        ("smile", VECTORS["smile"], False),
        ("smile - 0.5*glasses", VECTORS["smile"] - 0.5 * VECTORS["glasses"], False),
        ("smile − .5 × glasses", VECTORS["smile"] - 0.5 * VECTORS["glasses"], False),
        ("-(smile + Hair-Blond)/2", -(VECTORS["smile"] + VECTORS["hair-blond"]) / 2, False),
        ("calm*3 - -own-calm", 4 * VECTORS["own-calm"], False),
        ("head-turn", VECTORS["head_turn"], False),
        ("(1 + 2)*smile", 3 * VECTORS["smile"], False),
        ("#12 + #40 - #7", CODES[12] + CODES[40] - CODES[7], True),
        ("(#1 + # 2)/2 + 0.5*smile", (CODES[1] + CODES[2]) / 2 + 0.5 * VECTORS["smile"], True),
        ("#3-#4", CODES[3] - CODES[4], False),
        ("0.1*#1 + 0.2*#2 + 0.7*#3", 0.1 * CODES[1] + 0.2 * CODES[2] + 0.7 * CODES[3], True),
        ("2*(#3-#4)+glasses", 2 * (CODES[3] - CODES[4]) + VECTORS["glasses"], False),
        (
            "0.7*#1 + 0.2*#2 + 0.1*#3",
            0.7 * CODES[1] + 0.2 * CODES[2] + 0.1 * CODES[3],
            True,
        ),  # 1 but for rounding
        ("hair_blond ÷ 4", VECTORS["hair-blond"] / 4, False),
        ("smile" + " " * (MAX_LENGTH - 5), VECTORS["smile"], False),
        ("(" * (MAX_DEPTH - 1) + "smile" + ")" * (MAX_DEPTH - 1), VECTORS["smile"], False),
        ("-1000*smile", -1000 * VECTORS["smile"], False),
    ],
)
def test_expressions(text: str, expected: np.ndarray, point: bool) -> None:
    vector, is_point = value(text)
    np.testing.assert_allclose(vector, expected, rtol=1e-5, atol=1e-6)
    assert is_point is point and vector.dtype == np.float32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Type one such as smile - 0.5\\*glasses"),
        ("   ", "missing"),
        ("frown", "no direction 'frown'. There are: smile, glasses, hair-blond"),
        ("smile-glasses", "Put spaces around a minus"),
        ("#50", "no item #50"),
        ("#1 + #2", "They add to 2"),
        ("#1/2", "They add to 0.5"),
        ("smile + 2", "number alone cannot be added"),
        ("smile * glasses", "cannot be multiplied"),
        ("smile / glasses", "Only a number other than 0"),
        ("smile / 0", "Only a number other than 0"),
        ("2 + 3", "must name a direction or an item"),
        ("smile - smile", "cancels out"),
        ("#3 - #3", "cancels out"),
        ("smile glasses", r"Expected \+ or - before 'glasses'"),
        ("smile +", "ends too soon"),
        ("* smile", "missing before '\\*'"),
        ("(smile", "bracket \\) is missing"),
        ("smile)", r"Expected \+ or - before '\)'"),
        ("__import__('os')", "cannot be read"),
        ("smile; glasses", "'; glasses' cannot be read"),
        ("10000*smile", "A weight must lie in"),
        ("9" * 200 + "*smile/" + "9" * 60, "A weight"),
        ("-1000.1*smile", "A weight must lie in"),
        ("smile" + " " * (MAX_LENGTH - 4), "at most 300 characters"),
        ("(" * MAX_DEPTH + "smile" + ")" * MAX_DEPTH, "at most 20 deep"),
        ("-" * MAX_DEPTH + "smile", "at most 20 deep"),
    ],
)
def test_invalid_expressions(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        value(text)


def test_vectors_that_cancel_leave_no_direction() -> None:
    found = parse("smile - glasses", VECTORS, lambda item: True)
    with pytest.raises(ValueError, match="cancels out"):
        combine(found, {"smile": np.ones(3), "glasses": np.ones(3)}, CODES.__getitem__)


def test_a_place_may_be_the_origin() -> None:
    found = combine(parse("#1", VECTORS, lambda item: True), VECTORS, lambda item: np.zeros(4))
    assert found.tolist() == [0, 0, 0, 0]


def test_a_message_stays_short_whatever_there_is_and_was_typed() -> None:
    names = [f"direction-{number}" for number in range(40)]
    for text in ("a" * MAX_LENGTH, "!" * MAX_LENGTH):
        with pytest.raises(ValueError, match=r"direction-11 and 28 more\.$") as caught:
            parse(text, names, lambda item: True)
        assert len(str(caught.value)) < 400


@given(some.binary(max_size=400))
def test_random_bytes_raise_nothing_but_value_errors(raw: bytes) -> None:
    for text in (raw.decode("latin-1"), raw.decode("utf-8", "replace")):
        _survives(text)


@given(some.text(alphabet="#0123456789.+-*/() smileglasses−×", max_size=MAX_LENGTH + 5))
def test_random_expressions_raise_nothing_but_value_errors(text: str) -> None:
    _survives(text)


def _survives(text: str) -> None:
    try:
        vector, _ = value(text)
    except ValueError as error:
        assert len(str(error)) < 400
    else:
        assert np.isfinite(vector).all()
