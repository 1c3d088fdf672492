"""Files that were made for a browser to take away: each under an address nobody can guess, for a few minutes."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from typing import NamedTuple

__all__ = ["BYTES_AT_MOST", "SECONDS", "Takeaway", "address", "fetch", "keep"]

SECONDS = 300.0  # after that a file is gone
BYTES_AT_MOST = 256 << 20  # of all files together; the oldest go first


class Takeaway(NamedTuple):
    """A file that was made."""

    data: bytes
    name: str
    until: float  # of the monotonic clock, s


_held: OrderedDict[str, Takeaway] = OrderedDict()  # by token, oldest first
_lock = threading.Lock()


def keep(data: bytes, name: str) -> str:
    """Keeps a file for a few minutes; gives its token."""
    token = secrets.token_urlsafe(24)
    with _lock:
        _held[token] = Takeaway(data, name, time.monotonic() + SECONDS)
        _drop_old()
        while len(_held) > 1 and sum(len(each.data) for each in _held.values()) > BYTES_AT_MOST:
            _held.popitem(last=False)
    return token


def fetch(token: str) -> Takeaway | None:
    """The file of a token; None where it is gone."""
    with _lock:
        _drop_old()
        return _held.get(token)


def address(token: str) -> str:
    """Where the browser fetches the file of a token, relative to the page."""
    return f"live/file/{token}"


def _drop_old() -> None:
    now = time.monotonic()
    while _held and next(iter(_held.values())).until < now:
        _held.popitem(last=False)
