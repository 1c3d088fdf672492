"""The anatomy connection: valid and invalid messages, and frames against direct calls of the model."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.live.anatomy import Turn, parse
from explorer.live.messages import Items, Open, Ping
from explorer.live.routes import REFUSED
from explorer.live.validation import WireError
from explorer.scene.inspection import encode_item, latent_at, noise, terms
from explorer.scene.loaded import Loaded
from tests.explorer.live.client import Client, close_code
from tests.explorer.live.test_messages import change

ROUTE = "/live/anatomy"
FRAME: dict[str, Any] = {
    "type": "frame",
    "seq": 7,
    "item": 3,
    "draw": 11,
    "turn": {"0": 0.5, "5": -2},
    "want": ["picture", "input"],
}


@pytest.fixture(autouse=True)
def no_originals(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data set is not on this machine, unless a test says so."""
    monkeypatch.setattr(loaded.originals, "start", lambda: None)
    monkeypatch.setattr(loaded.originals, "state", "absent")
    monkeypatch.setattr(loaded.originals, "get", lambda items: [None] * len(items))


def frame(seq: int = 0, **changes: Any) -> dict[str, Any]:
    return {**FRAME, "seq": seq, **changes}


def anatomy(server: str, view: str = "dims-0-5", **options: Any) -> Client:
    return Client(server, view, route=ROUTE, **options)


def test_good_messages() -> None:
    assert parse(json.dumps(FRAME)) == Turn(7, 3, 11, {"0": 0.5, "5": -2.0}, ("input", "picture"))
    mean = parse(json.dumps(frame(1, draw=None, turn={}, want=["picture"])))
    assert mean == Turn(1, 3, None, {}, ("picture",))
    opening = {"type": "open", "protocol": 1, "model": "faces-vae", "view": "dims-0-1"}
    assert parse(json.dumps(opening)) == Open("faces-vae", "dims-0-1", protocol=1)
    assert parse('{"type": "items", "seq": 1, "items": [2], "source": "best"}') == Items(1, (2,), "best")
    assert parse('{"type": "ping", "seq": 4}') == Ping(4)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("item", None, "frame must have `item`"),
        ("item", -1, "`item` must be a whole number"),
        ("item", True, "`item` must be a whole number"),
        ("draw", 1.5, "`draw` must be a whole number"),
        ("draw", 2**40, "`draw` must be a whole number"),
        ("turn", [], "`turn` must be an object"),
        ("turn", {str(n): 1 for n in range(65)}, "at most 64 dimensions"),
        ("turn", {"-1": 1}, "Each name in `turn` must be the number of a dimension"),
        ("turn", {"01": 1}, "Each name in `turn` must be the number of a dimension"),
        ("turn", {"٣": 1}, "Each name in `turn` must be the number of a dimension"),
        ("turn", {"0": "1"}, "`turn.0` must be a number"),
        ("turn", {"0": 1e9}, "`turn.0` must be a number"),
        ("turn", {"0": True}, "`turn.0` must be a number"),
        ("want", [], "`want` must be a list"),
        ("want", ["input", "input"], "must not repeat a name"),
        ("want", ["A"], "`want[0]` must be one of"),
        ("want", "input", "`want` must be a list"),
        ("handles", {}, "frame may only have"),
    ],
)
def test_bad_frames_are_refused_with_their_number(path: str, value: Any, text: str) -> None:
    with pytest.raises(WireError) as caught:
        parse(change(FRAME, path, value))
    assert text in caught.value.message and caught.value.seq == 7
    assert len(caught.value.message) < 300


def test_a_missing_draw_must_be_null() -> None:
    with pytest.raises(WireError, match="frame must have `draw`"):
        parse(json.dumps({name: value for name, value in FRAME.items() if name != "draw"}))


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: st.dictionaries(st.sampled_from([*FRAME, "x"]), inner, max_size=5),
            max_leaves=6,
        ).map(json.dumps),
    )
)
def test_any_bytes_give_a_message_or_an_error(data: str | bytes) -> None:
    try:
        parse(data)
    except WireError as error:
        assert error.code in {"bad-message", "too-large"}


def test_a_frame_is_the_latent_at_this_eps(server: str, loaded: Loaded) -> None:
    encoded = encode_item(loaded, 3)
    eps = noise(encoded, 11, {0: 0.5, 5: -2.0})
    z = latent_at(encoded, eps)
    with anatomy(server) as client:
        answer = client.ask(frame(9))
    assert (answer["type"], answer["seq"], answer["item"]) == ("frame", 9, 3)
    assert answer["pictures"] == ["input", "picture"] and answer["source"] == "reconstruction"
    np.testing.assert_array_equal(answer["pixels"][0], encoded.picture)
    assert np.abs(answer["pixels"][1].astype(int) - loaded.decoder(z[None])[0].astype(int)).max() <= 1
    for name, values in (("mean", encoded.mean), ("scale", encoded.scale), ("turn", eps)):
        np.testing.assert_allclose(answer["at"][name], values[[0, 5]], rtol=1e-6)
    costs = terms(loaded, encoded, z)
    expected = {**costs._asdict(), "log_weight": costs.log_weight}
    assert answer["terms"] == pytest.approx(expected, rel=1e-5)
    at_mean = terms(loaded, encoded, encoded.mean)
    assert answer["at_mean"] == pytest.approx(
        {**at_mean._asdict(), "log_weight": at_mean.log_weight}, rel=1e-5
    )
    gauge = loaded.neighbours.query(z[None])
    assert answer["gauge"] == {
        "percentile": round(float(gauge.percentile[0]), 2),
        "distance": pytest.approx(float(gauge.distance[0]), abs=1e-4),
        "nearest": gauge.nearest[0],
    }


def test_the_mean_and_other_items_and_dimensions(server: str, loaded: Loaded) -> None:
    with anatomy(server, "dims-4-1") as client:
        for seq, item in enumerate((0, 299, 0)):
            answer = client.ask(frame(seq, item=item, draw=None, turn={}, want=["picture"]))
            encoded = encode_item(loaded, item)
            assert answer["pictures"] == ["picture"] and answer["pixels"].shape == (1, 8, 8, 1)
            assert answer["at_mean"] is None
            assert answer["at"]["turn"] == [0.0, 0.0]
            np.testing.assert_allclose(answer["at"]["mean"], encoded.mean[[4, 1]], rtol=1e-6)


def test_items_are_shown_as_on_the_stage(server: str, loaded: Loaded) -> None:
    with anatomy(server) as client:
        answer = client.ask({"type": "items", "seq": 1, "items": [5], "source": "reconstruction"})
    assert answer["names"] == ["test 5"] and "Digit" in answer["labels"][0]


@pytest.mark.parametrize(
    ("view", "changes", "code", "text"),
    [
        ("dims-0-5", {"item": 300}, "bad-message", "`item` must be one of 0..299"),
        ("dims-0-5", {"turn": {"6": 1}}, "bad-message", "dimensions of 0..5. Got 6"),
        ("umap", {}, "unknown-view", "The view must be dims-I-J"),
        ("dims-0-5", {"draw": -1}, "bad-message", "`draw` must be"),
    ],
)
def test_requests_that_the_model_does_not_support_are_reported(
    view: str, changes: dict[str, Any], code: str, text: str, server: str, loaded: Loaded
) -> None:
    with anatomy(server, view) as client:
        answer = client.ask(frame(5, **changes))
        assert (answer["type"], answer["code"], answer["seq"]) == ("error", code, 5)
        assert text in answer["message"]
        assert client.ask({"type": "ping", "seq": 6})["type"] == "pong", "the connection stays"


def test_frames_before_opening_and_other_origins(server: str) -> None:
    with Client(server, None, route=ROUTE) as client:
        assert client.ask(frame(1))["code"] == "not-open"
    assert close_code(server, ROUTE, "http://evil.example") == REFUSED


def test_the_newest_frame_wins(server: str, loaded: Loaded) -> None:
    with anatomy(server) as client:
        for seq in range(200):
            client.send(frame(seq, turn={"0": seq / 100}))
        seen = []
        while not seen or seen[-1] < 199:
            seen.append(client.read()["seq"])
    assert seen == sorted(seen) and len(seen) < 200


def test_an_original_loaded_later_is_used(
    server: str, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.full((8, 8, 1), 90, np.uint8)
    with anatomy(server) as client:
        assert client.ask(frame(0))["source"] == "reconstruction"
        monkeypatch.setattr(loaded.originals, "get", lambda items: [picture] * len(items))
        monkeypatch.setattr(loaded.originals, "state", "ready")
        answer = client.ask(frame(1))
    assert answer["source"] == "original"
    np.testing.assert_array_equal(answer["pixels"][0], picture)
