"""Tests of the curves: one line per step, thinned evenly, and the same values in TensorBoard's files."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from models.card import TRAINING
from models.training.log import CURVES, EVENTS, CurveWriter, thin_curves
from models.training.train import train
from tests.conftest import tiny_run

CPU = torch.device("cpu")


def steps(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / CURVES).read_text().splitlines()]


def write(folder: Path, count: int) -> None:
    with CurveWriter(folder) as curves:
        for step in range(count):
            curves.add(step, step / 100, {"loss": 1.5 * step, "kl": 0.5})


def test_a_line_holds_step_epoch_and_terms(tmp_path: Path) -> None:
    write(tmp_path, 3)
    lines = (tmp_path / CURVES).read_text().splitlines()
    assert json.loads(lines[2]) == {"step": 2, "epoch": 0.02, "loss": 3.0, "kl": 0.5}


def test_metrics_in_other_units_are_logged_apart_from_the_terms(tmp_path: Path) -> None:
    with CurveWriter(tmp_path, tensorboard=True) as curves:
        curves.add(0, 0.0, {"loss": 3.0}, {"perplexity": 12.5})
    (line,) = (tmp_path / CURVES).read_text().splitlines()
    assert json.loads(line) == {"step": 0, "epoch": 0.0, "loss": 3.0, "figures": {"perplexity": 12.5}}
    assert list((tmp_path / EVENTS).iterdir())


def test_resuming_removes_lines_after_the_state_and_truncated_lines(tmp_path: Path) -> None:
    write(tmp_path, 9)
    with (tmp_path / CURVES).open("a") as file:
        file.write('{"step": 9, "lo')
    with CurveWriter(tmp_path, start=5) as curves:
        curves.add(5, 0.05, {"loss": -1.0})
    assert steps(tmp_path) == [0, 1, 2, 3, 4, 5]
    assert json.loads((tmp_path / CURVES).read_text().splitlines()[-1])["loss"] == -1.0


@pytest.mark.parametrize(("count", "most"), [(1000, 300), (301, 300), (7, 2), (50, 49), (10, 3)])
def test_thinning_keeps_both_ends_and_even_distances(tmp_path: Path, count: int, most: int) -> None:
    write(tmp_path, count)
    assert thin_curves(tmp_path, most) == most
    kept = steps(tmp_path)
    assert len(kept) == len(set(kept)) == most and kept[0] == 0 and kept[-1] == count - 1
    gaps = [b - a for a, b in pairwise(kept)]
    assert max(gaps) - min(gaps) <= 1
    assert thin_curves(tmp_path, most) == most and steps(tmp_path) == kept


def test_thin_curves_are_not_changed(tmp_path: Path) -> None:
    write(tmp_path, 300)
    before = (tmp_path / CURVES).read_bytes()
    assert thin_curves(tmp_path) == 300
    assert (tmp_path / CURVES).read_bytes() == before


def test_invalid_arguments_of_thinning_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"has no {CURVES}"):
        thin_curves(tmp_path)
    write(tmp_path, 9)
    with pytest.raises(ValueError, match=r"`most` must be at least 2, the first line and the last. Got 1"):
        thin_curves(tmp_path, 1)
    (tmp_path / TRAINING).touch()
    with pytest.raises(ValueError, match="holds an unfinished training"):
        thin_curves(tmp_path)


def test_tensorboard_events_agree_with_the_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 2)

    def stop(done: int, *_: object) -> None:
        if done > 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_run(), tmp_path / "run", device=CPU, tensorboard=True, report=stop)
    train(tiny_run(), tmp_path / "run", device=CPU, tensorboard=True, resume=True)
    read = events.EventAccumulator(str(tmp_path / "run" / EVENTS))
    read.Reload()
    lines = [json.loads(line) for line in (tmp_path / "run" / CURVES).read_text().splitlines()]
    for name in ("loss", "reconstruction", "kl"):
        scalars = read.Scalars(name)
        assert [s.step for s in scalars] == [line["step"] for line in lines]
        assert [s.value for s in scalars] == pytest.approx([line[name] for line in lines], rel=1e-6)
    train(tiny_run(), tmp_path / "run", device=CPU, overwrite=True)
    assert not (tmp_path / "run" / EVENTS).exists()  # they told of the run before


def test_missing_tensorboard_is_reported_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(
        ValueError, match=r"`--tensorboard` needs tensorboard. Install the extra `tensorboard`: "
    ):
        train(tiny_run(), tmp_path / "run", device=CPU, tensorboard=True)
    assert not (tmp_path / "run").exists()
