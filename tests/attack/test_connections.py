"""Many page loads, connections and unfinished messages on a real server: it keeps few files open, and answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.request import urlopen

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.browser.driving import Server, until
from tests.explorer.conftest import NAME, make_checkpoint

DESCRIPTORS = 256  # that the server may have
LOADS = 20
UNFINISHED, SIZE = 20, 15_900_000  # messages, and bytes of each


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with few file descriptors, on which a page was opened."""
    folder = tmp_path_factory.mktemp("server")
    make_checkpoint(folder / NAME)
    running = Server(folder, folder / "cache", folder / "server.log")
    running.command = ["bash", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "bash", *running.command]
    try:
        running.start()
        load(running)
        yield running
    finally:
        running.kill()


def process(server: Server) -> psutil.Process:
    assert server.process is not None
    return psutil.Process(server.process.pid)


def load(server: Server) -> None:
    """Loads a page and leaves it, as a browser does."""
    address = f"ws://localhost:{server.port}/_stcore/stream"
    with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None) as page:
        message = BackMsg()
        message.rerun_script.query_string = f"model={NAME}"
        page.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(page.recv(timeout=60))
            if answer.WhichOneof("type") == "script_finished":
                break
        page.close(code=1001)


def test_page_loads_leave_no_files_open(server: Server) -> None:
    for _ in range(3):
        load(server)
    before = process(server).num_fds()
    for _ in range(LOADS):
        load(server)
    until(lambda: process(server).num_fds() <= before + 3, f"{before} open files", 10)


def test_the_server_answers_after_more_connections_than_it_holds(server: Server) -> None:
    idle = []
    for _ in range(2 * DESCRIPTORS):
        with suppress(OSError):
            idle.append(socket.create_connection(("localhost", server.port), timeout=5))
    for each in idle:
        each.close()
    with urlopen(f"{server.url}/_stcore/health", timeout=10) as answer:
        assert answer.status == 200


def test_unfinished_messages_take_little_memory(server: Server) -> None:
    before = process(server).memory_info().rss
    held = [unfinished(server) for _ in range(UNFINISHED)]
    assert process(server).memory_info().rss - before < 0.4 * UNFINISHED * SIZE
    for each in held:
        each.close()
    load(server)


def unfinished(server: Server) -> socket.socket:
    """A connection that sent all but the end of a large message."""
    raw = socket.create_connection(("localhost", server.port), timeout=5)
    raw.sendall(
        f"GET /_stcore/stream HTTP/1.1\r\nHost: localhost:{server.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert raw.recv(4096).startswith(b"HTTP/1.1 101")
    with suppress(OSError):  # it is refused
        raw.sendall(b"\x82\xff" + SIZE.to_bytes(8, "big") + bytes(4) + bytes(SIZE - 1))
    return raw
