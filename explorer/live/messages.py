"""The messages of the live socket: what a client may send, and binary answers.

Client messages are untrusted. `parse` returns a frozen message or raises `WireError`; its result needs no
further check, except against the open model (which items, which sliders).

A binary answer is: b"LXP1", the header's length as little-endian uint32, the header as UTF-8 JSON padded with
spaces so that the pixels start at a multiple of 4, then uint8 pixels, picture after picture, each (H, W, C)
in row-major order.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable
from typing import Annotated, Literal, get_args

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType, field
from msgspec.structs import force_setattr
from numpy.typing import NDArray

from explorer.fields import (
    FrameCount,
    HandleName,
    Item,
    LevelNumber,
    ModelName,
    PathKind,
    Percentile,
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
    "Answer",
    "Code",
    "Failure",
    "Frame",
    "FrameHeader",
    "GaugeReading",
    "Handle",
    "ItemSource",
    "Items",
    "ItemsHeader",
    "Message",
    "Open",
    "Opened",
    "Opening",
    "Originals",
    "OriginalsState",
    "Picture",
    "PictureSource",
    "Pictures",
    "Ping",
    "Point",
    "Pong",
    "Shape",
    "Strip",
    "WireError",
    "answer",
    "error",
    "parse",
    "text",
]

ANSWER_MAGIC = b"LXP1"
ITEMS_AT_MOST = 64  # per message

ItemSource = Literal["reconstruction", "best"]
PictureSource = Literal["original", "reconstruction"]
OriginalsState = Literal["unasked", "loading", "ready", "absent"]
Picture = Literal["A", "B", "strip"]

Shape = tuple[int, int, int]  # channels, height, width
Point = tuple[float, float]

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
    """Opens a model and view."""

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
                raise ValueError(f"`handles` must have `{name}`, as `want` requests it. Got none.")
        if "strip" in self.want and self.strip is None:
            raise ValueError("`strip` must be given, as `want` requests it. Got none.")


class Items(Schema, frozen=True, tag="items"):
    """Asks for pictures of these items."""

    seq: Seq
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=ITEMS_AT_MOST)]
    source: ItemSource


class Ping(Schema, frozen=True, tag="ping"):
    """Checks that the connection is alive."""

    seq: Seq


Message = Open | Frame | Items | Ping


class Answer(Schema, frozen=True):
    """A message of the server: text, or the header of pictures."""


class Opened(Answer, frozen=True, tag="opened"):
    """The model and view that are now open."""

    protocol: Protocol
    model: ModelName
    version: str
    view: ViewId
    count: int
    latent: int
    shape: Shape
    seq: Seq | UnsetType = UNSET


class Failure(Answer, frozen=True, tag="error"):
    """A message that could not be answered, and why."""

    code: Code
    message: str
    seq: Seq | None


class Pong(Answer, frozen=True, tag="pong"):
    """The answer to a ping."""

    seq: Seq


class Originals(Answer, frozen=True, tag="originals"):
    """The state of the open model's original pictures, which load in the background after "opened"."""

    state: OriginalsState


class GaugeReading(Answer, frozen=True):
    """How far a latent is from the data."""

    percentile: Percentile
    distance: float
    nearest: Item


class Pictures(Answer, frozen=True):
    """The header of pictures, (H, W, C) each."""

    seq: Seq
    shape: Shape


class FrameHeader(Pictures, frozen=True, tag="frame"):
    """The pictures of a frame, the gauge of its handles, and the strip's path."""

    pictures: Annotated[
        list[str], Meta(description="the names of the pictures: A, B, and of the strip S0, S1, …")
    ]
    handles: dict[HandleName, GaugeReading]
    ms: dict[str, float]
    path: Annotated[list[Point], Meta(description="the map positions of the strip's frames")]
    off: Annotated[
        list[float],
        Meta(description="the percentiles of the strip's frames, empty if the model has no gauge"),
    ]


class ItemsHeader(Pictures, frozen=True, tag="items"):
    """The pictures, names and attributes of items."""

    items: tuple[Item, ...]
    sources: list[PictureSource]
    names: Annotated[list[str], Meta(description="the name of each item, such as test 3518")]
    labels: list[dict[str, str]]


parse: Callable[[str | bytes], Message] = parser(Message)


def text(answer: Answer) -> str:
    """A text answer, JSON in ASCII; NaN and infinity raise ValueError."""
    return json.dumps(msgspec.to_builtins(answer), allow_nan=False, separators=(",", ":"))


def error(problem: WireError) -> str:
    """The text answer to a message that failed."""
    return text(Failure(problem.code, problem.message, problem.seq))


def answer(header: Answer, pictures: Iterable[NDArray[np.uint8]]) -> bytes:
    """Encodes a binary answer.

    Arguments:
        header: The header; NaN and infinity in it raise ValueError.
        pictures: Pixels, uint8, contiguous; any number of pictures (H, W, C) or stacks of them.
    """
    head = text(header).encode()
    head += b" " * (-len(head) % 4)
    return b"".join((ANSWER_MAGIC, struct.pack("<I", len(head)), head, *(p.data for p in pictures)))
