"""Tests of declared schemas: what is refused, and that the message names the innermost part, its rule and its value."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from models.system.schema import read, shown

Name = Annotated[str, Meta(pattern=r"\A[a-z]+\Z", description="a lower-case name")]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Point(Struct, forbid_unknown_fields=True):
    """A point with weights."""

    x: Share
    weights: Annotated[dict[Name, Share], Meta(max_length=2)] = {}


class Shape(Struct, forbid_unknown_fields=True):
    """Any shape."""

    kind: Literal["line", "area"]
    points: Annotated[tuple[Point, ...], Meta(min_length=1, max_length=2)]
    size: tuple[int, int] | None = None
    closed: bool = False
    title: Annotated[str, Meta(max_length=5)] = ""

    def __post_init__(self) -> None:
        if self.closed and self.kind == "line":
            raise ValueError("`closed` must be false for a line. Got True.")


GOOD: dict[str, Any] = {"kind": "line", "points": [{"x": 1, "weights": {"a": 0.5}}], "size": [1, 2]}


def test_a_value_that_fits_is_converted() -> None:
    assert read(GOOD, Shape, "A shape") == Shape("line", (Point(1.0, {"a": 0.5}),), (1, 2))
    assert type(read(GOOD, Shape, "A shape").points[0].x) is float


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "dot"}, "`kind` must be one of: line, area. Got 'dot'."),
        ({"kind": True}, "`kind` must be one of: line, area. Got True."),
        ({"points": []}, "`points` must be a list of 1 to 2 items. Got a list of 0."),
        ({"points": [{"x": 0}, {"x": 1.5}]}, "`points[1].x` must be a number in 0..1. Got 1.5."),
        ({"points": [{"x": True}]}, "`points[0].x` must be a number in 0..1. Got True."),
        ({"points": [{"x": float("nan")}]}, "`points[0].x` must be a number in 0..1. Got nan."),
        ({"points": [{"x": float("inf")}]}, "`points[0].x` must be a number in 0..1. Got inf."),
        ({"points": [{"x": 10**5000}]}, "`points[0].x` must be a number in 0..1. Got a number too large to show."),
        ({"points": [3]}, "`points[0]` must be an object with x. Got 3."),
        ({"points": [{}]}, "`points[0]` must have `x`. Got none."),
        ({"points": [{"x": 0, "y": 0}]}, "`points[0]` may only have x, weights. Got 'y'."),
        (
            {"points": [{"x": 0, "weights": {"A": 1}}]},
            "Each name in `points[0].weights` must be a lower-case name. Got 'A'.",
        ),
        (
            {"points": [{"x": 0, "weights": {"a\n": 1}}]},
            "Each name in `points[0].weights` must be a lower-case name. Got 'a\\n'.",
        ),
        (
            {"points": [{"x": 0, "weights": {"a": 2}}]},
            "`points[0].weights.a` must be a number in 0..1. Got 2.",
        ),
        (
            {"points": [{"x": 0, "weights": {"a": 0, "b": 0, "c": 0}}]},
            "`points[0].weights` must be an object of at most 2 members. Got an object.",
        ),
        ({"size": [1]}, "`size` must be a list of 2 or null. Got a list of 1."),
        ({"size": [1, 2.0]}, "`size[1]` must be a whole number. Got 2.0."),
        ({"size": 7}, "`size` must be a list of 2 or null. Got 7."),
        ({"closed": 1}, "`closed` must be true or false. Got 1."),
        ({"closed": True}, "`closed` must be false for a line. Got True."),
        ({"title": "longer"}, "`title` must be a text of at most 5 characters. Got 'longer'."),
        ({"more": 1}, "A shape may only have kind, points, size, closed, title. Got 'more'."),
    ],
)  # fmt: skip
def test_the_first_part_that_breaks_a_rule_is_named(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(GOOD | change, Shape, "A shape")
    assert str(caught.value) == text


@pytest.mark.parametrize("value", [None, 3, [], "x"])
def test_a_shape_must_be_an_object(value: object) -> None:
    with pytest.raises(ValueError, match=r"A shape must be an object with kind and points\. Got "):
        read(value, Shape, "A shape")


def test_a_value_is_quoted_in_short() -> None:
    assert shown("a" * 10**6) == "'" + "a" * 59 + "..."
    assert shown("\ud800") == r"'\ud800'"
    assert shown({"a": [1] * 10**6}) == "an object"
    assert shown(None) == "None"
