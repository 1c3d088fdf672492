"""Tests of several processes: under `torchrun`, they take the same steps as a single process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models import MODELS, checkpoint
from models.__main__ import main
from models.card import TRAINING, WEIGHTS
from models.training.log import CURVES
from models.training.state import read_run
from models.training.train import check_batches, train
from tests.models.several import LINE, PRIOR_LAST, tiny

ROOT = Path(__file__).resolve().parents[3]
# Warning about a convolution with one channel, whose strides can be written in two equivalent forms.
WARNINGS = "error,ignore:Grad strides do not match bucket view strides"
CPU = torch.device("cpu")


def curve(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / CURVES).read_text(encoding="utf-8").splitlines()]
    return [line | line.pop("figures", {}) for line in lines]


def assert_same(several: Path, one: Path, within: float = 1e-4) -> None:
    """Compares two curves, line by line and term by term."""
    assert len(curve(several)) == len(curve(one)) > 0
    for ours, theirs in zip(curve(several), curve(one), strict=True):
        assert ours == pytest.approx(theirs, rel=within, abs=1e-6)


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs two processes with `torchrun` once for all tests of this file; returns their folder."""
    out = tmp_path_factory.mktemp("several")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    process = subprocess.run(
        [*launch, "-m", "tests.models.several", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": WARNINGS},
    )
    assert process.returncode == 0, process.stderr[-4000:]
    (out / "stderr").write_text(process.stderr)
    return out


@pytest.fixture(autouse=True)
def log_often(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 1)


@pytest.mark.parametrize("kind", MODELS)
def test_two_processes_give_the_curve_and_the_weights_of_one(kind: str, by_two: Path, tmp_path: Path) -> None:
    card = train(tiny(kind), tmp_path / kind, device=CPU)
    ours, theirs = (load_file(folder / kind / WEIGHTS) for folder in (by_two, tmp_path))
    # ActNorm begins where its gradient is 0 but for rounding, of which Adam makes whole steps: which way, the machine
    # decides. The terms of a flow came out 0.0001 to 0.001 apart.
    rounded = any(name.endswith("initialised") for name in theirs)
    assert_same(by_two / kind, tmp_path / kind, 2e-3 if rounded else 1e-4)
    apart = 4e-3 if rounded else 1e-4
    for name, values in theirs.items():
        torch.testing.assert_close(ours[name], values, rtol=1e-3, atol=apart, msg=f"{kind}: {name}")
    shared = checkpoint.read(by_two / kind).card
    assert shared is not None and shared.training["processes"] == 2
    assert shared.training["steps"] == card.training["steps"] == (0 if kind == "pca" else 10)


def test_two_processes_start_the_prior_phase_together(by_two: Path, tmp_path: Path) -> None:
    train(tiny("vq-vae-2", **PRIOR_LAST), tmp_path / "one", device=CPU)
    assert_same(by_two / "prior-last", tmp_path / "one")
    kl = [line["kl"] for line in curve(tmp_path / "one")]
    assert kl[0] == kl[4] != kl[5], "a flat prior, then one that learns"
    ours, theirs = (load_file(folder / WEIGHTS) for folder in (by_two / "prior-last", tmp_path / "one"))
    for name, values in theirs.items():
        torch.testing.assert_close(ours[name], values, rtol=1e-3, atol=1e-4, msg=name)


def test_nan_in_one_process_stops_all_with_the_same_message(by_two: Path) -> None:
    said = [json.loads((by_two / f"error-{rank}.json").read_text()) for rank in range(2)]
    assert said[0] == said[1]
    assert "The term 'kl' is nan at step 6. The last saved state is " in said[0] and TRAINING in said[0]


def test_several_processes_resume_to_the_same_result(by_two: Path) -> None:
    assert (by_two / "resumed" / CURVES).read_bytes() == (by_two / "vae" / CURVES).read_bytes()
    assert (by_two / "resumed" / WEIGHTS).read_bytes() == (by_two / "vae" / WEIGHTS).read_bytes()
    with pytest.raises(ValueError, match="to resume from"):
        read_run(by_two / "resumed")  # nothing is left behind


def test_the_command_line_under_torchrun_gives_what_one_process_gives(by_two: Path, tmp_path: Path) -> None:
    assert [json.loads((by_two / f"status-{rank}.json").read_text()) for rank in range(2)] == [0, 0]
    assert main([*LINE, "--out", str(tmp_path / "line")]) == 0
    assert_same(by_two / "line", tmp_path / "line")
    card = checkpoint.read(by_two / "line").card
    assert card is not None and card.command.startswith("torchrun --nproc-per-node 2 -m models train vae ")
    assert len(list((by_two / "line" / "tensorboard").iterdir())) == 1  # one of them wrote


def test_only_one_process_shows_a_bar(by_two: Path) -> None:
    assert (by_two / "stderr").read_text().count("line:   0%") == 1, (
        "each bar is drawn once before its first step"
    )


@pytest.mark.parametrize(("images", "batch", "count"), [(101, 50, 2), (300, 3, 4), (2, 50, 3)])
def test_a_batch_too_small_to_share_out_is_refused(images: int, batch: int, count: int) -> None:
    with pytest.raises(ValueError, match=rf"`batch` must give each of the {count} processes an image"):
        check_batches(images, batch, count)
    check_batches(images, batch, 1)
