"""Tests of the training loop between steps: validation, early stopping, pauses, snapshots, previews, budgets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models import checkpoint, load
from models.card import ATLAS, CARD, TRAINING, WEIGHTS
from models.data.own import Preparation
from models.training.examples import load_examples
from models.training.log import CURVES
from models.training.previews import PREVIEWS, read_previews
from models.training.run import Run
from models.training.state import read_run
from models.training.train import train
from models.training.validation import measure, sample_of
from tests.conftest import tiny_run
from tests.models.own_pictures import make_pictures

CPU = torch.device("cpu")
SMALL = {"latent": 3, "width": 8, "network": "mlp"}


class Killed(BaseException):
    """Simulates a kill."""


@pytest.fixture(autouse=True)
def log_often(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 2)


def small(**changes: Any) -> Run:
    return tiny_run(**({"config": SMALL, "limit": 200, "validation": 0.2, "check_every": 3} | changes))


def curve(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / CURVES).read_text(encoding="utf-8").splitlines()]


def result(folder: Path) -> tuple[bytes, bytes]:
    return (folder / CURVES).read_bytes(), (folder / WEIGHTS).read_bytes()


def at(step: int, word: str) -> Any:
    """Returns a control that returns `word` from a step on."""
    count = iter(range(1, 10_000))
    return lambda: word if next(count) >= step else ""


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_weights_with_the_lowest_validation_loss_are_saved_also_after_resuming(
    tmp_path: Path, ema: float
) -> None:
    run = small(
        epochs=10, rate=0.05, rate_warmup=0, kl_warmup=0.0, ema=ema
    )  # too high: the loss goes up and down
    card = train(run, tmp_path / "whole", device=CPU)
    checks = {
        line["step"] + 1: line["validation"]["loss"]
        for line in curve(tmp_path / "whole")
        if "validation" in line
    }
    assert list(checks) == [*range(3, 40, 3), 40]
    best = min(checks, key=lambda step: checks[step])
    assert card.training["best_step"] == best
    assert card.training["validation_loss"] == pytest.approx(checks[best], rel=1e-6)  # in 32 bits
    _, held = load_examples(run)
    assert held is not None
    loaded = measure(load(tmp_path / "whole"), sample_of(held, run.seed), run.seed)
    assert loaded["loss"] == pytest.approx(checks[best], rel=1e-6)

    def kill(done: int, *_: object) -> None:
        if done > 31:
            raise Killed

    with pytest.raises(Killed):
        train(run, tmp_path / "cut", device=CPU, report=kill)
    train(run, tmp_path / "cut", device=CPU, resume=True)
    assert result(tmp_path / "cut") == result(tmp_path / "whole")


def test_patience_ends_a_run_that_does_not_improve(tmp_path: Path) -> None:
    card = train(small(epochs=50, rate=1e-9, patience=2, kl_warmup=0.0), tmp_path / "run", device=CPU)
    assert card.training["ended"] == "patience" and card.training["steps"] < 50 * 4
    assert curve(tmp_path / "run")[-1]["step"] == card.training["steps"] - 1
    pictures = Preparation(str(make_pictures(tmp_path / "pictures", 20)), validation=0.0, size=16)
    own = small(data="own-images", options=pictures.as_options(), patience=2, validation=0.0)
    with pytest.raises(
        ValueError, match="`patience` needs validation images, and these 'own-images' have none"
    ):
        train(own, tmp_path / "other", device=CPU)


def test_a_paused_run_is_a_checkpoint_and_resumes_bitwise_identical(tmp_path: Path) -> None:
    run = small(augment=["flip", "shift", "colour"])
    train(run, tmp_path / "whole", device=CPU)
    folder = tmp_path / "cut"
    paused = train(run, folder, device=CPU, control=at(7, "pause"), command="the first")
    assert paused.training["finished"] is False and paused.training["steps"] == 7
    assert load(folder).sample(1).isfinite().all() and read_run(folder) == (run, 7)
    with pytest.raises(ValueError, match=r"already holds an unfinished run .*7 steps are saved"):
        train(run, folder, device=CPU)
    (folder / ATLAS).write_text("of the snapshot")
    card = train(run, folder, device=CPU, resume=True)
    assert result(folder) == result(tmp_path / "whole") and card.command == "the first"
    assert (
        "finished" not in card.training and not (folder / TRAINING).exists() and not (folder / ATLAS).exists()
    )


def test_files_in_the_folder_pause_and_end_a_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def touch(name: str, when: int) -> Any:
        return lambda step, *_: (folder / name).touch() if step == when else None

    train(small(), folder, device=CPU, progress=touch("pause", 5))
    assert not (folder / "pause").exists() and read_run(folder)[1] == 6
    card = train(small(), folder, device=CPU, resume=True, progress=touch("stop", 8))
    assert card.training["steps"] == 9 and card.training["ended"] == "stop"
    assert curve(folder)[-1]["step"] == 8 and "validation" in curve(folder)[-1]
    assert sorted(path.name for path in folder.iterdir()) == sorted([CARD, CURVES, WEIGHTS])


def test_snapshots_are_checkpoints_and_do_not_affect_the_run(tmp_path: Path) -> None:
    train(small(), tmp_path / "plain", device=CPU)
    folder, seen = tmp_path / "run", []

    def look(place: Path, step: int) -> None:
        card = checkpoint.verify(checkpoint.read(place)).card
        assert card is not None and card.training["finished"] is False and card.training["steps"] == step
        assert load(place).sample(1).isfinite().all() and read_run(place)[1] == step
        seen.append(step)

    train(small(), folder, device=CPU, snapshot=look, snapshots=(1e-9, 2e-9, 1e9))
    assert seen == [1] and result(folder) == result(tmp_path / "plain")


def test_a_folder_with_a_snapshot_is_overwritten_only_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(small(), folder, device=CPU, control=at(4, "pause"))
    with pytest.raises(Killed):
        train(
            small(seed=1),
            folder,
            device=CPU,
            overwrite=True,
            report=lambda *_: (_ for _ in ()).throw(Killed()),
        )
    assert read_run(folder)[1] == 4 and load(folder)
    train(small(seed=1), folder, device=CPU, overwrite=True)
    train(small(seed=1), tmp_path / "fresh", device=CPU)
    assert result(folder) == result(tmp_path / "fresh") and not (folder / TRAINING).exists()


def test_previews_show_improving_reconstructions_and_do_not_affect_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.training.loop.PREVIEW_SECONDS", 0.0)
    run = small(epochs=30, rate=1e-2, batch=80, save_every=1000)
    train(run, tmp_path / "plain", device=CPU)
    seen = []

    def look(step: int, *_: object) -> None:
        if found := read_previews(tmp_path / "run"):
            seen.append(found)

    train(run, tmp_path / "run", device=CPU, previews=6, progress=look)
    first, last = seen[0], seen[-1]
    assert np.array_equal(first.originals, last.originals) and first.originals.shape == (6, 8, 8, 1)
    errors = [np.abs(each.originals.astype(float) - each.reconstructions).mean() for each in (first, last)]
    assert errors[1] < 0.9 * errors[0] and last.samples.shape == (6, 8, 8, 1) and last.step > first.step
    assert result(tmp_path / "run") == result(tmp_path / "plain")
    assert not (tmp_path / "run" / PREVIEWS).exists() and read_previews(tmp_path / "run") is None


def test_a_time_budget_is_met_and_its_recorded_steps_repeat_the_run(tmp_path: Path) -> None:
    run = small(minutes=0.02, batch=0, epochs=1)
    told: list[tuple[int, int]] = []
    card = train(run, tmp_path / "timed", device=CPU, progress=lambda *steps: told.append(steps))
    schedule, steps = card.training["schedule"], card.training["steps"]
    assert len(schedule) == 20 and sum(schedule) == steps == told[-1][0] == told[-1][1]
    repeated = replace(run, minutes=0.0, steps=tuple(schedule), batch=card.training["batch"])
    again = train(repeated, tmp_path / "again", device=CPU)
    assert result(tmp_path / "again") == result(tmp_path / "timed")
    assert again.training["schedule"] == schedule and again.training["steps"] == steps


def test_a_paused_run_resumes_with_the_remaining_time(tmp_path: Path) -> None:
    run = small(minutes=0.02)
    paused = train(run, tmp_path / "run", device=CPU, control=at(9, "pause"))
    card = train(run, tmp_path / "run", device=CPU, resume=True)
    schedule = card.training["schedule"]
    assert len(schedule) == 20 and schedule[: len(paused.training["schedule"])] == paused.training["schedule"]
    assert card.training["seconds"] >= paused.training["seconds"]
    train(replace(run, minutes=0.0, steps=tuple(schedule)), tmp_path / "again", device=CPU)
    assert result(tmp_path / "again") == result(tmp_path / "run")
