"""The messages of the live socket: what a client may send, and binary answers.

Client messages are untrusted. `parse` returns a frozen message or raises `WireError`; its result needs no further check,
except against the open model (which items, which sliders).

A binary answer is: b"LXP1", the header's length as little-endian uint32, the header as UTF-8 JSON padded with spaces so
that the pixels start at a multiple of 4, then uint8 pixels, picture after picture, each (H, W, C) in row-major order.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, get_args

import numpy as np
from msgspec import Meta, field
from msgspec.structs import force_setattr
from numpy.typing import NDArray

from explorer.fields import (
    FrameCount,
    HandleName,
    Item,
    LevelNumber,
    ModelName,
    PathKind,
    Position,
    Protocol,
    Residual,
    Schema,
    Seq,
    Sliders,
    ViewId,
    distinct,
)
from explorer.live.validation import Code, WireError, parser

__all__ = [
    "ANSWER_MAGIC",
    "ITEMS_AT_MOST",
    "Code",
    "Frame",
    "Handle",
    "Items",
    "Message",
    "Open",
    "Opening",
    "Ping",
    "Strip",
    "WireError",
    "answer",
    "error",
    "parse",
    "text",
]

ANSWER_MAGIC = b"LXP1"
ITEMS_AT_MOST = 64  # of a message

ItemSource = Literal["reconstruction", "best"]
Picture = Literal["A", "B", "strip"]

PICTURES: tuple[Picture, ...] = get_args(Picture)  # in the order of the answer


class Handle(Schema, frozen=True):
    """A handle: its item, its position, and its sliders."""

    item: Item
    x: Position
    y: Position
    sliders: Sliders = field(default_factory=dict)


class Strip(Schema, frozen=True):
    """The pictures between the handles."""

    frames: FrameCount
    path: PathKind


class Opening(Schema, frozen=True, kw_only=True):
    """A message that opens something."""

    protocol: Protocol
    seq: Seq | None = None


class Open(Opening, frozen=True, tag="open"):
    """Opens this model and view."""

    model: ModelName
    view: ViewId


class Frame(Schema, frozen=True, tag="frame"):
    """Asks for pictures of the handles at these positions."""

    seq: Seq
    want: Annotated[tuple[Picture, ...], Meta(min_length=1, max_length=len(PICTURES))]
    handles: dict[HandleName, Handle]
    strip: Strip | None = None
    residual: Residual = "hold"
    level: LevelNumber = 0

    def __post_init__(self) -> None:
        force_setattr(self, "want", distinct(self.want, "want", PICTURES))
        for name in ("A", "B") if "strip" in self.want else self.want:
            if name not in self.handles:
                raise ValueError(f"`handles` must have `{name}`, which is wanted. Got none.")
        if "strip" in self.want and self.strip is None:
            raise ValueError("frame must have `strip` where it is wanted. Got none.")


class Items(Schema, frozen=True, tag="items"):
    """Asks for pictures of these items."""

    seq: Seq
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=ITEMS_AT_MOST)]
    source: ItemSource


class Ping(Schema, frozen=True, tag="ping"):
    """Asks for a sign of life."""

    seq: Seq


Message = Open | Frame | Items | Ping

parse: Callable[[str | bytes], Message] = parser(Message)


def text(kind: str, **fields: Any) -> str:
    """A text answer, JSON in ASCII."""
    return json.dumps({"type": kind, **fields}, allow_nan=False, separators=(",", ":"))


def error(problem: WireError) -> str:
    """The text answer to a message that failed."""
    return text("error", code=problem.code, message=problem.message, seq=problem.seq)


def answer(header: dict[str, Any], pictures: Iterable[NDArray[np.uint8]]) -> bytes:
    """Encodes a binary answer.

    Arguments:
        header: JSON values; NaN and infinity raise ValueError.
        pictures: Pixels, uint8, contiguous; any number of pictures (H, W, C) or stacks of them.
    """
    head = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 4)
    return b"".join((ANSWER_MAGIC, struct.pack("<I", len(head)), head, *(p.data for p in pictures)))
