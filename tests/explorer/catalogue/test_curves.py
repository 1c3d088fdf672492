"""Training curves from growing, broken or foreign files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.catalogue import curves
from explorer.catalogue.curves import Curves, above_lowest, read_curves

NOTHING = Curves([], [], {})


def line(step: int, **terms: float) -> str:
    return json.dumps({"step": step, "epoch": step / 10, **({"loss": 5.0 - step, "kl": 1.0} | terms)})


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_steps_and_terms_with_the_loss_first(tmp_path: Path) -> None:
    found = read_curves(write(tmp_path / "curves.jsonl", *(line(s, loss=9.0 - s) for s in (0, 20, 40))))
    assert found.steps == [0, 20, 40] and found.epochs == [0, 2, 4] and found.last == 40
    assert list(found.series) == ["loss", "kl"] and found.series["loss"] == [9, -11, -31]
    assert not found.positive
    assert read_curves(tmp_path) == found  # by the folder


def test_the_validation_loss_is_a_curve_of_its_own(tmp_path: Path) -> None:
    held = json.dumps({"step": 20, "loss": 4.0, "validation": {"loss": 6.5, "kl": 1.0}})
    odd = json.dumps({"step": 40, "loss": 3.0, "validation": {"loss": "low"}})
    found = read_curves(write(tmp_path / "curves.jsonl", line(0), held, odd))
    assert found.validation == ((20, 6.5),) and found.steps == [0, 20, 40] and list(found.series) == ["loss"]


def test_the_real_curve_of_a_training(tiny_checkpoint: Path) -> None:
    found = read_curves(tiny_checkpoint)
    card = json.loads((tiny_checkpoint / "card.json").read_text())
    assert found.steps[0] == 0 and found.last == card["training"]["steps"] - 1
    assert list(found.series) == ["loss", "reconstruction", "kl"]


def test_metrics_that_are_not_in_nats_are_read_separately(tmp_path: Path) -> None:
    lines = [
        json.dumps(json.loads(line(s)) | {"figures": {"perplexity": 9.0 + s, "note": "x"}}) for s in (0, 20)
    ]
    found = read_curves(write(tmp_path / "curves.jsonl", *lines))
    assert list(found.series) == ["loss", "kl"] and found.figures == {"perplexity": [9.0, 29.0]}


def test_incomplete_and_invalid_lines_are_skipped(tmp_path: Path) -> None:
    bad = [
        "",
        "[1]",
        "null",
        "{",
        '{"loss": 3}',
        '{"step": NaN, "loss": 1}',
        '{"step": -1, "loss": 1}',
        "[" * 9999,
    ]
    path = write(tmp_path / "c", line(0), *bad, line(20), line(20, loss=99), line(10), line(40)[:-9])
    assert read_curves(path).steps == [0, 20]


def test_a_term_with_values_that_are_not_finite_is_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path / "c", '{"step": 0, "loss": NaN, "kl": 1, "note": "x", "on": true}', line(20, loss=3.0)
    )
    assert read_curves(path).series == {"kl": [1.0, 1.0]}


def test_many_points_are_thinned_with_both_ends_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "c", *(line(step) for step in range(5000)))
    found = read_curves(path, points=100)
    assert len(found.steps) == 100 and (found.steps[0], found.last) == (0, 4999)
    assert np.diff(found.steps).max() <= 52 and found.series["loss"][1] == 5.0 - found.steps[1]


def test_missing_empty_and_oversized_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_curves(tmp_path) == read_curves(tmp_path / "none") == NOTHING
    assert read_curves(write(tmp_path / "c", "")) == NOTHING and NOTHING.last == -1
    monkeypatch.setattr(curves, "BYTES_AT_MOST", 10)
    assert read_curves(write(tmp_path / "c", line(0))) == NOTHING


def test_above_lowest_starts_at_one() -> None:
    assert above_lowest([3.0, -5.0, 0.0]) == [9, 1, 6] and above_lowest([]) == []
