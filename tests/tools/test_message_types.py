"""Tests of the TypeScript types of the messages: the committed file is what the declarations give."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from explorer.fields import Schema
from tools.message_types import TARGET, interface, source


class Part(Schema, frozen=True):
    """A part."""


class Whole(Schema, frozen=True, tag="whole"):
    """Any whole; None of it is used."""

    parts: tuple[Part, ...]
    kinds: list[Literal["a", 1]]
    size: Annotated[float, Meta(ge=0, description="a size")]
    place: tuple[int, str] | None = None
    names: dict[str, bool] | UnsetType = UNSET
    seed: Annotated[int, Meta(title="Seed of the noise.")] = 0


def test_the_committed_types_are_those_of_the_declarations() -> None:
    assert TARGET.read_text(encoding="utf-8") == source(), "Run `python tools/message_types.py`."


def test_a_struct_becomes_an_interface() -> None:
    assert interface(Whole).splitlines() == [
        "/** Any whole; null of it is used. */",
        "export interface Whole {",
        '  type: "whole";',
        "  parts: Part[];",
        '  kinds: ("a" | 1)[];',
        "  /** A size. */",
        "  size: number;",
        "  place?: readonly [number, string] | null;",
        "  names?: Record<string, boolean>;",
        "  /** Seed of the noise. */",
        "  seed?: number;",
        "}",
    ]
