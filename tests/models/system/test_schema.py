"""Tests of schemas: invalid values are refused, and the message names the innermost part, its rule and its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from models.system.schema import choice, read, shown, whole

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
        (
            {"points": [{"x": 10**5000}]},
            "`points[0].x` must be a number in 0..1. Got a number too large to show.",
        ),
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
)
def test_the_first_invalid_part_is_named(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(GOOD | change, Shape, "A shape")
    assert str(caught.value) == text


@pytest.mark.parametrize("value", [None, 3, [], "x"])
def test_a_shape_must_be_an_object(value: object) -> None:
    with pytest.raises(ValueError, match=r"A shape must be an object with kind and points\. Got "):
        read(value, Shape, "A shape")


@dataclass(frozen=True)
class Frame:
    """A dataclass, whose other members are ignored."""

    width: Annotated[int, Meta(ge=1, le=9)]
    corner: Point | None = None

    def __post_init__(self) -> None:
        if self.width == 7:
            raise ValueError("`width` must not be 7. Got 7.")


def test_a_dataclass_is_read_as_a_struct_is() -> None:
    assert read({"width": 2, "else": 1}, Frame, "A frame") == Frame(2)
    for value, text in (
        ({"width": True}, "`a.width` must be a whole number in 1..9. Got True."),
        ({"width": 2, "corner": {"x": 2}}, "`a.corner.x` must be a number in 0..1. Got 2."),
        ({"corner": {"x": 0}}, "`a` must have `width`. Got none."),
        ({"width": 7}, "`width` must not be 7. Got 7."),
        (7, "`a` must be an object with width. Got 7."),
    ):
        with pytest.raises(ValueError) as caught:
            read(value, Frame, "A frame", "a")
        assert str(caught.value) == text


def test_limits_may_be_given_at_run_time() -> None:
    assert (whole(3, "n", 0, 3), choice("b", "kind", ("a", "b"))) == (3, "b")
    for value in (True, 3.0, 4, -1, "3", None):
        with pytest.raises(ValueError, match=r"`n` must be a whole number in 0\.\.3\. Got "):
            whole(value, "n", 0, 3)
    for value in (True, 1.0, "1", None, ["a"]):
        with pytest.raises(ValueError, match=r"`kind` must be one of: 0, 1\. Got "):
            choice(value, "kind", (0, 1))


def test_a_long_value_is_shortened() -> None:
    assert shown("a" * 10**6) == "'" + "a" * 59 + "..."
    assert shown("\ud800") == r"'\ud800'"
    assert shown({"a": [1] * 10**6}) == "an object"
    assert shown(None) == "None"
