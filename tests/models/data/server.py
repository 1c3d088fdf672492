"""A real HTTP server on this machine that misbehaves as a test asks it to."""

from __future__ import annotations

__all__ = ["Mirror", "serve"]

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Mirror:
    """What the server holds, how it behaves, and what it has seen."""

    files: dict[str, bytes]
    ranges: bool = True  # honours the Range header
    breaks: list[int] = field(default_factory=list)  # a body's bytes before each next break
    lengths: bool = True  # announces the length of a body
    shift: int = 0  # sends a range that begins so many bytes later than asked for
    statuses: list[int] = field(default_factory=list)  # of the next answers, instead of the file
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range
    sent: list[int] = field(default_factory=list)  # bytes of each body
    address: str = ""


@contextmanager
def serve(mirror: Mirror) -> Iterator[Mirror]:
    """Runs the server in a thread, and sets `mirror.address`."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            mirror.requests.append((self.path, wanted))
            body = mirror.files.get(self.path.rsplit("/", 1)[-1])
            if mirror.statuses or body is None:
                self.send_error(mirror.statuses.pop(0) if mirror.statuses else 404)
                return
            self.reply(body, wanted)

        def reply(self, body: bytes, wanted: str | None) -> None:
            start = 0
            found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
            if mirror.ranges and found:
                start = int(found[1]) + mirror.shift
                if start >= len(body):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            if mirror.lengths:
                self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            part = body[start : start + mirror.breaks.pop(0)] if mirror.breaks else body[start:]
            mirror.sent.append(len(part))
            self.wfile.write(part)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        mirror.address = f"http://127.0.0.1:{server.server_port}/data/"
        try:
            yield mirror
        finally:
            server.shutdown()
            thread.join()
