"""Messages between processes: every value comes back, and bytes that are none are refused."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from explorer.jobs import messages


@dataclass
class Pair:
    name: str
    vector: np.ndarray


def through(value: Any) -> Any:
    return messages.read(io.BytesIO(messages.pack(value)))


def test_plain_values_and_dataclasses_round_trip() -> None:
    value = {"a": None, "b": [True, 1, -2.5, "ü\0"], "c": {"d": []}, "e": float("inf")}
    assert through(value) == value
    assert through((1, np.float32(0.5), np.int64(3))) == [1, 0.5, 3]
    found = through([Pair("x", np.arange(3))])
    assert found[0]["name"] == "x" and found[0]["vector"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64", ">f4"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (7,), (2, 3, 4)])
def test_arrays_round_trip_exactly(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).normal(size=shape).astype(dtype)
    first, second = through({"both": [array, array.T]})["both"]
    np.testing.assert_array_equal(first, array, strict=True)
    np.testing.assert_array_equal(second, array.T, strict=True)
    assert first.flags.writeable
    empty, last = through([np.zeros((0, 2)), np.ones(2)])
    assert empty.shape == (0, 2) and last.tolist() == [1, 1]


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, {"$array": 0}, b"bytes", np.array([{}]), np.array(["text"]), {"a": {1, 2}}]
)
def test_anything_else_is_refused_when_it_is_sent(value: Any) -> None:
    with pytest.raises(TypeError):
        messages.pack(value)


def message(outer: Any, raw: bytes = b"") -> bytes:
    text = outer if isinstance(outer, bytes) else json.dumps(outer).encode()
    return struct.pack("<QQ", len(text), len(raw)) + text + raw


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack("<QQ", 1 << 40, 0),
        struct.pack("<QQ", 2, 1 << 50) + b"{}",
        message(b"\xff\xfe"),
        message([1]),
        message({"value": 1}),
        message(b"[" * 100_000),
        message({"value": {"$array": 0}, "arrays": []}),
        message({"value": {"$array": 0}, "arrays": [["|O", [1]]]}, bytes(8)),
        message({"value": {"$array": 0}, "arrays": [["<f4", [3]]]}, bytes(8)),
        message({"value": {"$array": 0}, "arrays": [["<f4", [1]]]}, bytes(8)),
        message({"value": {"$array": 0}, "arrays": [["<f4", [-1]]]}, bytes(8)),
        message({"value": {"$array": "0"}, "arrays": [["<f4", [2]]]}, bytes(8)),
        message({"value": {"$array": 0}, "arrays": [["<f4", [1 << 40, 1 << 40]]]}, bytes(8)),
        message({"value": {"$array": 0}, "arrays": [["nonsense", [2]]]}, bytes(8)),
    ],
)
def test_invalid_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        messages.read(io.BytesIO(raw))


def test_a_stream_that_ends_early_is_an_end() -> None:
    whole = messages.pack({"a": np.arange(4)})
    for length in (0, 3, 16, 30, len(whole) - 1):
        with pytest.raises(EOFError):
            messages.read(io.BytesIO(whole[:length]))


def test_oversized_messages_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "ARRAYS_AT_MOST", 100)
    with pytest.raises(ValueError, match="at most"):
        messages.pack(np.zeros(100))
