"""Messages between the explorer and its job processes: JSON and raw array bytes. Nothing is pickled.

A message is two little-endian lengths, then the JSON, then the arrays one after the other. The JSON lists the
types and shapes of the arrays; {"$array": number} in the value refers to one.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import IO, Any

import numpy as np

__all__ = ["pack", "read"]

LENGTHS = struct.Struct("<QQ")  # bytes of the JSON, bytes of all arrays
JSON_AT_MOST = 1 << 26  # bytes
ARRAYS_AT_MOST = 1 << 31  # bytes
KINDS = "biuf"  # allowed kinds of NumPy types: booleans and numbers
MARK = "$array"


def pack(value: Any) -> bytes:
    """Encodes a value as one message.

    Arguments:
        value: None, booleans, numbers, strings, arrays of booleans or numbers, and lists, tuples, mappings
            and dataclasses of them. Tuples are read back as lists, dataclasses as dictionaries.

    Raises:
        TypeError: If it contains anything else.
        ValueError: If it is too large.
    """
    arrays: list[np.ndarray] = []
    plain = _plain(value, arrays)
    types = [[array.dtype.str, array.shape] for array in arrays]
    text = json.dumps({"value": plain, "arrays": types}).encode()
    size = sum(array.nbytes for array in arrays)
    if len(text) > JSON_AT_MOST or size > ARRAYS_AT_MOST:
        raise ValueError(
            f"A message must hold at most {JSON_AT_MOST} bytes of JSON and {ARRAYS_AT_MOST} of arrays."
        )
    return b"".join([LENGTHS.pack(len(text), size), text, *(array.tobytes() for array in arrays)])


def read(stream: IO[bytes]) -> Any:
    """Reads one message.

    Raises:
        EOFError: If the stream ends before the message does.
        ValueError: If the bytes are not a message, or it is too large.
    """
    length, size = LENGTHS.unpack(_exactly(stream, LENGTHS.size))
    if length > JSON_AT_MOST or size > ARRAYS_AT_MOST:
        raise ValueError("The message is too large.")
    text, raw = _exactly(stream, length), _exactly(stream, size)
    try:
        outer = json.loads(text)
        arrays = _arrays(outer["arrays"], raw)
        return _restored(outer["value"], arrays)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"The message is not valid: {error}.") from error


def _plain(value: Any, arrays: list[np.ndarray]) -> Any:
    """The value with arrays replaced by their numbers; the arrays are appended to `arrays`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return _plain(value.item(), arrays)
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in KINDS:
            raise TypeError(f"An array must hold booleans or numbers. Got {value.dtype}.")
        arrays.append(value)
        return {MARK: len(arrays) - 1}
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str) or name == MARK:
                raise TypeError(f"A key must be a text other than {MARK!r}. Got {name!r}.")
        return {name: _plain(each, arrays) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, arrays) for each in value]
    raise TypeError(f"A message cannot hold a value of type {type(value).__name__}.")


def _arrays(types: list[Any], raw: bytearray) -> list[np.ndarray]:
    """The arrays of these types and shapes; writable views of `raw`."""
    arrays, start = [], 0
    for name, shape in types:
        dtype = np.dtype(str(name))
        if dtype.kind not in KINDS or not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError(f"an array cannot have the type {name!r} and the shape {shape}")
        count = math.prod(shape)
        end = start + count * dtype.itemsize
        if end > len(raw):
            raise ValueError("its arrays are longer than its bytes")
        arrays.append(np.frombuffer(raw, dtype, count, start if count else 0).reshape(shape))
        start = end
    if start != len(raw):
        raise ValueError("its arrays are shorter than its bytes")
    return arrays


def _restored(value: Any, arrays: list[np.ndarray]) -> Any:
    """The value with the arrays put back."""
    if isinstance(value, dict):
        if value.keys() == {MARK}:
            return arrays[value[MARK]]
        return {name: _restored(each, arrays) for name, each in value.items()}
    return [_restored(each, arrays) for each in value] if isinstance(value, list) else value


def _exactly(stream: IO[bytes], count: int) -> bytearray:
    """The next `count` bytes."""
    data = bytearray()
    while len(data) < count:
        chunk = stream.read(min(count - len(data), 1 << 20))
        if not chunk:
            raise EOFError("The stream ended within a message.")
        data += chunk
    return data
