"""Tests of progress as JSON lines: throttled, new tasks at once, errors in one line."""

from __future__ import annotations

import json

import pytest

from models.system import progress


def test_lines_are_throttled_except_new_tasks_and_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    writer = progress.JsonProgress()
    for step in range(1, 101):
        writer(step / 100, "Training" if step < 50 else "Saving", done=step, total=100)
        now[0] += 0.01
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {"share": 0.01, "what": "Training", "done": 1, "total": 100}
    assert {"share": 0.5, "what": "Saving", "done": 50, "total": 100} in lines
    assert lines[-1]["share"] == 1 and 10 <= len(lines) <= 13


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress.JsonProgress().error(ValueError("of two\nlines " + "x" * 5000))
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and json.loads(out)["error"].startswith("of two lines x")
    assert len(out) < 1100
