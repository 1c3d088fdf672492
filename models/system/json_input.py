"""Reads untrusted JSON and safetensors: bounded in size, with or without a byte order mark."""

from __future__ import annotations

import codecs
import json
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load as unpack

__all__ = ["JSON_AT_MOST", "looks_like_json", "read_json", "read_object", "read_tensors"]

JSON_AT_MOST = 1 << 24  # bytes
BOM = "\ufeff"


def read_json(data: bytes | str, what: str, most: int = JSON_AT_MOST) -> Any:
    """Parses JSON in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Arguments:
        data: The text or its bytes, untrusted.
        what: Name of the data in messages, such as "A recipe".
        most: Limit in bytes, or in characters of a string.

    Raises:
        ValueError: If it is too large or not JSON; the message names `what` and the position.
    """
    if len(data) > most:
        raise ValueError(f"{what} must take at most {_size(most)}. Got {_size(len(data))}.")
    try:
        return json.loads(data.removeprefix(BOM) if isinstance(data, str) else data)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        raise ValueError(f"{what} must be JSON. This is not: {reason.rstrip('.')}.") from error


def read_object(data: bytes | str, what: str, most: int = JSON_AT_MOST) -> dict[str, Any]:
    """Parses JSON that must be an object; the arguments are those of `read_json`.

    Raises:
        ValueError: If it is too large, not JSON, or not an object.
    """
    value = read_json(data, what, most)
    if not isinstance(value, dict):
        raise ValueError(f"{what} must hold one JSON object. Got {type(value).__name__}.")
    return value


def looks_like_json(data: bytes) -> bool:
    """Whether a file starts like a JSON object or list, perhaps after a byte order mark."""
    if data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return data.lstrip()[:1] in (b"{", b"[") and b"\0" not in data[:8]  # safetensors starts with a length


def read_tensors(data: bytes, what: str, most: int = JSON_AT_MOST) -> tuple[dict[str, Any], dict[str, str]]:
    """Reads the tensors and the metadata of a safetensors file.

    Arguments:
        data: The file's bytes, untrusted.
        what: Name of the data in messages.
        most: Limit in bytes.

    Raises:
        ValueError: If it is too large or not a safetensors file.
    """
    if len(data) > most:
        raise ValueError(f"{what} must take at most {_size(most)}. Got {_size(len(data))}.")
    try:
        tensors = unpack(data)
        header = read_object(data[8 : 8 + int.from_bytes(data[:8], "little")], "Its header")
        metadata = header.get("__metadata__") or {}  # null means none
        return tensors, {str(name): str(value) for name, value in metadata.items()}
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error)[:120].rstrip(".")
        raise ValueError(f"{what} must be a safetensors file. This one cannot be read: {reason}.") from error


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count:,} bytes"
