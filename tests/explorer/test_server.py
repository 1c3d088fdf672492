"""What the server holds for its clients: sessions that may reconnect, and a bounded number of connections."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from explorer import server
from explorer.server import FIRST_REQUEST, LEFT, STREAM, KeptSessions, LeftPages, bound_connections


@dataclass
class Session:
    id: str
    ended: int = 0

    def shutdown(self) -> None:
        self.ended += 1


@dataclass
class Info:
    session: Session


def run(steps: Any) -> Any:
    """Runs a coroutine and then the steps that it left to the loop."""

    async def all_steps() -> Any:
        result = await steps
        await asyncio.sleep(0)
        return result

    return asyncio.run(all_steps())


@pytest.mark.parametrize(
    ("path", "code", "ended"),
    [
        (STREAM, LEFT, 1),
        ("/base" + STREAM, LEFT, 1),
        (STREAM, 1006, 0),
        (STREAM, 1000, 0),
        ("/live/socket", LEFT, 0),
    ],
)
def test_the_session_of_a_page_that_was_left_ends(path: str, code: int, ended: int) -> None:
    kept, session = KeptSessions(), Session("a")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        kept.save(Info(session))  # type: ignore[arg-type]

    async def receive() -> Message:
        return {"type": "websocket.disconnect", "code": code}

    async def send(_: Message) -> None: ...

    run(LeftPages(app)({"type": "websocket", "path": path}, receive, send))
    assert session.ended == ended
    assert len(kept.list()) == 1 - ended
    kept.delete("a")  # also of one that is not held
    assert not kept.list()


def test_sessions_end_when_there_are_more_or_their_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(server.time, "monotonic", lambda: now)
    kept, sessions = KeptSessions(maxsize=2, ttl_seconds=10), [Session(name) for name in "abcd"]

    async def steps() -> None:
        nonlocal now
        for session in sessions[:3]:
            now += 1
            kept.save(Info(session))  # type: ignore[arg-type]
        found = kept.get("b")
        assert kept.get("a") is None and found is not None and found.session.id == "b"
        kept.delete("b")  # it reconnected
        now += 10
        assert kept.get("c") is None

    run(steps())
    assert [session.ended for session in sessions] == [1, 0, 1, 0]


@dataclass
class Transport:
    aborted: bool = False

    def abort(self) -> None:
        self.aborted = True


@dataclass(eq=False)
class Connection:
    connections: set[Any]
    cycle: object = None
    config: Any = field(default_factory=lambda: type("Config", (), {"ws_max_size": 1 << 24})())
    loop: Any = None
    transport: Any = None

    def connection_made(self, transport: Transport) -> None:
        self.transport = transport
        self.connections.add(self)


def test_connections_beyond_the_limit_and_silent_ones_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    later: list[tuple[float, Any, Any]] = []

    class Loop:
        call_later = staticmethod(lambda *call: later.append(call))

    monkeypatch.setattr(Connection, "connection_made", Connection.connection_made)
    monkeypatch.setattr(server, "AutoHTTPProtocol", Connection)
    bound_connections(2, 1000)
    held: set[Any] = set()
    made = [Connection(held, loop=Loop()) for _ in range(3)]
    for connection in made:
        connection.connection_made(Transport())
    assert [connection.transport.aborted for connection in made] == [False, False, True]
    assert made[0].config.ws_max_size == 1000
    assert [seconds for seconds, _, _ in later] == [FIRST_REQUEST] * 2
    made[0].cycle = object()  # it sent a request
    for _, close, connection in later:
        close(connection)
    assert [connection.transport.aborted for connection in made] == [False, True, True]
