"""Tests of the TypeScript of the messages: the committed files are what the declarations give."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from explorer.fields import Schema
from explorer.live.messages import Answer, Shape
from tools.message_types import READERS, TARGET, interface, reader, readers_source, source


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


class Said(Answer, frozen=True, tag="said"):
    """What is said of parts."""

    shape: Shape
    parts: list[Piece] | None
    ends: tuple[float | None, float | None]
    names: dict[str, bool]
    ms: dict[str, float]
    seq: int | UnsetType = UNSET


class Piece(Answer, frozen=True):
    """A piece."""

    count: int


def test_the_committed_types_are_those_of_the_declarations() -> None:
    assert TARGET.read_text(encoding="utf-8") == source(), "Run `python tools/message_types.py`."
    assert READERS.read_text(encoding="utf-8") == readers_source(), "Run `python tools/message_types.py`."


def test_an_answer_becomes_a_reader_of_what_is_always_sent() -> None:
    assert reader(Said).splitlines() == [
        'export const readSaid = record<Omit<gen.Said, "ms" | "seq">>({',
        '  type: () => "said",',
        "  shape,",
        "  parts: nullable(listOf(readPiece)),",
        "  ends: pairOf(nullable(finite), nullable(finite)),",
        "  names: mapOf(boolean),",
        "});",
    ]


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
