"""Trainings from the page: progress, end, cancel, resumption and failure in another process; folders; commands."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.atlas.storage import load_atlas
from explorer.catalogue.curves import read_curves
from explorer.jobs.training_lock import LOCK
from explorer.jobs.trainings import (
    ATLAS,
    FRESH,
    Training,
    TrainingBusy,
    Trainings,
    as_text,
    check_name,
    command_line,
    free_name,
    plan,
    runs_folder,
    shown,
    trainings,
)
from models import MODELS, checkpoint
from models.__main__ import main as run_models
from models.card import CARD, TRAINING, WEIGHTS, Card
from models.configuration import config_from_dict
from models.system.replacing import staging_folder
from models.training.train import Run
from models.vae import VAEConfig
from tests.conftest import tiny_run

PATIENCE = 120.0  # s; shared machines can be slow


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    """An empty folder of runs, the last of two in which checkpoints are looked for."""
    (tmp_path / "bundled").mkdir()
    folder = tmp_path / "runs"
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{tmp_path / 'bundled'}{os.pathsep}{folder}")
    return trainings()


def flat_run(**changes: object) -> Run:
    """A training of a second whose map needs no UMAP."""
    return tiny_run(**{"config": {"latent": 2, "width": 4}, "title": "Flat", **changes})


def long_run() -> Run:
    """A training that nobody waits for."""
    return flat_run(epochs=100_000, save_every=2)


def state_of(runs: Trainings, name: str) -> str:
    return next(info.state for info in runs.runs() if info.name == name)


def wait_for(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def ended(training: Training) -> Training:
    training.wait(PATIENCE)
    assert not training.running
    return training


# In another process


def test_a_training_is_followed_to_its_end_and_can_be_explored(runs: Trainings) -> None:
    training = runs.start(flat_run(), "flat")
    assert training.running and training.phase == "training" and runs.active is training
    assert free_name("flat") == "flat-2", "before there is a folder, too"
    seen: list[tuple[str, float]] = []
    while training.running:
        seen.append((training.phase, training.share))
        time.sleep(0.02)
    assert training.error is None and not training.cancelled and runs.active is None
    phases = list(dict.fromkeys(phase for phase, _ in seen))
    assert phases == ["training", "encoding"], "two dimensions need no map"
    for phase in phases:
        shares = [share for at, share in seen if at == phase]
        assert all(0 <= share <= 1 for share in shares)
    (info,) = runs.runs()
    assert info.state == "ready" and info.card and info.card.title == "Flat" and info.error is None
    assert info.card.training["steps"] == 24, "6 batches an epoch, 4 epochs"
    assert info.card.command == as_text(command_line(flat_run(), runs.root / "flat"))
    atlas = load_atlas(checkpoint.read(runs.root / "flat"))
    assert atlas.mean.shape == (1797, 2), "all the digits there are"
    curves = read_curves(runs.root / "flat")
    assert curves.last == 23 and curves.series["loss"][-1] < curves.series["loss"][0]


def test_a_cancelled_training_keeps_its_state_and_is_resumed(runs: Trainings) -> None:
    training = runs.start(long_run(), "long")
    wait_for(lambda: training.what.startswith("Step ") and training.share > 0, "steps that are told")
    assert training.what.endswith(" of 600,000")
    wait_for((runs.root / "long" / TRAINING).is_file, "a saved state")
    assert state_of(runs, "long") == "training"
    wait_for(lambda: training.seconds_left is not None, "an idea how long it takes")
    assert training.seconds_left is not None and training.seconds_left > 5

    for other in (runs, Trainings(runs.root)):  # another server has another object
        with pytest.raises(TrainingBusy, match="long is being trained"):
            other.start(flat_run(), "second")
    with pytest.raises(TrainingBusy, match="Cancel it before"):
        runs.delete("long")
    assert not (runs.root / "second").exists()

    training.cancel()
    ended(training)
    assert training.error == "Cancelled." and training.cancelled and runs.active is None
    (info,) = runs.runs()
    assert info.state == "unfinished" and info.step > 0 and info.run == long_run()
    assert info.step % 2 == 0, "saved every second step"

    again = runs.resume("long")
    wait_for(lambda: again.what.startswith("Step "), "steps that are told")
    wait_for(lambda: int(again.what.split()[1].replace(",", "")) > info.step, "it goes on from there")
    again.cancel()
    ended(again)
    (later,) = runs.runs()
    assert later.state == "unfinished" and later.step >= info.step
    runs.delete("long")
    assert runs.runs() == [] and not (runs.root / "long").exists()


def test_a_run_that_is_cancelled_at_once_stays_in_the_list(runs: Trainings) -> None:
    training = runs.start(long_run(), "early")
    assert training.what == "Starting"
    training.cancel()
    ended(training)
    assert not (runs.root / "early").exists()
    (info,) = runs.runs()
    assert info.state == "cancelled" and info.name == "early" and info.run == training.run
    runs.delete("early")
    assert runs.runs() == []


def test_a_failure_is_reported_in_one_line(
    runs: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path / "no data"))
    training = ended(runs.start(replace(flat_run(), data="mnist"), "nothing"))
    assert training.error and "LATENT_DATA_DIR must name a folder" in training.error
    assert "\n" not in training.error and not training.cancelled
    (info,) = runs.runs()
    assert info.state == "failed" and info.error == training.error and info.run == training.run
    runs.delete("nothing")
    assert runs.runs() == []


def test_another_program_may_hold_the_lock(runs: Trainings) -> None:
    runs.root.mkdir()
    with (runs.root / LOCK).open("w") as held:
        held.write("theirs")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TrainingBusy, match="theirs is being trained"):
            runs.start(flat_run(), "ours")
    assert runs.active is None and runs.runs() == []


# Names, commands, plans


@pytest.mark.parametrize("name", ["", "Upper", "../up", "a/b", ".hidden", "a" * 65, "ä", "a b", "a\n"])
def test_an_invalid_name_is_refused(runs: Trainings, name: str) -> None:
    with pytest.raises(ValueError, match="The name must be 1 to 64 lower-case letters"):
        runs.start(flat_run(), name)
    assert not runs.root.exists()


def test_a_name_that_is_taken_is_refused_and_another_one_offered(runs: Trainings) -> None:
    assert free_name("digits-vae") == "digits-vae"
    (runs.root.parent / "bundled" / "digits-vae").mkdir()
    (runs.root / "digits-vae-2").mkdir(parents=True)
    for taken in ("digits-vae", "digits-vae-2"):
        with pytest.raises(ValueError, match=f"'{taken}' is taken"):
            runs.start(flat_run(), taken)
    assert free_name("digits-vae") == "digits-vae-3"
    check_name("digits-vae-3")


def test_runs_go_to_the_last_folder(runs: Trainings, tmp_path: Path) -> None:
    assert runs_folder() == runs.root == tmp_path / "runs"


@pytest.mark.parametrize(
    "run",
    [
        Run("vae", "digits"),
        Run("vae", "faces", {"latent": 3, "network": "mlp"}, title="A title, with spaces", seed=7, rate=5e-4),
        Run(
            "dae",
            "mnist",
            {"corruption": "gaussian", "level": 0.2},
            bf16=True,
            compile=True,
            optimizer="adamax",
            ema=0.5,
            limit=9,
        ),
        Run("pca", "digits", {"latent": 4}, {"some": True}),
    ],
)
def test_the_displayed_command_makes_the_same_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[Run, Path]] = []

    def train(run: Run, folder: Path, **_: object) -> Card:
        taken.append((run, folder))
        return Card("x", "X", run.model, {}, {"name": run.data}, "0" * 64, training={"steps": 1})

    monkeypatch.setattr("models.training.train.train", train)
    line = command_line(run, tmp_path / "here")
    assert run_models(line) == 0
    ((made, folder),) = taken
    assert folder == tmp_path / "here"
    assert replace(made, config={}) == replace(run, config={})
    config = MODELS[run.model].Config
    shape = {"image_shape": (1, 28, 28)}
    assert config_from_dict(config, made.config | shape) == config_from_dict(config, run.config | shape)
    text = as_text(line)
    assert text.startswith(f"python -m models train {run.model} --data {run.data} --out ")
    assert "'A title, with spaces'" in text or not run.title


def test_defaults_are_left_out_of_the_command(tmp_path: Path) -> None:
    usual = VAEConfig((1, 8, 8))
    config = {"latent": usual.latent + 1, "width": usual.width}
    line = command_line(Run("vae", "digits", config, batch=32), tmp_path / "x")
    assert line[-2:] == ["--set", f"latent={usual.latent + 1}"]
    assert [part for part in line if part.startswith("--")] == ["--data", "--out", "--batch", "--set"]


def test_a_plan_saves_often_enough_and_counts_the_steps() -> None:
    run, steps = plan(Run("vae", "digits", epochs=10, batch=100, limit=250), images=1497)
    assert steps == 10 * 3 and run.save_every == 1
    run, steps = plan(Run("vae", "digits", epochs=10, batch=100), images=1497)
    assert steps == 150 and run.save_every == 3
    run, steps = plan(Run("vae", "digits", epochs=10_000, batch=1), images=100)
    assert steps == 1_000_000 and run.save_every == 500
    run, steps = plan(Run("vae", "digits", epochs=1, limit=5_000), images=256)
    assert steps == 2, "no more images than there are"


def test_paths_are_shown_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert shown(Path("runs", "x")) == os.path.join("runs", "x")
    assert shown(tmp_path) == str(tmp_path.resolve())


# Folders of runs


def run_folder(runs: Trainings, name: str, *files: str, age: float = 0.0) -> Path:
    folder = runs.root / name
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).write_bytes(b"x")
        os.utime(folder / file, (time.time() - age,) * 2)
    return folder


def test_a_run_written_by_a_terminal_is_running_elsewhere(runs: Trainings) -> None:
    run_folder(runs, "now", "curves.jsonl")
    run_folder(runs, "past", "curves.jsonl", age=2 * FRESH)
    run_folder(runs, "strange", TRAINING, age=3 * FRESH)
    run_folder(runs, "wrong", CARD, age=4 * FRESH)
    assert [(info.name, info.state) for info in runs.runs()] == [
        ("now", "elsewhere"),
        ("past", "empty"),
        ("strange", "broken"),
        ("wrong", "broken"),
    ]
    assert all(info.error for info in runs.runs() if info.state == "broken")


def test_a_checkpoint_without_an_atlas_is_bare(runs: Trainings, copy_of_tiny: Path) -> None:
    runs.root.mkdir()
    copy_of_tiny.rename(runs.root / copy_of_tiny.name)
    assert state_of(runs, copy_of_tiny.name) == "ready"
    (runs.root / copy_of_tiny.name / ATLAS).unlink()
    assert state_of(runs, copy_of_tiny.name) == "bare"


def test_only_files_of_a_training_are_deleted(runs: Trainings, tmp_path: Path) -> None:
    mixed = run_folder(runs, "mixed", CARD, "notes.txt")
    with pytest.raises(ValueError, match=r"contains files of no training \(notes.txt\)"):
        runs.delete("mixed")
    assert {path.name for path in mixed.iterdir()} == {CARD, "notes.txt"}

    own = run_folder(runs, "own", CARD, WEIGHTS, ATLAS, f".{TRAINING}.part")
    staging_folder(own).mkdir()
    (staging_folder(own) / TRAINING).write_bytes(b"x")  # of an overwriting that has not ended
    runs.delete("own")
    assert not own.exists() and not staging_folder(own).exists()

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / CARD).write_bytes(b"x")
    (runs.root / "link").symlink_to(outside)
    inner = run_folder(runs, "inner")
    (inner / CARD).symlink_to(outside / CARD)
    for name in ("link", "inner", "../outside", "none"):
        with pytest.raises(ValueError):
            runs.delete(name)
    assert (outside / CARD).is_file()
