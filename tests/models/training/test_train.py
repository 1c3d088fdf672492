"""Tests of training: results are reproducible, and a killed run resumes to the same result."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.decomposition import PCA
from torch import Tensor

from models import CheckpointError, checkpoint, load
from models.card import ATLAS, CARD, TRAINING, WEIGHTS
from models.card import CARD as CARD_CARD
from models.data import load_data
from models.layers.likelihoods import LearntGaussian
from models.training.run_folder import exclusive
from models.training.train import CURVES, Run, TrainingError, read_run, train
from models.vae import VAE
from tests.conftest import tiny_run

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[3]


class Killed(BaseException):
    """Simulates a kill at a given step."""


def kill_at(step: int) -> Callable[[int, int, dict[str, float]], None]:
    def report(done: int, steps: int, terms: dict[str, float]) -> None:
        if done > step:
            raise Killed

    return report


def result(folder: Path) -> tuple[bytes, bytes]:
    """Reads the curve and the weights as bytes."""
    return (folder / CURVES).read_bytes(), (folder / WEIGHTS).read_bytes()


def curve(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / CURVES).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(autouse=True)
def log_often(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 2)


def test_the_same_seed_gives_bitwise_identical_results(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(tiny_run(seed=seed, epochs=2), tmp_path / name, device=CPU)
        torch.rand(7)  # what others draw must not matter
        np.random.rand(7)
    assert result(tmp_path / "a") == result(tmp_path / "b")
    assert result(tmp_path / "a")[0] != result(tmp_path / "c")[0]


def test_training_lowers_the_loss_and_logs_it_in_nats_per_image(tmp_path: Path) -> None:
    card = train(tiny_run(epochs=20, rate=5e-3), tmp_path / "run", device=CPU, command="made by hand")
    lines = curve(tmp_path / "run")
    assert lines[-1]["loss"] < lines[0]["loss"] - 20
    assert [line["step"] for line in lines] == [*range(0, 120, 2), 119]
    assert set(lines[0]) == {"step", "epoch", "loss", "reconstruction", "kl"}
    assert lines[-1]["loss"] == pytest.approx(lines[-1]["reconstruction"] + lines[-1]["kl"], rel=1e-5)
    assert card.command == "made by hand"
    assert card.training["steps"] == 120 and card.training["images"] == 300
    assert card == checkpoint.read(tmp_path / "run").card
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["card.json", CURVES, WEIGHTS]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"config": {"latent": 3, "width": 6, "depth": 2}, "bf16": True},
        {"config": {"latent": 3, "width": 8, "network": "mlp", "likelihood": "binarised-bernoulli"}},
        {"limit": 130, "decay": 0.1, "clip": 1.0, "kl_warmup": 0.0},  # a last batch that is not full
        {"optimizer": "adamax", "ema": 0.9},
        {"optimizer": "adamw-fused", "ema": 0.99},
    ],
    ids=["learnt sigma", "bfloat16", "mlp", "part batch", "adamax, mean weights", "fused"],
)
@pytest.mark.parametrize("stop", [6, 11])
def test_a_resumed_run_is_bitwise_identical(tmp_path: Path, changes: dict[str, Any], stop: int) -> None:
    run = tiny_run(**changes)
    train(run, tmp_path / "whole", device=CPU)
    with pytest.raises(Killed):
        train(run, tmp_path / "cut", device=CPU, report=kill_at(stop))
    assert (tmp_path / "cut" / TRAINING).is_file()
    assert "holds an unfinished training" in str(checkpoint.scan(tmp_path)[0].error)
    done: list[int] = []
    train(run, tmp_path / "cut", resume=True, device=CPU, report=lambda step, *_: done.append(step))
    assert done[0] > 5  # it did not begin anew
    assert result(tmp_path / "cut") == result(tmp_path / "whole")
    assert not (tmp_path / "cut" / TRAINING).exists()


def test_a_resumed_run_records_its_original_command(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tiny_run(), tmp_path / "run", device=CPU, report=kill_at(11), command="the first")
    assert (
        train(tiny_run(), tmp_path / "run", resume=True, device=CPU, command="the second").command
        == "the first"
    )


@pytest.mark.slow
def test_a_killed_process_resumes_to_a_bitwise_identical_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sends SIGKILL to a running `python -m models train`, then uses `--resume`."""
    options = [
        "vae",
        "--data",
        "digits",
        "--epochs",
        "40",
        "--batch",
        "50",
        "--limit",
        "300",
        "--save-every",
        "7",
    ]
    options += ["--set", "latent=3", "width=4"]

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "models", "train", *arguments],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    process = start(*options, "--out", str(cut))
    until = time.monotonic() + 120
    while not (cut / TRAINING).is_file() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    errors = process.communicate(timeout=60)[1].decode()
    assert process.returncode == -signal.SIGKILL, errors
    assert 0 < read_run(cut)[1] < 240 and not (cut / CARD_CARD).exists()
    (cut / f".{TRAINING}.abc").write_bytes(b"half of a state")
    with (cut / CURVES).open("a", encoding="utf-8") as file:
        file.write('{"step": 1000, "loss": 1}\n{"step": 10')  # written after the state, and cut short
    resumed = start("--resume", str(cut))
    errors = resumed.communicate(timeout=120)[1].decode()
    assert resumed.returncode == 0, errors
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 20)
    train(
        tiny_run(config={"latent": 3, "width": 4}, epochs=40, save_every=7, rate_warmup=200),
        whole,
        device=CPU,
    )
    assert result(cut) == result(whole)
    assert sorted(p.name for p in cut.iterdir()) == ["card.json", CURVES, WEIGHTS]
    cards = [checkpoint.read(folder).card for folder in (cut, whole)]
    assert cards[0] is not None and cards[1] is not None
    assert cards[0].weights_sha256 == cards[1].weights_sha256
    assert "--epochs 40" in cards[0].command


def content(folder: Path) -> dict[str, bytes]:
    """Reads every file of a folder as bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_run_is_not_overwritten_by_default(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Killed):
        train(tiny_run(), folder, device=CPU, report=kill_at(11))
    for message in (
        r"an unfinished run \(10 steps are saved\).*train --resume",
        r"a finished run.*--overwrite",
    ):
        before = content(folder)
        with pytest.raises(ValueError, match=message):
            train(tiny_run(seed=3), folder, device=CPU)
        assert content(folder) == before
        if TRAINING in before:
            train(tiny_run(), folder, resume=True, device=CPU)
    with pytest.raises(ValueError, match="finished run, so there is nothing to resume"):
        train(tiny_run(), folder, resume=True, device=CPU)
    assert content(folder) == before
    for name in (CURVES, WEIGHTS, TRAINING):
        (tmp_path / name[:4]).mkdir()
        (tmp_path / name[:4] / name).write_text("something")
        with pytest.raises(ValueError, match="--overwrite"):
            train(tiny_run(), tmp_path / name[:4], device=CPU)


@pytest.mark.parametrize("old", ["finished", "unfinished"])
def test_an_overwritten_run_is_kept_until_the_new_one_is_finished(tmp_path: Path, old: str) -> None:
    folder, fresh = tmp_path / "run", tmp_path / "fresh"
    train(tiny_run(seed=3), fresh, device=CPU)
    with pytest.raises(Killed) if old == "unfinished" else nullcontext():
        train(tiny_run(), folder, device=CPU, report=kill_at(11 if old == "unfinished" else 99))
    (folder / ATLAS).write_bytes(b"of the old weights")
    (folder / "notes").mkdir()
    (folder / "notes" / "mine.txt").write_text("mine")
    before = content(folder)
    with pytest.raises(Killed):
        train(tiny_run(seed=3), folder, overwrite=True, device=CPU, report=kill_at(11))
    assert content(folder) == before
    with pytest.raises(ValueError, match=r"is being overwritten .*10 steps are saved.*--resume"):
        train(tiny_run(seed=3), folder, device=CPU)
    assert [entry.name for entry in checkpoint.scan(tmp_path)] == ["fresh", "run"]
    train(tiny_run(seed=3), folder, resume=True, device=CPU)
    assert result(folder) == result(fresh)
    assert sorted(p.name for p in folder.iterdir()) == [CARD, CURVES, "notes", WEIGHTS]
    assert (folder / "notes" / "mine.txt").read_text() == "mine"
    assert checkpoint.verify(checkpoint.read(folder)).error is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fresh", "run"]


@pytest.mark.parametrize("deed", ["replace_folder", "shutil.rmtree"])
def test_an_interruption_while_a_run_is_replaced_loses_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    """The interruption comes before the folders are exchanged, or after that."""
    folder, fresh = tmp_path / "run", tmp_path / "fresh"
    train(tiny_run(seed=3), fresh, device=CPU)
    with pytest.raises(Killed):
        train(tiny_run(), folder, device=CPU, report=kill_at(11))
    before = content(folder)

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if deed == "replace_folder":
            patch.setattr("models.training.run_folder.replace_folder", kill)
        else:
            patch.setattr("models.system.replacing.shutil.rmtree", lambda path, **_: path.exists() and kill())
        with pytest.raises(Killed):
            train(tiny_run(seed=3), folder, overwrite=True, device=CPU)
    held = content(folder)
    if deed == "replace_folder":
        assert held == before
    else:
        assert held[WEIGHTS] == content(fresh)[WEIGHTS] and TRAINING in held
    train(tiny_run(seed=3), folder, resume=True, device=CPU)
    assert result(folder) == result(fresh)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fresh", "run"]


def test_partial_files_of_a_killed_run_are_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (TRAINING, CURVES, WEIGHTS, CARD):
        (folder / f".{name}.abc").write_text("half")
    (folder / "notes.txt").write_text("mine")
    train(tiny_run(), folder, device=CPU)
    assert sorted(p.name for p in folder.iterdir()) == sorted([CARD, CURVES, WEIGHTS, "notes.txt"])


def test_a_run_resumes_only_with_its_settings(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tiny_run(), tmp_path / "run", device=CPU, report=kill_at(11))
    with pytest.raises(
        ValueError, match=r"run was started with seed = 0, not 1. Resume with the same values"
    ):
        train(tiny_run(seed=1), tmp_path / "run", resume=True, device=CPU)
    run, step = read_run(tmp_path / "run")
    assert run == tiny_run() and step == 10


def test_resuming_needs_a_saved_state(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no training.safetensors to resume from. Start again"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"run": "{", "step": "1"},
        {"run": "[]", "step": "1"},
        {"run": '{"model": "vae"}', "step": "1"},
        {"run": '{"model": "vae", "data": "digits", "colour": 1}', "step": "1"},
        {"run": '{"model": "vae", "data": "digits", "epochs": "many"}', "step": "1"},
        {"run": '{"model": "vae", "data": "digits"}', "step": "x"},
        {"run": '{"model": "vae", "data": "digits"}'},
    ],
    ids=str,
)
def test_the_state_of_another_program_is_refused(tmp_path: Path, about: dict[str, str]) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / TRAINING, metadata=about)
    with pytest.raises(ValueError, match=r"was not written by this trainer. Start again without `--resume`"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    "lost",
    ["model.encoder.0.weight", "optimizer.encoder.0.weight.exp_avg", "average.encoder.0.weight", None],
)
def test_a_damaged_state_is_refused(tmp_path: Path, lost: str | None) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Killed):
        train(tiny_run(ema=0.9), folder, device=CPU, report=kill_at(11))
    if lost is None:
        (folder / TRAINING).write_bytes((folder / TRAINING).read_bytes()[:1000])
    else:
        with safe_open(folder / TRAINING, framework="pt") as file:
            about = file.metadata()
        tensors = load_file(folder / TRAINING)
        del tensors[lost]
        save_file(tensors, folder / TRAINING, metadata=about)
    with pytest.raises(ValueError, match="was not written by this trainer"):
        train(tiny_run(ema=0.9), folder, resume=True, device=CPU)


class Spoilt(VAE):
    """A VAE with NaN from the ninth step on, in the loss or only in the gradient."""

    where = "kl"
    step = 0

    def loss(self, x: Tensor, **options: Any) -> Any:
        found = super().loss(x, **options)
        self.step += 1
        if self.step > 8 and self.where == "kl":
            found.terms["kl"] = found.terms["kl"] * math.nan
        elif self.step > 8:
            weight = next(self.parameters())
            found = type(found)(found.total + (weight * 0).sum().sqrt(), found.terms)  # d sqrt(0) is infinite
        return found


@pytest.mark.parametrize(("where", "term"), [("kl", "kl"), ("gradient", "gradient norm")])
def test_nan_stops_the_run_and_names_step_and_term(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, term: str
) -> None:
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 100)  # a step that is not logged counts too
    monkeypatch.setattr(Spoilt, "where", where)
    monkeypatch.setitem(__import__("models").MODELS, "vae", Spoilt)
    message = rf"The term '{term}' is nan at step 8. The last saved state is .*{TRAINING}. Try a lower learning rate"
    with pytest.raises(TrainingError, match=message):
        train(tiny_run(), tmp_path / "run", device=CPU)
    assert read_run(tmp_path / "run")[1] == 5
    tensors = load_file(tmp_path / "run" / TRAINING)
    assert all(values.isfinite().all() for values in tensors.values())
    with pytest.raises(CheckpointError, match="holds an unfinished training"):
        load(tmp_path / "run")


def test_a_too_high_learning_rate_gives_an_error_message(tmp_path: Path) -> None:
    run = tiny_run(
        epochs=30,
        rate=0.99,
        rate_warmup=0,
        clip=1e30,
        config={"latent": 2, "width": 4, "sigma": 1e-4, "likelihood": "gaussian"},
    )
    try:
        train(run, tmp_path / "run", device=CPU)
    except TrainingError as error:
        assert "at step" in str(error)
    else:
        assert load(tmp_path / "run").sample(1).isfinite().all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1. Got 0"),
        ({"batch": -1}, "`batch` must be at least 0"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"limit": -1}, "`limit` must be at least 0"),
        ({"save_every": 0}, "`save_every` must be at least 1"),
        ({"rate_warmup": -1}, "`rate_warmup` must be at least 0"),
        ({"rate": 0.0}, "`rate` must lie between 0 and 1"),
        ({"rate": math.nan}, "`rate` must lie between 0 and 1. Got nan"),
        ({"kl_warmup": 1.5}, "`kl_warmup` must be a share between 0 and 1"),
        ({"decay": 1.0}, r"`decay` must lie in \[0, 1\)"),
        ({"ema": 1.0}, r"`ema` must lie in \[0, 1\)"),
        ({"ema": -0.1}, r"`ema` must lie in \[0, 1\)"),
        ({"optimizer": "sgd"}, "Unknown optimizer 'sgd'. Choose one of: adamw, adamw-fused, adamax"),
        ({"compile": 1}, "`compile` must be of type bool. Got 1"),
        ({"clip": 0.0}, "`clip` must be positive"),
        ({"clip": math.nan}, "`clip` must be positive"),
        ({"epochs": "many"}, "`epochs` must be of type int. Got 'many'"),
        ({"epochs": True}, "`epochs` must be of type int. Got True"),
        ({"config": []}, "`config` must be of type dict"),
        ({"title": None}, "`title` must be of type str. Got None"),
        ({"minutes": -1.0}, r"`minutes` must lie in \[0, 525600\]. Got -1.0"),
        ({"minutes": math.nan}, r"`minutes` must lie in"),
        ({"minutes": 1.0, "steps": (5,)}, "`minutes` and `steps` must not both be set"),
        ({"minutes": 1.0, "prior_epochs": 2}, "`minutes` and `prior_epochs` must not both be set"),
        ({"steps": [5, 0]}, "`steps` must be integers of at least 1"),
        ({"validation": 0.6}, r"`validation` must lie in \[0, 0.5\]. Got 0.6"),
        ({"augment": ["turn"]}, "Unknown augmentation 'turn'. Choose from: flip, shift, colour"),
        ({"augment": "flip"}, "`augment` must be of type tuple"),
        ({"options": {"split": "test"}}, "`options` must be options of the data set. Got 'split'"),
    ],
)
def test_invalid_settings_of_a_run_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Run(**(asdict(tiny_run()) | changes))


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"model": "vea"}, "run", "Unknown model 'vea'. Choose one of: pca, linear-ae"),
        ({"data": "digit"}, "run", "Unknown data set 'digit'. Choose one of: digits"),
        ({"options": {"correlated": True}}, "run", "Unknown option 'correlated'"),
        ({"config": {"colour": 1}}, "run", "Unknown VAEConfig field 'colour'"),
        ({"config": {"latent": 0}}, "run", "`latent` must lie in"),
        ({}, "My Run", "`name` must be 1 to 64 lower-case letters"),
        ({"title": "x" * 90}, "run", "`title` must be one line of at most 80"),
    ],
)
def test_an_invalid_run_fails_before_the_first_step(
    tmp_path: Path, changes: dict[str, Any], name: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        train(tiny_run(**changes), tmp_path / name, device=CPU)
    assert not (tmp_path / name).exists()


def test_the_moving_average_of_the_weights_is_saved(tmp_path: Path) -> None:
    run = tiny_run(rate=1e-2)
    for name, ema in (("last", 0.0), ("mean", 0.5)):
        train(replace(run, ema=ema), tmp_path / name, device=CPU)
    assert (tmp_path / "last" / CURVES).read_bytes() == (tmp_path / "mean" / CURVES).read_bytes()
    last, mean = (load(tmp_path / name).state_dict() for name in ("last", "mean"))
    assert torch.equal(last["likelihood.log_sigma"], mean["likelihood.log_sigma"])  # no weight
    for name in ("encoder.0.weight", "decoder.0.weight"):
        assert 0 < (last[name] - mean[name]).abs().max() < 0.05


def test_a_run_starts_from_the_weights_of_another(tmp_path: Path) -> None:
    first = train(tiny_run(epochs=20, rate=5e-3), tmp_path / "first", device=CPU)
    begun = tiny_run(epochs=1, rate_warmup=100, kl_warmup=0.0, start=str(tmp_path / "first"))
    card = train(begun, tmp_path / "second", device=CPU)
    assert card.training["start_weights"] == first.weights_sha256[:12]
    assert card.training["start"] == str(tmp_path / "first")
    train(replace(begun, start=""), tmp_path / "anew", device=CPU)
    begins = {name: curve(tmp_path / name)[0]["loss"] for name in ("second", "anew")}
    assert abs(begins["second"] - curve(tmp_path / "first")[-1]["loss"]) < 0.2 * abs(
        begins["anew"] - begins["second"]
    )
    assert "start" not in first.training and "start_weights" not in first.training


def test_weights_that_do_not_fit_are_refused_before_the_first_step(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    for config in ({"latent": 5, "width": 4}, {"latent": 4, "width": 4, "neck": 8}):
        with pytest.raises(
            ValueError, match=r"`start` must be a checkpoint whose weights fit .* differs in '\w"
        ):
            train(tiny_run(config=config, start=str(tiny_checkpoint)), tmp_path / "run", device=CPU)
    with pytest.raises(ValueError, match="Unknown checkpoint 'nowhere'"):
        train(tiny_run(start="nowhere"), tmp_path / "run", device=CPU)
    assert not (tmp_path / "run").exists()


def test_the_fused_optimizer_takes_the_same_steps(tmp_path: Path) -> None:
    for name in ("adamw", "adamw-fused"):
        train(tiny_run(optimizer=name, decay=0.1), tmp_path / name, device=CPU)
    ours, theirs = curve(tmp_path / "adamw-fused"), curve(tmp_path / "adamw")
    assert [line["loss"] for line in ours] == pytest.approx([line["loss"] for line in theirs], rel=1e-5)


def test_a_closed_form_is_fitted_and_its_curve_is_one_line(tmp_path: Path) -> None:
    run = tiny_run(model="pca", config={"latent": 4})
    card = train(run, tmp_path / "pca", device=CPU, report=lambda *_: pytest.fail("it takes no steps"))
    assert card.training["steps"] == 0 and card.training["images"] == 300 and "epochs" not in card.training
    (line,) = curve(tmp_path / "pca")
    assert line["step"] == 0 and line["epoch"] == 1.0
    images = torch.from_numpy(load_data("digits", "train", limit=300).images).permute(0, 3, 1, 2)
    model = load(tmp_path / "pca")
    assert line["loss"] == pytest.approx(model.loss(images / 255).total.item(), rel=1e-5)
    shown = images.flatten(1).double().numpy() / 255
    fitted = PCA(4).fit(shown)
    rebuilt = fitted.inverse_transform(fitted.transform(shown))
    ours = model.decode(model.encode(images / 255).mean).flatten(1).numpy()
    assert np.square(ours - shown).mean() <= 1.001 * np.square(rebuilt - shown).mean()


@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor that is not a leaf"
)  # of the tracer itself
def test_the_loss_can_be_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses a backend that only traces, since inductor takes a minute to compile."""
    monkeypatch.setattr("models.training.train.BACKEND", "aot_eager")
    config = {"latent": 3, "width": 8, "network": "mlp"}
    run = tiny_run(limit=130, config=config, epochs=2)  # a last batch of another size
    torch._dynamo.utils.counters.clear()
    for name, compiled in (("plain", False), ("compiled", True)):
        train(replace(run, compile=compiled), tmp_path / name, device=CPU)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert (
        1 <= graphs <= 10
    )  # five for either size of a batch, and not five more for each step of the warm-up
    plain, compiled = (curve(tmp_path / name) for name in ("plain", "compiled"))
    for ours, theirs in zip(compiled, plain, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6)
    assert set(load(tmp_path / "compiled").state_dict()) == set(load(tmp_path / "plain").state_dict())


def test_a_missing_compiler_is_reported_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ValueError, match=r"no-such-compiler was not found. Install it"):
        train(tiny_run(compile=True), tmp_path / "run", device=CPU)
    assert not (tmp_path / "run").exists()


def test_the_learnt_sigma_is_saved_and_used(tiny_checkpoint: Path) -> None:
    likelihood = load(tiny_checkpoint).likelihood
    assert isinstance(likelihood, LearntGaussian)
    assert bool(likelihood.seen) and likelihood.log_sigma.item() < -0.3  # it began at 0


def test_two_trainings_do_not_write_to_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "one"
    with (
        exclusive(folder),
        pytest.raises(ValueError, match=r"Another training writes to .*one\. Choose another"),
    ):
        train(tiny_run(), folder)
    assert not folder.exists() and not list(folder.parent.iterdir()), "nothing is left"
    train(tiny_run(), folder)
    assert list(folder.parent.iterdir()) == [folder]
