"""Tests of the live socket against a running server."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from explorer.latent.geometry.paths import fractions, great_circle
from explorer.live import stage as session_module
from explorer.live.routes import REFUSED
from explorer.live.stage import StageConnection
from explorer.scene.engine import Engine
from explorer.scene.handles import level_of
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve
from tests.explorer.live.client import Client, close_code, frame


def at_home(loaded: Loaded, view: str, item: int, **sliders: float) -> dict[str, Any]:
    """A handle on its item."""
    x, y = resolve(loaded, view).xy[item]
    return {"item": item, "x": float(x), "y": float(y), "sliders": sliders}


def near(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.abs(found.astype(int) - expected.astype(int)).max() <= 1)


def test_opened_describes_the_model(server: str, loaded: Loaded) -> None:
    with Client(server) as client:
        assert client.opened == {
            "type": "opened",
            "protocol": 1,
            "model": "tiny-vae",
            "version": loaded.version,
            "view": "umap",
            "count": 300,
            "latent": 6,
            "shape": [1, 8, 8],
        }


def test_loaded_originals_are_reported(server: str, loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    until = time.monotonic() + 60
    while loaded.originals.state == "loading" and time.monotonic() < until:  # for another test
        time.sleep(0.05)
    monkeypatch.setattr(loaded.originals, "start", lambda: None)
    monkeypatch.setattr(loaded.originals, "state", "loading")
    with Client(server) as client:
        client.ask(frame(0, handles={"A": at_home(loaded, "umap", 3)}))
        assert client.originals == ["loading"]
        monkeypatch.setattr(loaded.originals, "state", "absent")
        deadline = time.monotonic() + 10
        while len(client.originals) < 2 and time.monotonic() < deadline:
            client.ask({"type": "ping", "seq": 1})
            time.sleep(0.05)
        assert client.originals == ["loading", "absent"]


@pytest.mark.parametrize("view", ["umap", "pca", "dims-4-1", "plane-even--ink"])
def test_an_unmoved_handle_shows_its_item(view: str, server: str, loaded: Loaded) -> None:
    with Client(server, view) as client:
        for item in (0, 41, 299):
            answer = client.ask(frame(item, handles={"A": at_home(loaded, view, item)}))
            expected = loaded.decoder(loaded.atlas.mean[item : item + 1])
            assert near(answer["pixels"], expected)
            gauge = answer["handles"]["A"]
            assert (answer["seq"], gauge["nearest"]) == (item, item)
            scaled = loaded.atlas.mean * loaded.neighbours.metric
            tenth = np.sort(np.linalg.norm(scaled - scaled[item], axis=1))[9]  # itself is the first
            assert gauge["distance"] == pytest.approx(tenth, abs=1e-4)


def test_sliders_add_their_directions(server: str, loaded: Loaded) -> None:
    handle = at_home(loaded, "pca", 5, **{"even": 1.5, "digit-3": -0.5, "ink": 0.0})
    z = loaded.atlas.mean[5] + 1.5 * loaded.directions["even"].vector
    z -= 0.5 * loaded.directions["digit-3"].vector
    with Client(server, "pca") as client:
        answer = client.ask(frame(1, handles={"A": handle}))
    assert near(answer["pixels"], loaded.decoder(z[None]))


@pytest.mark.parametrize("view", ["umap", "pca"])
def test_a_strip_goes_from_a_to_b(view: str, server: str, loaded: Loaded) -> None:
    handles = {"A": at_home(loaded, view, 3, even=0.5), "B": at_home(loaded, view, 8)}
    strip = {"frames": 7, "path": "great-circle"}
    with Client(server, view) as client:
        answer = client.ask(frame(2, ("strip", "B", "A"), handles=handles, strip=strip))
    assert answer["pictures"] == ["A", "B", *(f"S{n}" for n in range(7))]
    a = loaded.atlas.mean[3] + np.float32(0.5) * loaded.directions["even"].vector
    expected = loaded.decoder(great_circle(a, loaded.atlas.mean[8], fractions(7)))
    assert near(answer["pixels"][2:], expected)
    assert near(answer["pixels"][:2], expected[[0, 6]])
    assert len(answer["path"]) == len(answer["off"]) == 7
    ends = [[handles[n]["x"], handles[n]["y"]] for n in "AB"]
    np.testing.assert_allclose([answer["path"][0], answer["path"][-1]], ends, atol=1e-4)
    assert all(0 <= percent <= 100 for percent in answer["off"])
    assert answer["off"][6] == answer["handles"]["B"]["percentile"]


@pytest.mark.parametrize("view", ["pca", "dims-0-1"])
def test_one_level_is_interpolated_alone(view: str, server: str, flow: Loaded) -> None:
    handles = {"A": at_home(flow, view, 3), "B": at_home(flow, view, 8)}
    strip = {"frames": 5, "path": "straight"}
    with Client(server, view, model="tiny-flow") as client:
        answer = client.ask(frame(2, ("strip", "B", "A"), handles=handles, strip=strip, level=1))
    own = level_of(flow, 1)
    mixed = flow.atlas.mean[3].copy()
    mixed[own] = flow.atlas.mean[8, own]
    assert near(answer["pixels"][:2], flow.decoder(flow.atlas.mean[[3, 8]]))
    assert near(answer["pixels"][-1:], flow.decoder(mixed[None]))
    assert len(answer["path"]) == 5
    assert answer["off"] == [], "a flow has no gauge"
    assert [handle["percentile"] for handle in answer["handles"].values()] == [None, None]
    handles["A"] |= {
        "x": handles["A"]["x"] + 3,
        "y": handles["A"]["y"] - 2,
    }  # of which one level shows a part
    with Client(server, view, model="tiny-flow") as client:
        answer = client.ask(frame(3, ("strip",), handles=handles, strip=strip, level=1))
    np.testing.assert_allclose(answer["path"][0], [handles["A"]["x"], handles["A"]["y"]], atol=1e-4)


def test_items_have_names_and_labels(server: str, loaded: Loaded) -> None:
    items = [5, 299, 5]
    with Client(server) as client:
        message = {"type": "items", "seq": 4, "items": items, "source": "reconstruction"}
        answer = client.ask(message)
    assert near(answer["pixels"], loaded.decoder(loaded.atlas.mean[items]))
    assert answer["sources"] == ["reconstruction"] * 3
    assert answer["names"] == ["test 5", "train 199", "test 5"]
    attributes = loaded.atlas.attributes
    digit = int(attributes["digit"].values[5])
    assert answer["labels"][0] == {
        "Digit": str(digit),
        "Even": "yes" if digit % 2 == 0 else "no",
        "Loop": "closed" if digit in (0, 6, 8, 9) else "open",
        "Ink": f"{attributes['ink'].values[5]:.2f}",
    }


def test_a_socket_changes_model_and_view(server: str) -> None:
    with Client(server) as client:
        opened = client.ask({"type": "open", "protocol": 1, "model": "flat-vae", "view": "raw"})
        assert (opened["model"], opened["latent"]) == ("flat-vae", 2)
        handles = {"A": {"item": 0, "x": 0, "y": 0}}
        assert client.ask(frame(1, handles=handles))["type"] == "frame"


@pytest.mark.parametrize(
    ("model", "view", "code", "text"),
    [
        ("nobody", "umap", "unknown-model", "Unknown model 'nobody'"),
        ("broken-vae", "umap", "broken-model", "SHA-256"),
        ("tiny-vae", "nowhere", "unknown-view", "Unknown view 'nowhere'"),
        ("tiny-vae", "raw", "unknown-view", "Unknown view 'raw'"),
        ("tiny-vae", "dims-0-6", "unknown-view", r"two dimensions of 0..5. Got 0 and 6"),
        ("tiny-vae", "plane-even--even", "unknown-view", "parallel"),
        ("tiny-vae", "umap-00000000", "unknown-view", "not on this machine"),
    ],
)
def test_invalid_openings(model: str, view: str, code: str, text: str, server: str) -> None:
    with Client(server, view, model) as client:
        assert client.opened["type"] == "error"
        assert client.opened["code"] == code
        assert text in client.opened["message"]
        answer = client.ask(frame(3))
        assert (answer["code"], answer["seq"]) == ("not-open", 3)
        good = client.ask({"type": "open", "protocol": 1, "model": "tiny-vae", "view": "pca"})
        assert good["type"] == "opened"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (frame(9, handles={"A": {"item": 300, "x": 0, "y": 0}}), "`item` must be one of 0..299"),
        (
            frame(9, handles={"A": {"item": 0, "x": 0, "y": 0, "sliders": {"wings": 1}}}),
            "must name directions of tiny-vae.*Got 'wings'",
        ),
        ({"type": "items", "seq": 9, "items": [0, 300], "source": "best"}, "Got 300"),
        (frame(9, residual="keep"), "`residual` must be one of"),
    ],
)
def test_errors_carry_the_number_and_the_connection_stays(
    message: dict[str, Any], text: str, server: str
) -> None:
    with Client(server) as client:
        answer = client.ask(message)
        assert (answer["type"], answer["code"], answer["seq"]) == ("error", "bad-message", 9)
        assert re.search(text, answer["message"])
        assert client.ask(frame(10))["seq"] == 10


def test_newest_wins(server: str, shared_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100 frames sent while one is in work, the first and the last are answered, no other."""
    loaded = shared_engine.open_sync("tiny-vae")
    inner, gate, entered, rows = loaded.decoder, threading.Event(), threading.Event(), []

    def slow(z: np.ndarray) -> np.ndarray:
        rows.append(len(z))
        entered.set()
        assert gate.wait(10)
        return inner(z)

    with Client(server) as client:
        slow.latent, slow.shape, slow.nbytes = inner.latent, inner.shape, 0  # type: ignore[attr-defined]
        monkeypatch.setattr(loaded, "decoder", slow)
        client.send(frame(0))
        assert entered.wait(10)
        for seq in range(1, 101):
            client.send(frame(seq))
        assert client.ask({"type": "ping", "seq": 5}) == {"type": "pong", "seq": 5}
        gate.set()
        assert [client.read()["seq"], client.read()["seq"]] == [0, 100]
        with pytest.raises(TimeoutError):
            client.read(0.1)
    assert rows == [1, 1]


def test_items_never_stand_before_a_frame_and_are_bounded(
    server: str, shared_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = shared_engine.open_sync("tiny-vae")
    gate, real = threading.Event(), shared_engine.decode

    async def slow(*args: Any, background: bool = False, **options: Any) -> Any:
        if background:
            await asyncio.to_thread(gate.wait, 10)
        return await real(*args, background=background, **options)

    monkeypatch.setattr(shared_engine, "decode", slow)
    with Client(server) as client:
        for seq in range(12):
            client.send({"type": "items", "seq": seq, "items": [seq], "source": "reconstruction"})
            if seq == 0:
                time.sleep(0.05)  # it is in work, so the next eight wait
        busy = [client.read() for _ in range(3)]
        assert [(a["code"], a["seq"]) for a in busy] == [("busy", 9), ("busy", 10), ("busy", 11)]
        assert client.ask(frame(50))["seq"] == 50
        gate.set()
        assert [client.read()["seq"] for _ in range(9)] == list(range(9))
    assert loaded.count == 300


def test_an_evicted_model_is_loaded_again(server: str, shared_engine: Engine, places: None) -> None:
    with Client(server) as client:
        with shared_engine._models:
            shared_engine._slots.clear()
        assert client.ask(frame(1))["seq"] == 1


def test_oversized_messages_close_the_connection(server: str) -> None:
    with Client(server, None) as client:
        answer = client.ask({"type": "ping", "seq": 1, "x": "x" * 20_000})
        assert answer["code"] == "too-large"
        with pytest.raises(ConnectionClosed):
            client.read()
        assert client.socket.close_code == 1009


def test_many_bad_messages_in_a_row_are_closed(server: str) -> None:
    with Client(server, None) as client:
        for _ in range(session_module.BAD_IN_A_ROW):
            client.socket.send(b"\xff\x00")
        codes = [client.read()["code"] for _ in range(session_module.BAD_IN_A_ROW)]
        assert set(codes) == {"bad-message"}
        with pytest.raises(ConnectionClosed):
            client.read()
        assert client.socket.close_code == 1008


def test_a_good_message_between_bad_ones_is_forgiven(server: str) -> None:
    with Client(server, None) as client:
        for seq in range(2 * session_module.BAD_IN_A_ROW):
            assert client.ask({"type": "oops"})["code"] == "bad-message"
            if seq % 10 == 9:
                assert client.ask({"type": "ping", "seq": seq})["type"] == "pong"


def test_a_flood_does_not_slow_another_session_and_is_closed(
    server: str, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SLOWED_AT_MOST", 50), ("RATE", 100.0), ("BURST", 60.0)):
        monkeypatch.setattr(session_module, name, value)
    stop = threading.Event()
    codes: list[int | None] = []
    text = json.dumps(frame(1, ("A", "B")))

    def flood() -> None:
        with Client(server, close_timeout=0.1) as client:
            until = time.monotonic() + 20
            reader = threading.Thread(target=lambda: drain(client), daemon=True)
            reader.start()
            try:
                while not stop.is_set() and time.monotonic() < until:
                    for _ in range(50):
                        client.socket.send(text)
                    time.sleep(0.01)  # leaves the interpreter, which the server shares, to it
            except ConnectionClosed:
                codes.append(client.socket.close_code)

    def drain(client: Client) -> None:
        try:
            while True:
                client.read(5)
        except (ConnectionClosed, TimeoutError):
            return

    floods = [threading.Thread(target=flood) for _ in range(2)]
    for thread in floods:
        thread.start()
    try:
        with Client(server) as client:
            expected = client.ask(frame(0))["pixels"]
            times = []
            for seq in range(1, 40):
                start = time.perf_counter()
                answer = client.ask(frame(seq))
                times.append(time.perf_counter() - start)
                assert answer["seq"] == seq
                assert near(answer["pixels"], expected)
            assert np.median(times) < 0.25
        for thread in floods:
            thread.join(20)
    finally:
        stop.set()
        for thread in floods:
            thread.join()
    assert codes == [1008, 1008]


def test_reading_is_paced(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "RATE", 200.0)
    monkeypatch.setattr(session_module, "BURST", 20.0)
    with Client(server, None) as client:
        start = time.monotonic()
        for seq in range(60):
            client.send({"type": "ping", "seq": seq})
        assert [client.read()["seq"] for _ in range(60)] == list(range(60))
        assert time.monotonic() - start > 0.15  # 40 more than the burst, at 200 a second


class DeafSocket:
    """A client that keeps sending but accepts no binary answer."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.messages = [json.dumps(message) for message in messages]
        self.answers: list[dict[str, Any]] = []
        self.offered = 0

    async def accept(self) -> None:
        """Nothing to do."""

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.sleep(0.2)
            return {"type": "websocket.disconnect", "code": 1005}
        if len(self.answers) == 0 and self.offered == 0 and '"open"' not in self.messages[0]:
            await asyncio.sleep(0.05)  # the model opens
        return {"type": "websocket.receive", "text": self.messages.pop(0)}

    async def send_text(self, text: str) -> None:
        self.answers.append(json.loads(text))

    async def send_bytes(self, _: bytes) -> None:
        self.offered += 1
        await asyncio.Event().wait()


def test_a_client_that_does_not_read_uses_bounded_memory(loaded: Loaded, shared_engine: Engine) -> None:
    """One frame and one items answer wait for the network, and what may wait behind them is bounded."""
    items = {"type": "items", "seq": 1, "items": list(range(64)), "source": "reconstruction"}
    opening = {"type": "open", "protocol": 1, "model": "tiny-vae", "view": "umap"}
    deaf = DeafSocket([opening, *(frame(n) for n in range(50)), *(items for _ in range(30))])
    connection = StageConnection(deaf, lambda: shared_engine)  # type: ignore[arg-type]
    asyncio.run(asyncio.wait_for(connection.run(), 10))
    assert deaf.offered == 2
    busy = [answer for answer in deaf.answers if answer.get("code") == "busy"]
    assert len(connection._items) <= session_module.ITEMS_WAITING
    assert len(busy) >= 30 - session_module.ITEMS_WAITING - 1
    assert connection._frame is None or connection._frame[0].seq == 49


def test_disconnecting_early_is_harmless(server: str) -> None:
    for _ in range(10):
        client = Client(server)
        for seq in range(5):
            client.send(frame(seq, ("A", "B", "strip")))
        client.socket.socket.shutdown(socket.SHUT_RDWR)  # no closing handshake
    with Client(server) as client:
        assert client.ask(frame(1))["seq"] == 1


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:1",
        "null",
        "https://evil.example:8501",
        "file://",
        "x" * 99,
    ],
)
def test_other_origins_are_refused_so_that_a_page_can_tell(
    origin: str, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert close_code(server, "/live/socket", origin) == REFUSED
    assert "Set LATENT_ALLOWED_ORIGINS" in caplog.text


def test_the_own_origin_and_programs_are_accepted(server: str) -> None:
    with Client(server, origin=f"http://{server}") as client:
        assert client.ask(frame(1))["seq"] == 1
    with Client(server, origin=None) as client:
        assert client.ask(frame(1))["seq"] == 1


GARBAGE = st.lists(
    st.binary(max_size=60)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
    | st.dictionaries(
        st.sampled_from(["type", "seq", "want", "handles", "items", "model", "view", "protocol"]),
        st.sampled_from(
            ["frame", "open", "items", "ping", 1, -1, 2**70, None, True, [], {}, 0.5, [1], ["A"]]
        ),
        max_size=6,
    ).map(json.dumps),
    min_size=1,
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=GARBAGE)
def test_no_message_affects_other_connections(garbage: list[str | bytes], server: str) -> None:
    with Client(server) as steady, Client(server, None) as wild:
        expected = steady.ask(frame(0))["pixels"]
        for message in garbage:
            wild.socket.send(message)
        for _ in garbage:
            assert wild.read()["type"] in ("error", "pong")
        answer = steady.ask(frame(1))
        assert answer["seq"] == 1
        assert near(answer["pixels"], expected)
