"""Validation of socket messages: sizes, types, ranges, names; all input is untrusted."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NoReturn, TypeVar, cast

__all__ = [
    "MESSAGE_BYTES",
    "PROTOCOL",
    "Code",
    "WireError",
    "bad",
    "choice",
    "named",
    "number",
    "only",
    "protocol",
    "read",
    "some",
    "whole",
]

T = TypeVar("T")

PROTOCOL = 1
MESSAGE_BYTES = 16 * 1024
SEQ_LIMIT = 2**53  # largest integer that JavaScript represents exactly
SHOWN = 60  # characters of an invalid value that an error quotes

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


class WireError(ValueError):
    """A message that cannot be answered: the kind of error, the reason, and the message's number if it has one."""

    def __init__(self, code: Code, message: str, seq: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.seq = seq


def read(data: str | bytes, readers: Mapping[str, Callable[[dict[str, Any]], T]]) -> T:
    """Parses a client's message.

    Arguments:
        data: A text message, or the bytes of one in UTF-8.
        readers: Parser of each message `type`, given the other members; `seq` is checked first.

    Raises:
        WireError: If the message is malformed; "too-large" above 16 KiB, otherwise "bad-message".
    """
    seq: int | None = None
    try:
        body = _object(_decode(data))
        seq = _seq(body["seq"]) if "seq" in body else None
        kind = body.pop("type", None)
        reader = readers.get(kind) if isinstance(kind, str) else None
        if reader is None:
            raise bad(f"`type` must be one of: {', '.join(readers)}", kind)
        return reader(body)
    except WireError as error:
        if error.seq is None:
            error.seq = seq
        raise


def protocol(value: object) -> None:
    """Checks the client's protocol version."""
    if type(value) is not int or value != PROTOCOL:
        raise bad(f"`protocol` must be {PROTOCOL}; reload the page for the server's version", value)


def bad(rule: str, value: object) -> WireError:
    """The error for a value that breaks a rule; the value is truncated."""
    shown = ascii(value) if isinstance(value, str | int | float | None) else type(value).__name__
    if len(shown) > SHOWN:
        shown = shown[:SHOWN] + "..."
    return WireError("bad-message", f"{rule}. Got {shown}.")


def _decode(data: str | bytes) -> str:
    """Checks the size, then the encoding."""
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
    """Parses one JSON object without duplicate names, NaN or infinity."""
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
        raise bad("A message must be one JSON object", value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise bad("A name must occur only once in an object", name)
            seen.add(name)
    return members


def _constant(name: str) -> NoReturn:
    raise WireError("bad-message", f"Numbers must be finite. Got {name}.")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)


def only(body: dict[str, Any], what: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Checks that an object has the required members and no others except optional ones."""
    for name in required:
        if name not in body:
            raise WireError("bad-message", f"{what} must have `{name}`. Got none.")
    if len(body) > len(required):
        for name in body:
            if name not in required and name not in optional:
                raise bad(f"{what} may only have {', '.join((*required, *optional))}", name)


def whole(value: object, name: str, low: int, high: int) -> int:
    """Checks an integer within bounds."""
    if type(value) is not int or not low <= value <= high:
        raise bad(f"`{name}` must be a whole number in {low}..{high}", value)
    return value


def _seq(value: object) -> int:
    return whole(value, "seq", 0, SEQ_LIMIT)


def number(value: object, name: str, limit: float) -> float:
    """Checks a finite number in -limit..limit."""
    kind = type(value)
    if kind is float or kind is int:
        number = cast("float", value)
        # Compared before the conversion: an integer can be too large for a float.
        if -limit <= number <= limit and math.isfinite(number):
            return float(number)
    raise bad(f"`{name}` must be a number in {-limit:g}..{limit:g}", value)


def named(value: object, name: str, pattern: re.Pattern[str], what: str) -> str:
    """Checks that a pattern matches the whole text."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise bad(f"`{name}` must be {what}", value)
    return value


def choice(value: object, name: str, choices: tuple[str, ...]) -> Any:
    """Checks that a text is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise bad(f"`{name}` must be one of: {', '.join(choices)}", value)
    return value


def some(value: object, name: str, choices: tuple[T, ...]) -> tuple[T, ...]:
    """Checks a list of distinct choices; returns them in the order of `choices`."""
    if type(value) is not list or not 1 <= len(value) <= len(choices):
        raise bad(f"`{name}` must be a list of some of: {', '.join(map(str, choices))}", value)
    for each in value:
        choice(each, name, cast("tuple[str, ...]", choices))
    if len(set(value)) != len(value):
        raise bad(f"`{name}` must name each part once", ", ".join(value))
    return tuple(each for each in choices if each in value)
