"""Tests of socket messages: valid, invalid and random bytes."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.live import messages
from explorer.live.messages import (
    Failure,
    Frame,
    GaugeReading,
    Handle,
    Items,
    Open,
    Ping,
    Strip,
    WireError,
    parse,
)

HANDLE = {"item": 3, "x": 1.25, "y": -3.5, "sliders": {"smile": 0.5}}
FRAME: dict[str, Any] = {
    "type": "frame",
    "seq": 7,
    "want": ["strip", "A"],
    "handles": {"A": HANDLE, "B": {"item": 0, "x": 1, "y": 2}},
    "strip": {"frames": 9, "path": "great-circle"},
    "residual": "fade",
}
OPEN = {"type": "open", "protocol": 1, "model": "faces-vae", "view": "dims-0-1"}
ITEMS = {"type": "items", "seq": 1, "items": [0, 5], "source": "best"}
PING = {"type": "ping", "seq": 0}


def test_good_messages() -> None:
    assert parse(json.dumps(OPEN)) == Open("faces-vae", "dims-0-1", protocol=1)
    assert parse(json.dumps(ITEMS)) == Items(1, (0, 5), "best")
    assert parse(json.dumps(PING).encode()) == Ping(0)
    handles = {"A": Handle(3, 1.25, -3.5, {"smile": 0.5}), "B": Handle(0, 1.0, 2.0, {})}
    expected = Frame(7, ("A", "strip"), handles, Strip(9, "great-circle"), "fade")
    assert parse(json.dumps(FRAME)) == expected


def test_b_may_be_left_out_if_it_is_not_requested() -> None:
    message = {"type": "frame", "seq": 0, "want": ["A"], "handles": {"A": HANDLE}}
    found = parse(json.dumps(message))
    assert isinstance(found, Frame)
    assert found.strip is None
    assert found.residual == "hold"


def change(message: dict[str, Any], path: str, value: Any) -> str:
    """The message with one value changed, or removed where it is None."""
    copy = json.loads(json.dumps(message))
    *way, last = path.split(".")
    inner = copy
    for name in way:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(copy)


BAD = [
    (FRAME, "seq", True, "`seq` must be a whole number.*Got True"),
    (FRAME, "seq", -1, "`seq` must be"),
    (FRAME, "seq", 2**60, "`seq` must be"),
    (FRAME, "seq", 1.0, "`seq` must be"),
    (FRAME, "seq", None, "frame must have `seq`"),
    (FRAME, "want", [], "`want` must be a list"),
    (FRAME, "want", ["A", "A"], "must not repeat a name"),
    (FRAME, "want", ["C"], r"`want\[0\]` must be one of"),
    (FRAME, "want", [["A"]], r"`want\[0\]` must be one of.*Got a list of 1"),
    (FRAME, "want", "A", "`want` must be a list"),
    (FRAME, "handles", [], "`handles` must be an object"),
    (FRAME, "handles.B", None, "`handles` must have `B`"),
    (FRAME, "handles.C", HANDLE, "Each name in `handles` must be one of: A, B. Got 'C'"),
    (FRAME, "handles.A", 1, "`handles.A` must be an object"),
    (FRAME, "handles.A.item", True, "`handles.A.item` must be a whole number"),
    (FRAME, "handles.A.item", 1.5, "`handles.A.item` must be a whole number"),
    (FRAME, "handles.A.x", "1", "`handles.A.x` must be a number in -1e\\+06..1e\\+06. Got '1'"),
    (FRAME, "handles.A.x", False, "`handles.A.x` must be a number"),
    (FRAME, "handles.A.y", 1e7, "`handles.A.y` must be a number"),
    (FRAME, "handles.A.y", 10**400, "`handles.A.y` must be a number"),
    (FRAME, "handles.A.z", 1, "`?handles.A`? may only have item, x, y, sliders. Got 'z'"),
    (FRAME, "handles.A.sliders", [], "`handles.A.sliders` must be an object"),
    (FRAME, "handles.A.sliders.smile", 5.1, "`handles.A.sliders.smile` must be a number in -5..5"),
    (
        FRAME,
        "handles.A.sliders.S MILE",
        1,
        "Each name in `handles.A.sliders` must be the name of a direction.*Got 'S MILE'",
    ),
    (FRAME, "handles.A.sliders", {f"s{n}": 0 for n in range(65)}, "at most 64 sliders"),
    (FRAME, "strip", None, "`strip` must be given"),
    (FRAME, "strip.frames", 4, "`strip.frames` must be a whole number in 5..15. Got 4"),
    (FRAME, "strip.frames", 16, "`strip.frames` must be"),
    (FRAME, "strip.path", "curly", "`strip.path` must be one of: straight, great-circle. Got 'curly'"),
    (FRAME, "residual", "keep", "`residual` must be one of: hold, fade"),
    (FRAME, "colour", "red", "frame may only have"),
    (FRAME, "type", "jump", "`type` must be one of: open, frame, items, ping. Got 'jump'"),
    (FRAME, "type", ["frame"], "`type` must be one of"),
    (FRAME, "type", None, "`type` must be one of.*Got None"),
    (OPEN, "protocol", 2, "`protocol` must be 1; reload the page.*Got 2"),
    (OPEN, "protocol", True, "`protocol` must be 1"),
    (OPEN, "model", "../etc", "`model` must be the name of a checkpoint"),
    (OPEN, "model", "/etc", "`model` must be"),
    (OPEN, "model", 3, "`model` must be"),
    (OPEN, "view", "a/b", "`view` must be the id of a view"),
    (OPEN, "view", "", "`view` must be"),
    (ITEMS, "items", [], "`items` must be a list of 1 to 64"),
    (ITEMS, "items", [0] * 65, "`items` must be a list of 1 to 64"),
    (ITEMS, "items", [-1], r"`items\[0\]` must be a whole number"),
    (ITEMS, "items", [True], r"`items\[0\]` must be a whole number"),
    (ITEMS, "source", "original", "`source` must be one of: reconstruction, best"),
]


@pytest.mark.parametrize(("message", "path", "value", "text"), BAD)
def test_bad_fields_are_named(message: dict[str, Any], path: str, value: Any, text: str) -> None:
    with pytest.raises(WireError, match=text) as caught:
        parse(change(message, path, value))
    assert caught.value.code == "bad-message"
    assert caught.value.seq == (message.get("seq") if path != "seq" else None)
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("", "one JSON object"),
        ("[]", "one JSON object. Got a list of 0"),
        ("null", "one JSON object. Got None"),
        ('{"type":"ping","seq":1} x', "one JSON object"),
        ('{"type":"ping","seq":1,"seq":2}', "once in an object. Got 'seq'"),
        ('{"type":"ping","seq":NaN}', "must be finite. Got NaN"),
        ('{"type":"ping","seq":-Infinity}', "must be finite. Got -Infinity"),
        ('{"type":"ping","seq":1e999}', "`seq` must be a whole number"),
        ('{"type":"ping","seq":' + "9" * 9000 + "}", "one JSON object"),
        ("[" * 16_000, "nest this deeply"),
        ('{"a":' * 3000, "nest this deeply"),
        ('{"type":"\\ud800","seq":1}', "`type` must be one of"),
        (b"\xff\xfe", "UTF-8"),
        (b"\x00" * 100, "one JSON object"),
    ],
)
def test_bad_texts(raw: str | bytes, text: str) -> None:
    with pytest.raises(WireError, match=text):
        parse(raw)


@pytest.mark.parametrize("raw", ["x" * 16_385, b"x" * 16_385, "é" * 8193, b"[" * 10**6])
def test_the_size_is_bounded_in_bytes(raw: str | bytes) -> None:
    with pytest.raises(WireError, match="at most 16384 bytes") as caught:
        parse(raw)
    assert caught.value.code == "too-large"


def test_the_largest_message_is_accepted() -> None:
    assert parse(json.dumps(PING).ljust(16_384)) == Ping(0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
FIELDS = [
    "type",
    "seq",
    "want",
    "handles",
    "strip",
    "residual",
    "protocol",
    "model",
    "view",
    "items",
]
NEAR = st.builds(
    lambda base, changes: {**base, **changes},
    st.sampled_from([FRAME, OPEN, ITEMS, PING]),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3),
)


def check(raw: str | bytes) -> None:
    """Whatever comes is a message that keeps its promises, or an error that can be sent."""
    try:
        found = parse(raw)
    except WireError as problem:
        sent = json.loads(messages.error(problem))
        assert sent["type"] == "error"
        assert sent["code"] in ("bad-message", "too-large")
        assert sent["message"].isascii()
        assert len(messages.error(problem)) < 2000
        return
    assert isinstance(found, Open | Frame | Items | Ping)
    if isinstance(found, Frame):
        for handle in found.handles.values():
            assert type(handle.item) is int
            assert type(handle.x) is float
            assert np.isfinite([handle.x, handle.y, *handle.sliders.values()]).all()
            assert max(map(abs, (handle.x, handle.y))) <= 1e6


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    check(raw)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | JSON.map(json.dumps) | NEAR.map(json.dumps))
def test_any_json(raw: str) -> None:
    check(raw)


def test_answer_layout() -> None:
    pictures = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    for name in ("a", "ab", "abc", "abcd"):
        raw = messages.answer(Failure("busy", name, None), pictures)
        (length,) = struct.unpack_from("<I", raw, 4)
        assert raw[:4] == b"LXP1"
        assert (8 + length) % 4 == 0
        header = {"type": "error", "code": "busy", "message": name, "seq": None}
        assert json.loads(raw[8 : 8 + length]) == header
        assert raw[8 + length :] == pictures.tobytes()


def test_answers_hold_no_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        messages.answer(GaugeReading(float("nan"), 1.0, 2), [])
