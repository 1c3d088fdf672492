"""The messages of the live socket: strict parsing of client messages, and binary answers.

Client messages are untrusted. `parse` returns a frozen message or raises `WireError`; its result needs no further check,
except against the open model (which items, which sliders).

A binary answer is: b"LXP1", the header's length as little-endian uint32, the header as UTF-8 JSON padded with spaces so
that the pixels start at a multiple of 4, then uint8 pixels, picture after picture, each (H, W, C) in row-major order.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.live.validation import (
    MESSAGE_BYTES,
    PROTOCOL,
    Code,
    WireError,
    bad,
    choice,
    named,
    number,
    only,
    protocol,
    read,
    some,
    whole,
)

__all__ = [
    "ANSWER_MAGIC",
    "MESSAGE_BYTES",
    "MODEL_NAME",
    "PROTOCOL",
    "READERS",
    "VIEW_ID",
    "Code",
    "Frame",
    "Handle",
    "Items",
    "Message",
    "Open",
    "Ping",
    "Strip",
    "WireError",
    "answer",
    "error",
    "parse",
    "text",
]

ANSWER_MAGIC = b"LXP1"
POSITION_LIMIT = 1e6
SLIDER_LIMIT = 5.0
SLIDERS_AT_MOST = 64
ITEMS_AT_MOST = 64
FRAMES = (5, 15)
LEVELS_AT_MOST = 8

MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
VIEW_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,159}")
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,95}")

Picture = Literal["A", "B", "strip"]

PICTURES: tuple[Picture, ...] = ("A", "B", "strip")  # in the order of the answer


@dataclass(frozen=True, slots=True)
class Handle:
    """A handle: its item, its position, and its sliders."""

    item: int
    x: float  # map units
    y: float
    sliders: dict[str, float] = field(default_factory=dict)  # direction -> number of units


@dataclass(frozen=True, slots=True)
class Strip:
    """The pictures between the handles."""

    frames: int
    path: Literal["straight", "great-circle"]


@dataclass(frozen=True, slots=True)
class Open:
    """Opens this model and view."""

    model: str
    view: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """Asks for pictures of the handles at these positions."""

    seq: int
    want: tuple[Picture, ...]  # in the order of the answer
    handles: dict[str, Handle]
    strip: Strip | None
    residual: Literal["hold", "fade"]
    level: int = 0  # the one level of the latent that moves, counted from 1; 0 for all


@dataclass(frozen=True, slots=True)
class Items:
    """Asks for pictures of these items."""

    seq: int
    items: tuple[int, ...]
    source: Literal["reconstruction", "best"]


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a sign of life."""

    seq: int


Message = Open | Frame | Items | Ping


def parse(data: str | bytes) -> Message:
    """Parses a client's message.

    Arguments:
        data: A text message, or the bytes of one in UTF-8.

    Raises:
        WireError: If the message is malformed; "too-large" above 16 KiB, otherwise "bad-message".
    """
    return read(data, READERS)


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


def _open(body: dict[str, Any]) -> Open:
    only(body, "open", ("protocol", "model", "view"), ("seq",))
    protocol(body["protocol"])
    return Open(
        named(body["model"], "model", MODEL_NAME, "the name of a checkpoint"),
        named(body["view"], "view", VIEW_ID, "the id of a view, such as umap or dims-0-1"),
        body.get("seq"),
    )


def _frame(body: dict[str, Any]) -> Frame:
    only(body, "frame", ("seq", "want", "handles"), ("strip", "residual", "level"))
    want = some(body["want"], "want", PICTURES)
    needed = ("A", "B") if "strip" in want else want
    handles = body["handles"]
    if type(handles) is not dict:
        raise bad("`handles` must be an object", handles)
    only(handles, "handles", needed, ("A", "B"))
    strip = None
    if "strip" in want:
        if "strip" not in body:
            raise WireError("bad-message", "frame must have `strip` where it is wanted. Got none.")
        strip = _strip(body["strip"])
    elif body.get("strip") is not None:
        _strip(body["strip"])
    return Frame(
        body["seq"],
        want,
        {name: _handle(handle, name) for name, handle in handles.items()},
        strip,
        choice(body.get("residual", "hold"), "residual", ("hold", "fade")),
        whole(body.get("level", 0), "level", 0, LEVELS_AT_MOST),
    )


def _strip(value: object) -> Strip:
    if type(value) is not dict:
        raise bad("`strip` must be an object with frames and path", value)
    only(value, "strip", ("frames", "path"))
    return Strip(
        whole(value["frames"], "frames", *FRAMES),
        choice(value["path"], "path", ("straight", "great-circle")),
    )


def _handle(value: object, name: str) -> Handle:
    if type(value) is not dict:
        raise bad(f"`handles.{name}` must be an object with item, x and y", value)
    only(value, f"handles.{name}", ("item", "x", "y"), ("sliders",))
    return Handle(
        whole(value["item"], f"handles.{name}.item", 0, 2**31),
        number(value["x"], f"handles.{name}.x", POSITION_LIMIT),
        number(value["y"], f"handles.{name}.y", POSITION_LIMIT),
        _sliders(value.get("sliders", {}), f"handles.{name}.sliders"),
    )


def _sliders(value: object, where: str) -> dict[str, float]:
    if type(value) is not dict or len(value) > SLIDERS_AT_MOST:
        raise bad(f"`{where}` must be an object of at most {SLIDERS_AT_MOST} sliders", value)
    for name in value:
        if not SLUG.fullmatch(name):
            raise bad(f"`{where}` must name directions", name)
    return {name: number(steps, f"{where}.{name}", SLIDER_LIMIT) for name, steps in value.items()}


def _items(body: dict[str, Any]) -> Items:
    only(body, "items", ("seq", "items", "source"))
    items = body["items"]
    if type(items) is not list or not 1 <= len(items) <= ITEMS_AT_MOST:
        raise bad(f"`items` must be a list of 1 to {ITEMS_AT_MOST} items", items)
    return Items(
        body["seq"],
        tuple(whole(item, "items", 0, 2**31) for item in items),
        choice(body["source"], "source", ("reconstruction", "best")),
    )


def _ping(body: dict[str, Any]) -> Ping:
    only(body, "ping", ("seq",))
    return Ping(body["seq"])


READERS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "open": _open,
    "frame": _frame,
    "items": _items,
    "ping": _ping,
}
