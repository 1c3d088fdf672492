"""A small client of the live socket for the tests."""

from __future__ import annotations

import json
import struct
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

__all__ = ["Client", "close_code", "frame"]


def close_code(server: str, route: str, origin: str) -> int | None:
    """The code with which a server closes the socket of a page of another origin, before it reads anything."""
    with connect(f"ws://{server}{route}", origin=Origin(origin)) as socket:
        with suppress(ConnectionClosed):
            raise AssertionError(f"The server answered {socket.recv(5)!r}.")
        return socket.close_code


class Client:
    """A connection that sends and reads messages."""

    def __init__(
        self,
        server: str,
        view: str | None = "umap",
        model: str = "tiny-vae",
        route: str = "/live/socket",
        **options: Any,
    ) -> None:
        self._stack = ExitStack()
        self.originals: list[str] = []  # states of the originals, as they were told
        address = f"ws://{server}{route}"
        self.socket: ClientConnection = self._stack.enter_context(connect(address, **options))
        if view is not None:
            self.opened = self.ask({"type": "open", "protocol": 1, "model": model, "view": view})

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send(self, message: dict[str, Any]) -> None:
        self.socket.send(json.dumps(message))

    def read(self, timeout: float = 10) -> dict[str, Any]:
        """The next answer; a binary one's pictures stand under "pixels", (P, H, W, C)."""
        raw = self.socket.recv(timeout)
        if isinstance(raw, str):
            answer: dict[str, Any] = json.loads(raw)
            if answer["type"] != "originals":
                return answer
            self.originals.append(answer["state"])  # it comes between answers
            return self.read(timeout)
        assert raw[:4] == b"LXP1"
        (length,) = struct.unpack_from("<I", raw, 4)
        answer = json.loads(raw[8 : 8 + length])
        channels, height, width = answer["shape"]
        pixels = np.frombuffer(raw, np.uint8, offset=8 + length)
        answer["pixels"] = pixels.reshape(-1, height, width, channels)
        return answer

    def ask(self, message: dict[str, Any], timeout: float = 10) -> dict[str, Any]:
        self.send(message)
        return self.read(timeout)


def frame(seq: int = 0, want: tuple[str, ...] = ("A",), **changes: Any) -> dict[str, Any]:
    """A frame message with both handles."""
    handle = {"item": 3, "x": 0.25, "y": -0.5, "sliders": {}}
    message: dict[str, Any] = {
        "type": "frame",
        "seq": seq,
        "want": list(want),
        "handles": {"A": handle, "B": {**handle, "item": 8}},
        "residual": "hold",
    }
    if "strip" in want:
        message["strip"] = {"frames": 5, "path": "straight"}
    return {**message, **changes}
