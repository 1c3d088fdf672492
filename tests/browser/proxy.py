"""A minimal reverse proxy that serves a server below a path."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

__all__ = ["below"]

HEAD_AT_MOST = 1 << 16  # bytes


@contextlib.contextmanager
def below(path: str, port: int) -> Iterator[str]:
    """Serves the server on `port` below `path`, which is removed from requests; yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, path.rstrip("/"), port), daemon=True).start()
        yield f"http://localhost:{listener.getsockname()[1]}{path}"
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, path: str, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            browser, _ = listener.accept()
            threading.Thread(target=_serve, args=(browser, path, port), daemon=True).start()


def _serve(browser: socket.socket, path: str, port: int) -> None:
    """Forwards one request; each has its own connection, unless it becomes a WebSocket."""
    with browser, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head and len(head) < HEAD_AT_MOST:
            part = browser.recv(HEAD_AT_MOST)
            if not part:
                return
            head += part
        method, target, rest = head.split(b" ", 2)
        if not target.startswith(path.encode() + b"/"):
            browser.sendall(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            return
        rest = rest.replace(b"Connection: keep-alive", b"Connection: close")
        with socket.create_connection(("127.0.0.1", port)) as server:
            server.sendall(b" ".join((method, target[len(path) :], rest)))
            back = threading.Thread(target=_pump, args=(server, browser), daemon=True)
            back.start()
            _pump(browser, server)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
