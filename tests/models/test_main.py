"""Tests of the command line: its output, and that errors are one line with exit status 1."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from models import checkpoint
from models.__main__ import main
from models.commands.arguments import parse_assignments
from models.training.train import CURVES

ROOT = Path(__file__).resolve().parents[2]
TRAIN = ["train", "vae", "--data", "digits", "--epochs", "2", "--batch", "50", "--limit", "100"]


def test_list_shows_each_checkpoint_or_its_error(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(copy_of_tiny.parent))
    (copy_of_tiny.parent / "empty").mkdir()
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("empty     broken: ") and "has no card.json" in lines[0]
    assert lines[1].split() == ["tiny-vae", "vae", "digits", "Tiny"]
    assert main(["list", "--json"]) == 0
    broken, sound = json.loads(capsys.readouterr().out)
    assert broken["name"] == "empty" and "has no card.json" in broken["error"] and broken["version"] == ""
    assert sound["error"] is None and sound["path"] == str(copy_of_tiny) and len(sound["version"]) == 12
    assert sound["model"] == "vae" and sound["data"]["name"] == "digits" and sound["config"]["latent"] == 4


def test_an_empty_list_names_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    assert main(["list"]) == 0
    assert "Create one with `python -m models train vae --data digits`" in capsys.readouterr().out


def test_train_evaluate_and_encode_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    folder = tmp_path / "mine"
    options = ["--title", "My digits", "--set", "latent=2", "network=mlp", "width=8", "--device", "cpu"]
    assert main([*TRAIN, "--out", str(folder), *options]) == 0
    assert f"Trained {folder} for 4 steps" in capsys.readouterr().out
    card = checkpoint.read("mine").card
    assert card is not None and card.title == "My digits" and card.config["network"] == "mlp"
    assert card.command.startswith("python -m models train vae --data digits") and "latent=2" in card.command

    assert main([*TRAIN, "--out", str(folder), *options]) == 1
    assert (
        f"{folder} already holds a finished run. To replace it, add `--overwrite`" in capsys.readouterr().err
    )
    assert main([*TRAIN, "--out", str(folder), *options, "--overwrite", "--resume"]) == 1
    assert "Leave out one of them" in capsys.readouterr().err
    assert main([*TRAIN, "--out", str(folder), *options, "--overwrite"]) == 0
    assert checkpoint.read("mine").card != card and capsys.readouterr().out

    assert main(["evaluate", "mine", "--json", "--limit", "20", "--write"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["mse"]["command"] == "python -m models evaluate mine --json --limit 20 --write"
    written = checkpoint.read("mine").card
    assert written is not None and written.metrics == figures
    assert main(["evaluate", "mine", "--limit", "20"]) == 0
    assert f"{figures['psnr']['value']:.4f}" in capsys.readouterr().out

    assert main(["pack", str(folder), "--most", "2"]) == 0
    said = capsys.readouterr().out
    assert (
        f"{folder} has 0.0 MB of weights and keeps 2 lines of its curves. Now measure and encode it:" in said
    )
    packed = checkpoint.read("mine").card
    assert packed is not None and packed.metrics == {}

    Image.new("L", (8, 8), 99).save(tmp_path / "a.png")
    out = tmp_path / "codes.parquet"
    assert main(["encode", "mine", str(tmp_path / "a.png"), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out} holds 1 encoded image.\n"
    assert pq.read_table(out).num_rows == 1


def test_train_writes_json_lines_for_another_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        *TRAIN,
        "--out",
        str(tmp_path / "run"),
        "--set",
        "latent=2",
        "network=mlp",
        "width=8",
        "--device",
        "cpu",
    ]
    assert main([*line, "--progress", "json"]) == 0
    captured = capsys.readouterr()
    *steps, last = [json.loads(text) for text in captured.out.splitlines()]
    assert steps[0] == {"share": 0.25, "what": "Training", "done": 1, "total": 4}
    assert steps[-1] == {"share": 1.0, "what": "Training", "done": 4, "total": 4}
    assert last == {"result": {"folder": str(tmp_path / "run"), "steps": 4}} and captured.err == "", "no bar"
    card = checkpoint.read(tmp_path / "run").card
    assert card is not None and card.command == f"python -m {shlex.join(['models', *line])}"
    assert main([*line, "--progress=json"]) == 1
    captured = capsys.readouterr()
    assert str(tmp_path / "run") in json.loads(captured.out)["error"] and captured.err.count("\n") == 1


def test_resume_without_a_state_starts_a_new_run(tmp_path: Path) -> None:
    assert main([*TRAIN, "--set", "latent=2", "width=2", "--out", str(tmp_path / "one"), "--resume"]) == 0
    assert len((tmp_path / "one" / CURVES).read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "nothing"], "Unknown checkpoint 'nothing'. Choose one of: tiny-vae"),
        (["encode", "nothing", "a.png", "--out", "b.csv"], "a.png does not exist"),
        (["encode", "nothing", "a.png"], "Name the output: `--out table.parquet`"),
        (
            ["encode", "nothing", "a.png", "--out", "b.csv", "--fit", "pad"],
            "`--labels`, `--fit` and `--ray` belong to a collection",
        ),
        (["evaluate", "tiny-vae", "--report", "."], "`--report` must be a file. . is a folder"),
        (["train"], "Name a model and its data: `python -m models train vae --data digits`"),
        (
            ["train", "vea", "--data", "digits", "--out", "{tmp}/x"],
            "Unknown model 'vea'. Choose one of: pca, ",
        ),
        (["train", "vae", "--data", "digit", "--out", "{tmp}/x"], "Unknown data set 'digit'"),
        (["train", "vae", "--data", "digits", "--out", "{tmp}/My Run"], "`name` must be 1 to 64 lower-case"),
        (
            ["train", "vae", "--data", "digits", "--out", "{tmp}/x", "--epochs", "0"],
            "`epochs` must be at least 1",
        ),
        (
            ["train", "vae", "--data", "digits", "--out", "{tmp}/x", "--rate", "nan"],
            "`rate` must lie between",
        ),
        (["train", "vae", "--data", "digits", "--out", "{tmp}/x", "--set", "latent"], "written NAME=VALUE"),
        (
            ["train", "vae", "--data", "digits", "--out", "{tmp}/x", "--set", "latent=two"],
            "`latent` must be of type",
        ),
        (["train", "vae", "--data", "digits", "--out", "{tmp}/x", "--option", "a=1"], "Unknown option 'a'"),
        (["train", "vae", "--data", "digits", "--out", "{tmp}/x", "--device", "abacus"], "abacus"),
        (["train", "--resume", "{tmp}/x", "--overwrite"], "Leave out `overwrite`"),
        (["train", "--resume", "{tmp}/x"], "has no training.safetensors to resume from"),
        (
            ["train", "--resume", "{tmp}/x", "--epochs", "3"],
            "continues with the settings it was started with. Leave out",
        ),
        (["evaluate", "tiny-vae", "--limit", "0"], "`limit` must be an integer of at least 1"),
    ],
)
def test_errors_are_one_line_and_status_1(
    arguments: list[str], message: str, tiny_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([a.format(tmp=tmp_path) for a in arguments]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert said.err.startswith("python -m models: ") and message in said.err


@pytest.mark.parametrize("arguments", [[], ["fly"], ["train", "vae", "--epochs", "many"], ["encode", "x"]])
def test_an_invalid_command_line_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "usage: python -m models" in capsys.readouterr().err


def test_a_real_process_ends_with_status_1_and_no_traceback(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-m", "models", "evaluate", str(tmp_path / "nothing")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert process.returncode == 1 and process.stdout == ""
    assert process.stderr.count("\n") == 1 and "is not a folder" in process.stderr


def test_assignments_are_json_where_they_can_be() -> None:
    parsed = parse_assignments(["latent=2", "network=mlp", "sigma=0.5", "correlated=true", "name=a=b"])
    assert parsed == {"latent": 2, "network": "mlp", "sigma": 0.5, "correlated": True, "name": "a=b"}
