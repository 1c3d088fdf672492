"""What the server holds for its clients is bounded: sessions, connections, and the messages that they send.

Streamlit keeps the session of a closed connection for a while, in case its page reconnects; each holds an event loop with
three file descriptors. A page that was left or reloaded never reconnects, so its session ends at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from contextvars import ContextVar
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.session_manager import SessionInfo, SessionStorage
from uvicorn.protocols.http.auto import AutoHTTPProtocol

__all__ = ["KeptSessions", "LeftPages", "bound_connections", "raise_limit"]

STREAM = "/_stcore/stream"  # Streamlit's socket
LEFT = 1001  # WebSocket close code: the page was left
SESSIONS_AT_MOST = 64  # that wait for their page to reconnect
SECONDS = 120  # that they wait
DESCRIPTORS = 1 << 16  # enough; a larger limit slows programs that close all they might have inherited
FIRST_REQUEST = 20.0  # s until a connection must have sent a request

_left: ContextVar[list[int]] = ContextVar("_left")  # close code of this task's connection, once it is closed


class LeftPages:
    """ASGI middleware that notes with which code the browser closes Streamlit's socket, for `KeptSessions`.

    References:
        | The WebSocket Protocol, RFC 6455, section 7.4.1
        | https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the connection on."""
        if scope["type"] != "websocket" or not scope["path"].endswith(STREAM):
            await self.app(scope, receive, send)
            return
        codes: list[int] = []
        _left.set(codes)

        async def noted() -> Message:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                codes.append(message.get("code") or 0)
            return message

        await self.app(scope, noted, send)


class KeptSessions(SessionStorage):
    """The sessions whose pages may reconnect; others, and those dropped for newer ones, are shut down.

    Arguments:
        maxsize: How many are kept.
        ttl_seconds: How long.
    """

    def __init__(self, maxsize: int = SESSIONS_AT_MOST, ttl_seconds: float = SECONDS) -> None:
        self._most, self._seconds = maxsize, ttl_seconds
        self._kept: OrderedDict[str, tuple[float, SessionInfo]] = (
            OrderedDict()
        )  # with the time when each ends

    def get(self, session_id: str) -> SessionInfo | None:
        self._drop()
        held = self._kept.get(session_id)
        return held and held[1]

    def save(self, session_info: SessionInfo) -> None:
        if LEFT in _left.get([]):
            _end(session_info)
        else:
            self._kept.pop(session_info.session.id, None)
            self._kept[session_info.session.id] = time.monotonic() + self._seconds, session_info
        self._drop()

    def delete(self, session_id: str) -> None:
        self._kept.pop(session_id, None)

    def list(self) -> list[SessionInfo]:
        self._drop()
        return [info for _, info in self._kept.values()]

    def _drop(self) -> None:
        """Shuts down sessions whose time is over or that are too many, the oldest first."""
        now = time.monotonic()
        while self._kept:
            first, (end, info) = next(iter(self._kept.items()))
            if len(self._kept) <= self._most and end > now:
                return
            del self._kept[first]
            _end(info)


def _end(info: SessionInfo) -> None:
    """Shuts a session down after the current step, in which Streamlit still counts it among the active ones."""
    asyncio.get_running_loop().call_soon(info.session.shutdown)


def raise_limit() -> int:
    """Raises the limit of open files of this process as far as it is useful and allowed; returns it."""
    try:
        import resource
    except ImportError:  # on Windows, where it does not apply to sockets
        return DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return DESCRIPTORS
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):  # macOS allows fewer than it says
        return soft
    return wanted


def bound_connections(most: int, message_bytes: int) -> None:
    """Bounds the connections of every server of this process; the server accepts again when some are closed.

    Arguments:
        most: Number of connections; further ones are closed at once, as are such as send no request.
        message_bytes: Size of a message on a socket, which is held until it is complete.
    """
    protocol: Any = AutoHTTPProtocol
    made = protocol.connection_made

    def connection_made(self: Any, transport: asyncio.Transport) -> None:
        self.config.ws_max_size = min(self.config.ws_max_size, message_bytes)
        made(self, transport)
        if len(self.connections) > most:
            transport.abort()
        else:
            self.loop.call_later(FIRST_REQUEST, _close_if_silent, self)

    protocol.connection_made = connection_made


def _close_if_silent(connection: Any) -> None:
    """Closes a connection that has not sent a whole request, and is no socket."""
    if connection in connection.connections and connection.cycle is None:
        connection.transport.abort()
