"""Files generated for download, each under an unguessable URL for a few minutes."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from typing import NamedTuple

__all__ = ["BYTES_AT_MOST", "SECONDS", "Takeaway", "address", "fetch", "keep"]

SECONDS = 300.0  # lifetime of a file
BYTES_AT_MOST = 256 << 20  # of all files together; the oldest are deleted first


class Takeaway(NamedTuple):
    """A generated file."""

    data: bytes
    name: str
    until: float  # of the monotonic clock, s


_held: OrderedDict[str, Takeaway] = OrderedDict()  # by token, oldest first
_lock = threading.Lock()


def keep(data: bytes, name: str) -> str:
    """Stores a file for a few minutes and returns its token."""
    token = secrets.token_urlsafe(24)
    with _lock:
        _held[token] = Takeaway(data, name, time.monotonic() + SECONDS)
        _delete_expired()
        while len(_held) > 1 and sum(len(each.data) for each in _held.values()) > BYTES_AT_MOST:
            _held.popitem(last=False)
    return token


def fetch(token: str) -> Takeaway | None:
    """The file of a token; None if it has expired."""
    with _lock:
        _delete_expired()
        return _held.get(token)


def address(token: str) -> str:
    """The URL of a token's file, relative to the page."""
    return f"live/file/{token}"


def _delete_expired() -> None:
    now = time.monotonic()
    while _held and next(iter(_held.values())).until < now:
        _held.popitem(last=False)
