"""The messages of the live socket: strict parsing of what clients send, and the binary answers.

Any bytes may arrive. `parse` gives a frozen message or raises `WireError`; nothing it returns
needs a second check, except against the open model (which items, which sliders).

A binary answer is: b"LXP1", the header's length as little-endian uint32, the header in UTF-8 JSON
padded with spaces so that the pixels start at a multiple of 4, then uint8 pixels, pictures one
after another, each (H, W, C) row by row.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ANSWER_MAGIC",
    "MESSAGE_BYTES",
    "MODEL_NAME",
    "PROTOCOL",
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

PROTOCOL = 1
MESSAGE_BYTES = 16 * 1024
ANSWER_MAGIC = b"LXP1"
SEQ_LIMIT = 2**53  # whole numbers that JavaScript holds exactly
POSITION_LIMIT = 1e6
SLIDER_LIMIT = 5.0
SLIDERS_AT_MOST = 64
ITEMS_AT_MOST = 64
FRAMES = (5, 15)
SHOWN = 60  # characters of a bad value that an error repeats

MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
VIEW_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,159}")
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,95}")

Code = Literal[
    "bad-message",
    "unknown-model",
    "unknown-view",
    "not-open",
    "too-large",
    "broken-model",
    "busy",
    "internal",
]
Picture = Literal["A", "B", "strip"]


class WireError(ValueError):
    """A message that can not be answered: which kind of error, why, and the message's number where
    it had one.
    """

    def __init__(self, code: Code, message: str, seq: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Handle:
    """Where a handle stands, which item it was, and its sliders."""

    item: int
    x: float  # map units
    y: float
    sliders: dict[str, float] = field(default_factory=dict)  # direction -> steps of it


@dataclass(frozen=True, slots=True)
class Strip:
    """The pictures between the handles."""

    frames: int
    path: Literal["straight", "great-circle"]


@dataclass(frozen=True, slots=True)
class Open:
    """Use this model and view from now on."""

    model: str
    view: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """Decode the handles at these places."""

    seq: int
    want: tuple[Picture, ...]  # in the order of the answer
    handles: dict[str, Handle]
    strip: Strip | None
    residual: Literal["hold", "fade"]


@dataclass(frozen=True, slots=True)
class Items:
    """Show these items of the atlas."""

    seq: int
    items: tuple[int, ...]
    source: Literal["reconstruction", "best"]


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there?"""

    seq: int


Message = Open | Frame | Items | Ping


def parse(data: str | bytes) -> Message:
    """Reads one message of a client.

    Arguments:
        data: A text message, or the bytes of one in UTF-8.

    Raises:
        WireError: On anything but a well-formed message; "too-large" over 16 KiB, else
            "bad-message".
    """
    seq: int | None = None
    try:
        body = _object(_decode(data))
        seq = _seq(body["seq"]) if "seq" in body else None
        kind = body.pop("type", None)
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        if reader is None:
            raise _bad(f"`type` must be one of: {', '.join(_READERS)}", kind)
        return reader(body)
    except WireError as error:
        if error.seq is None:
            error.seq = seq
        raise


def text(kind: str, **fields: Any) -> str:
    """A text answer, JSON in ASCII."""
    return json.dumps({"type": kind, **fields}, allow_nan=False, separators=(",", ":"))


def error(problem: WireError) -> str:
    """The text answer to a message that could not be answered."""
    return text("error", code=problem.code, message=problem.message, seq=problem.seq)


def answer(header: dict[str, Any], pictures: Iterable[NDArray[np.uint8]]) -> bytes:
    """A binary answer.

    Arguments:
        header: JSON values; NaN and infinity are refused.
        pictures: Pixels, uint8, contiguous, any number of pictures (H, W, C) or stacks of them.
    """
    head = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 4)
    return b"".join((ANSWER_MAGIC, struct.pack("<I", len(head)), head, *(p.data for p in pictures)))


def _bad(rule: str, value: object) -> WireError:
    """The error of a value that breaks a rule; the value is cut short."""
    shown = ascii(value) if isinstance(value, str | int | float | None) else type(value).__name__
    if len(shown) > SHOWN:
        shown = shown[:SHOWN] + "..."
    return WireError("bad-message", f"{rule}. Got {shown}.")


def _decode(data: str | bytes) -> str:
    """Bounds the size, then the encoding."""
    size = len(data)
    if isinstance(data, str) and size <= MESSAGE_BYTES and not data.isascii():
        size = len(data.encode("utf-8", "surrogatepass"))
    if size > MESSAGE_BYTES:
        raise WireError(
            "too-large",
            f"A message must be at most {MESSAGE_BYTES} bytes. Got {size} or more. Ask for less.",
        )
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise WireError(
            "bad-message",
            f"A message must be JSON text in UTF-8. Got other bytes at {problem.start}.",
        ) from problem


def _object(source: str) -> dict[str, Any]:
    """Reads one JSON object without duplicate names, NaN or infinity."""
    try:
        value = _DECODER.decode(source)
    except RecursionError as problem:
        raise WireError("bad-message", "A message must not nest this deeply. Send a flat one.") from problem
    except WireError:
        raise
    except ValueError as problem:  # not JSON, or a whole number of thousands of digits
        raise WireError(
            "bad-message",
            f"A message must be one JSON object. Got other text ({str(problem)[:80]}).",
        ) from problem
    if type(value) is not dict:
        raise _bad("A message must be one JSON object", value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _bad("A name must stand once in an object", name)
            seen.add(name)
    return members


def _constant(name: str) -> NoReturn:
    raise WireError("bad-message", f"Numbers must be finite. Got {name}.")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)


def _only(body: dict[str, Any], what: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    for name in required:
        if name not in body:
            raise WireError("bad-message", f"{what} must have `{name}`. Got none.")
    if len(body) > len(required):
        for name in body:
            if name not in required and name not in optional:
                raise _bad(f"{what} may only have {', '.join((*required, *optional))}", name)


def _whole(value: object, name: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _bad(f"`{name}` must be a whole number in {low}..{high}", value)
    return value


def _seq(value: object) -> int:
    return _whole(value, "seq", 0, SEQ_LIMIT)


def _number(value: object, name: str, limit: float) -> float:
    kind = type(value)
    if kind is float or kind is int:
        number = cast("float", value)
        # Compared before the conversion: a whole number may be too large for a float.
        if -limit <= number <= limit and math.isfinite(number):
            return float(number)
    raise _bad(f"`{name}` must be a number in {-limit:g}..{limit:g}", value)


def _named(value: object, name: str, pattern: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _bad(f"`{name}` must be {what}", value)
    return value


def _choice(value: object, name: str, choices: tuple[str, ...]) -> Any:
    if not isinstance(value, str) or value not in choices:
        raise _bad(f"`{name}` must be one of: {', '.join(choices)}", value)
    return value


def _open(body: dict[str, Any]) -> Open:
    _only(body, "open", ("protocol", "model", "view"), ("seq",))
    if type(body["protocol"]) is not int or body["protocol"] != PROTOCOL:
        raise _bad(
            f"`protocol` must be {PROTOCOL}; reload the page for the server's version",
            body["protocol"],
        )
    return Open(
        _named(body["model"], "model", MODEL_NAME, "the name of a checkpoint"),
        _named(body["view"], "view", VIEW_ID, "the id of a view, such as umap or dims-0-1"),
        body.get("seq"),
    )


def _frame(body: dict[str, Any]) -> Frame:
    _only(body, "frame", ("seq", "want", "handles"), ("strip", "residual"))
    want = _want(body["want"])
    needed = ("A", "B") if "strip" in want else want
    handles = body["handles"]
    if type(handles) is not dict:
        raise _bad("`handles` must be an object", handles)
    _only(handles, "handles", needed, ("A", "B"))
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
        _choice(body.get("residual", "hold"), "residual", ("hold", "fade")),
    )


def _want(value: object) -> tuple[Picture, ...]:
    if type(value) is not list or not 1 <= len(value) <= 3:
        raise _bad('`want` must be a list of "A", "B" and "strip"', value)
    for name in value:
        _choice(name, "want", ("A", "B", "strip"))
    if len(set(value)) != len(value):
        raise _bad("`want` must name each picture once", ", ".join(value))
    return tuple(name for name in ("A", "B", "strip") if name in value)


def _strip(value: object) -> Strip:
    if type(value) is not dict:
        raise _bad("`strip` must be an object with frames and path", value)
    _only(value, "strip", ("frames", "path"))
    return Strip(
        _whole(value["frames"], "frames", *FRAMES),
        _choice(value["path"], "path", ("straight", "great-circle")),
    )


def _handle(value: object, name: str) -> Handle:
    if type(value) is not dict:
        raise _bad(f"`handles.{name}` must be an object with item, x and y", value)
    _only(value, f"handles.{name}", ("item", "x", "y"), ("sliders",))
    return Handle(
        _whole(value["item"], f"handles.{name}.item", 0, 2**31),
        _number(value["x"], f"handles.{name}.x", POSITION_LIMIT),
        _number(value["y"], f"handles.{name}.y", POSITION_LIMIT),
        _sliders(value.get("sliders", {}), f"handles.{name}.sliders"),
    )


def _sliders(value: object, where: str) -> dict[str, float]:
    if type(value) is not dict or len(value) > SLIDERS_AT_MOST:
        raise _bad(f"`{where}` must be an object of at most {SLIDERS_AT_MOST} sliders", value)
    for name in value:
        if not SLUG.fullmatch(name):
            raise _bad(f"`{where}` must name directions", name)
    return {name: _number(steps, f"{where}.{name}", SLIDER_LIMIT) for name, steps in value.items()}


def _items(body: dict[str, Any]) -> Items:
    _only(body, "items", ("seq", "items", "source"))
    items = body["items"]
    if type(items) is not list or not 1 <= len(items) <= ITEMS_AT_MOST:
        raise _bad(f"`items` must be a list of 1 to {ITEMS_AT_MOST} items", items)
    return Items(
        body["seq"],
        tuple(_whole(item, "items", 0, 2**31) for item in items),
        _choice(body["source"], "source", ("reconstruction", "best")),
    )


def _ping(body: dict[str, Any]) -> Ping:
    _only(body, "ping", ("seq",))
    return Ping(body["seq"])


_READERS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "open": _open,
    "frame": _frame,
    "items": _items,
    "ping": _ping,
}
