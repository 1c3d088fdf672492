"""Tests of generated files: lifetime, limit, and access by token only."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from explorer.live import made_files
from explorer.live.routes import routes


def test_files_expire_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_files, "BYTES_AT_MOST", 10)
    first, second, third = (made_files.keep(bytes(n), f"{n}.bin") for n in (6, 4, 3))
    assert made_files.fetch(first) is None
    assert [made_files.fetch(token).name for token in (second, third)] == ["4.bin", "3.bin"]  # type: ignore[union-attr]
    large = made_files.keep(bytes(50), "large.bin")  # one alone may be larger
    assert made_files.fetch(third) is None and made_files.fetch(large) is not None
    now = made_files.time.monotonic()
    monkeypatch.setattr(made_files.time, "monotonic", lambda: now + made_files.SECONDS + 1)
    assert made_files.fetch(large) is None and not made_files._held


def test_an_unknown_token_is_reported() -> None:
    answer = TestClient(Starlette(routes=routes())).get("/" + made_files.address("unknown"))
    assert answer.status_code == 404 and "Generate it again on the page" in answer.text
