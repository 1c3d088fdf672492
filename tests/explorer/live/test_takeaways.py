"""Tests of files that wait for the browser: each is there for a while, within a bound, under its own token alone."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from explorer.live import takeaways
from explorer.live.routes import routes


def test_a_file_is_there_for_a_while_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeaways, "BYTES_AT_MOST", 10)
    first, second, third = (takeaways.keep(bytes(n), f"{n}.bin") for n in (6, 4, 3))
    assert takeaways.fetch(first) is None
    assert [takeaways.fetch(token).name for token in (second, third)] == ["4.bin", "3.bin"]  # type: ignore[union-attr]
    large = takeaways.keep(bytes(50), "large.bin")  # one alone may be larger
    assert takeaways.fetch(third) is None and takeaways.fetch(large) is not None
    now = takeaways.time.monotonic()
    monkeypatch.setattr(takeaways.time, "monotonic", lambda: now + takeaways.SECONDS + 1)
    assert takeaways.fetch(large) is None and not takeaways._held


def test_a_token_that_is_not_known_is_told() -> None:
    answer = TestClient(Starlette(routes=routes())).get("/" + takeaways.address("unknown"))
    assert answer.status_code == 404 and "Make it again on the page" in answer.text
