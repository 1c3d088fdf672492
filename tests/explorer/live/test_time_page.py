"""The Time connection: valid and invalid messages, and answers against direct calls of the model."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.live.messages import Ping
from explorer.live.routes import REFUSED
from explorer.live.time_page import Ask, OpenSequences, parse
from explorer.live.validation import WireError
from explorer.scene.engine import Engine
from explorer.scene.forecasts import believed, expected, follow, futures, longest_jump, spread
from explorer.scene.loaded import Loaded
from explorer.scene.sequences import sequences_of
from tests.explorer.conftest import NAME, SEQUENCES
from tests.explorer.live.client import Client, close_code
from tests.explorer.live.test_messages import change

ROUTE = "/live/time"
OPEN = {"type": "open", "protocol": 1, "model": SEQUENCES}
FRAME: dict[str, Any] = {
    "type": "frame",
    "seq": 7,
    "sequence": 12,
    "seen": 4,
    "jump": 3,
    "samples": 5,
    "seed": 2,
    "steps": 6,
    "by": 2,
    "want": ["future", "belief"],
}


@pytest.fixture
def moving(shared_engine: Engine, places: None) -> Loaded:
    return shared_engine.open_sync(SEQUENCES)


def frame(seq: int = 0, **changes: Any) -> dict[str, Any]:
    return {**FRAME, "seq": seq, **changes}


def opened(server: str) -> Client:
    client = Client(server, None, route=ROUTE)
    client.opened = client.ask(OPEN)
    return client


def groups(answer: dict[str, Any]) -> dict[str, np.ndarray]:
    """The pictures of each group."""
    ends = np.cumsum([count for _, count in answer["groups"]])
    parts = np.split(answer["pixels"], ends[:-1])
    return {name: part for (name, _), part in zip(answer["groups"], parts, strict=True)}


def near(one: np.ndarray, other: np.ndarray) -> None:
    """The same pictures, but for a level where a value lies on the edge of two."""
    assert one.shape == other.shape
    assert np.abs(one.astype(int) - other.astype(int)).max() <= 1


def test_good_messages() -> None:
    assert parse(json.dumps(FRAME)) == Ask(7, 12, 4, 3, 5, 2, 6, 2, ("belief", "future"))
    assert parse(json.dumps(OPEN)) == OpenSequences(SEQUENCES, protocol=1)
    assert parse(json.dumps({**OPEN, "seq": 3})) == OpenSequences(SEQUENCES, protocol=1, seq=3)
    assert parse('{"type": "ping", "seq": 4}') == Ping(4)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("sequence", None, "frame must have `sequence`"),
        ("sequence", -1, "`sequence` must be a whole number"),
        ("seen", 0, "`seen` must be a whole number in 1..100"),
        ("seen", True, "`seen` must be a whole number"),
        ("seen", 101, "`seen` must be a whole number"),
        ("jump", 0, "`jump` must be a whole number in 1..64"),
        ("samples", 9, "`samples` must be a whole number in 1..8"),
        ("seed", 2**40, "`seed` must be a whole number"),
        ("steps", 41, "`steps` must be a whole number in 1..40"),
        ("by", 1.0, "`by` must be a whole number in 1..64"),
        ("want", [], "`want` must be a list"),
        ("want", ["jump", "jump"], "must not repeat a name"),
        ("want", ["input"], "`want[0]` must be one of"),
        ("want", "jump", "`want` must be a list"),
        ("item", 3, "frame may only have"),
    ],
)
def test_bad_frames_are_refused_with_their_number(path: str, value: Any, text: str) -> None:
    with pytest.raises(WireError) as caught:
        parse(change(FRAME, path, value))
    assert text in caught.value.message and caught.value.seq == 7
    assert len(caught.value.message) < 300


def test_bad_openings_and_items_are_refused() -> None:
    for body, text in (
        ({**OPEN, "model": "../x"}, "`model` must be the name of a checkpoint"),
        ({**OPEN, "protocol": 2}, "`protocol` must be 1"),
        ({**OPEN, "view": "umap"}, "open may only have"),
        ({"type": "items", "seq": 1, "items": [2], "source": "best"}, "`type` must be one of"),
    ):
        with pytest.raises(WireError, match=text):
            parse(json.dumps(body))


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
            lambda inner: st.dictionaries(st.sampled_from([*FRAME, "x"]), inner, max_size=6),
            max_leaves=8,
        ).map(json.dumps),
    )
)
def test_any_bytes_give_a_message_or_an_error(data: str | bytes) -> None:
    try:
        parse(data)
    except WireError as error:
        assert error.code in {"bad-message", "too-large"}


def test_opened_describes_the_sequences(server: str, moving: Loaded) -> None:
    with opened(server) as client:
        assert client.opened == {
            "type": "opened",
            "protocol": 1,
            "model": SEQUENCES,
            "version": moving.version,
            "shape": [1, 8, 8],
            "count": 300,
            "length": 10,
            "longest": 4,
        }


def test_a_frame_has_the_models_beliefs_and_predictions(server: str, moving: Loaded) -> None:
    followed = follow(moving, sequences_of(moving.entry.card), 12)
    z = {
        "belief": believed(moving, followed, 4, 2),
        "jump": futures(moving, followed, 4, 1, 3, 2)[:, 0],
        "future": futures(moving, followed, 4, 6, 2, 2)[:5].reshape(30, 6),
    }
    with opened(server) as client:
        answer = client.ask(frame(9, want=["belief", "jump", "future"]))
    found = groups(answer)
    assert (answer["seq"], answer["sequence"], answer["seen"], answer["jump"], answer["by"]) == (
        9,
        12,
        4,
        3,
        2,
    )
    assert answer["disagreement"] is None
    for name in ("belief", "jump"):
        pictures = moving.decoder(z[name])
        near(found[name], pictures[:5])
        near(found[f"{name}-mean"], np.round(pictures.mean(0, keepdims=True)).astype(np.uint8))
        near(found[f"{name}-spread"] // 2, spread(pictures)[None] // 2)
    near(found["future"], moving.decoder(z["future"]))


def test_frames_come_with_beliefs(server: str, moving: Loaded) -> None:
    followed = follow(moving, sequences_of(moving.entry.card), 12)
    with opened(server) as client:
        answer = client.ask(frame(want=["frames"]))
    found = groups(answer)
    assert list(found) == ["frames", "means", "spreads"]
    np.testing.assert_array_equal(found["frames"], followed.frames)
    near(found["means"], moving.decoder(expected(moving, followed)))
    drawn = moving.decoder(believed(moving, followed, 3, 2)[:16])
    near(found["spreads"][2] // 2, spread(drawn) // 2)
    far = moving.decoder(futures(moving, followed, 3, 1, longest_jump(moving), 2)[:16, 0])
    for name, pictures in (("now", drawn), ("ahead", far)):
        rms = np.sqrt((pictures / 255).var(0).mean())
        assert len(answer["disagreement"][name]) == followed.length
        assert answer["disagreement"][name][2] == pytest.approx(rms, abs=5e-4)


def test_a_jump_is_the_first_step_of_a_future_as_long(server: str) -> None:
    with opened(server) as client:
        found = groups(client.ask(frame(jump=2, by=2, steps=1, want=["jump", "future"])))
    near(found["jump"], found["future"])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sequence": 300}, "`sequence` must be one of 0..299"),
        ({"seen": 11}, "`seen` must lie in 1..10"),
        ({"by": 5}, "`length` must lie in"),
    ],
)
def test_requests_beyond_the_models_limits_are_reported(
    server: str, changes: dict[str, int], text: str
) -> None:
    with opened(server) as client:
        answer = client.ask(frame(3, **changes))
        assert (answer["type"], answer["code"], answer["seq"]) == ("error", "bad-message", 3)
        assert text in answer["message"]
        assert client.ask(frame(4))["type"] == "frame"


def test_other_models_and_frames_before_opening_are_refused(server: str) -> None:
    with Client(server, None, route=ROUTE) as client:
        assert client.ask(frame(1))["code"] == "not-open"
        answer = client.ask({**OPEN, "model": NAME})
        assert answer["code"] == "bad-message" and "sequence model" in answer["message"]
        assert client.ask({**OPEN, "model": "nobody"})["code"] == "unknown-model"


def test_missing_sequences_are_reported(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(card: object) -> None:
        raise ValueError("mnist/t10k.gz is missing.")

    monkeypatch.setattr("explorer.scene.sequences.sequences_of", missing)
    with Client(server, None, route=ROUTE) as client:
        assert "is missing" in client.ask(OPEN)["message"]


def test_other_origins_are_refused(server: str) -> None:
    assert close_code(server, ROUTE, "http://elsewhere.example") == REFUSED
