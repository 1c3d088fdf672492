"""Reads socket messages: bounds their size, decodes strict JSON, and validates the message types."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, NoReturn, get_args

import msgspec

from explorer.fields import Schema, Seq
from models.system import schema
from models.system.schema import shown

__all__ = ["MESSAGE_BYTES", "Code", "WireError", "parser"]

MESSAGE_BYTES = 16 * 1024

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
    """A message that cannot be answered: error code, reason, and the message's number if it has one."""

    def __init__(self, code: Code, message: str, seq: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.seq = seq


def parser(union: Any) -> Callable[[str | bytes], Any]:
    """The parser of a client's messages, given as text or as the bytes of one in UTF-8.

    It raises WireError if a message is malformed: "too-large" above 16 KiB, otherwise "bad-message".

    Arguments:
        union: The union of the message classes, distinguished by their `type`.
    """
    kinds: dict[Any, type[Schema]] = {kind.__struct_config__.tag: kind for kind in get_args(union)}
    return partial(_read, kinds)


def _read(kinds: Mapping[Any, type[Schema]], data: str | bytes) -> Schema:
    """Parses a message; `seq` is checked first, so that an error carries it."""
    seq: int | None = None
    try:
        body = _object(_decode(data))
        seq = schema.read(body, _Numbered, "A message").seq if "seq" in body else None
        kind = body.get("type")
        known = kinds.get(kind) if isinstance(kind, str) else None
        if known is None:
            raise schema.broken("type", f"one of: {', '.join(kinds)}", kind)
        return schema.read(body, known, str(kind))
    except WireError as error:
        error.seq = seq
        raise
    except ValueError as error:
        text = str(error).encode("ascii", "backslashreplace").decode()
        raise WireError("bad-message", text, seq) from error


class _Numbered(msgspec.Struct):
    """A message's number, read before the rest."""

    seq: Seq


def _decode(data: str | bytes) -> str:
    """Checks the size, then the encoding."""
    size = len(data)
    if isinstance(data, str) and size <= MESSAGE_BYTES and not data.isascii():
        size = len(data.encode("utf-8", "surrogatepass"))
    if size > MESSAGE_BYTES:
        raise WireError(
            "too-large",
            f"A message must be at most {MESSAGE_BYTES} bytes. Got {size} or more. Request less.",
        )
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError(
            f"A message must be JSON text in UTF-8. Got other bytes at {problem.start}."
        ) from problem


def _object(source: str) -> dict[str, Any]:
    """Parses one JSON object without duplicate names, NaN or infinity."""
    try:
        value = _DECODER.decode(source)
    except RecursionError as problem:
        raise ValueError("A message must not nest this deeply. Send a flat one.") from problem
    except WireError:
        raise
    except ValueError as problem:  # not JSON, or a whole number of thousands of digits
        raise ValueError(
            f"A message must be one JSON object. Got other text ({str(problem)[:80]})."
        ) from problem
    if type(value) is not dict:
        raise ValueError(f"A message must be one JSON object. Got {shown(value)}.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise WireError(
                    "bad-message",
                    f"A name must occur only once in an object. Got {ascii(name)[: schema.SHOWN]}.",
                )
            seen.add(name)
    return members


def _constant(name: str) -> NoReturn:
    raise WireError("bad-message", f"Numbers must be finite. Got {name}.")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)
