"""Tests of the command: it opens the page, or runs a subcommand."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.__main__ import COMMAND, main
from explorer.atlas.storage import load_atlas
from explorer.installation import APP
from models import checkpoint
from tests.own_pictures import COUNT, write_pictures

Lines = list[list[str]]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """The command lines passed to Streamlit, which is not started."""
    lines: Lines = []
    take: Callable[..., Any] = lambda line, prog_name: lines.append(line)  # noqa: E731
    monkeypatch.setattr("streamlit.web.cli.main", take)
    return lines


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ([], []),
        (["run"], []),
        (["--port", "8600"], ["--server.port", "8600"]),
        (["run", "--headless", "--port", "1"], ["--server.port", "1", "--server.headless", "true"]),
    ],
)
def test_without_a_command_it_opens_the_page(line: list[str], options: list[str], served: Lines) -> None:
    assert main(line) == 0
    assert served == [["run", str(APP), *options]]


def test_it_opens_the_images_that_it_encoded(
    copy_of_tiny: Path,
    tmp_path: Path,
    served: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    maps: list[Path] = []
    for name, value in (
        ("CACHE_DIR", tmp_path / "cache"),
        ("CHECKPOINT_DIR", copy_of_tiny.parent),
        ("FIRST_CHECKPOINT", ""),
    ):
        monkeypatch.setenv(f"LATENT_{name}", str(value))
    monkeypatch.setattr("explorer.jobs.collections.start_map", maps.append)
    images = str(write_pictures(tmp_path / "fruit"))
    line = ["encode", str(copy_of_tiny), images, "--open", "--headless", "--port", "8600"]
    assert main(line) == 0
    assert served == [["run", str(APP), "--server.port", "8600", "--server.headless", "true"]]
    folder = copy_of_tiny.parent / "tiny-vae.fruit"
    assert os.environ["LATENT_FIRST_CHECKPOINT"] == folder.name and maps == [folder]
    assert len(load_atlas(checkpoint.read(folder))) == COUNT
    assert main([*line, "--out", str(tmp_path / "elsewhere" / "fruit")]) == 0
    assert os.environ["LATENT_CHECKPOINT_DIR"].startswith(str(tmp_path / "elsewhere") + os.pathsep)
    capsys.readouterr()
    assert main([*line, "--out", "table.csv"]) == 1
    assert "`--open` shows a collection: name a folder" in capsys.readouterr().err


def test_further_checkpoints_come_before_the_others(
    tiny_only: Path, tmp_path: Path, served: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--checkpoints", str(tmp_path)]) == 0
    assert os.environ["LATENT_CHECKPOINT_DIR"] == os.pathsep.join(map(str, (tmp_path, tiny_only.parent)))


def test_images_are_opened_and_read_before_the_page_asks(
    tmp_path: Path, served: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, str]] = []
    monkeypatch.setattr("explorer.jobs.image_sources.open_at_start", lambda *told: opened.append(told))
    table = tmp_path / "labels.csv"
    table.touch()
    monkeypatch.chdir(tmp_path)
    assert main(["open", ".", "--labels", "labels.csv", "--port", "8600", "--headless"]) == 0
    assert main(["open", str(tmp_path)]) == 0
    assert opened == [(str(tmp_path), str(table)), (str(tmp_path), "")]
    assert served[0] == ["run", str(APP), "--server.port", "8600", "--server.headless", "true"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["open"], "the following arguments are required: PATH"),
        (["open", "/nowhere"], "argument PATH: must be a file or folder that exists. Got '/nowhere'"),
        (["open", ".", "--labels", "/no.csv"], "argument --labels: must be a file or folder that exists."),
        (["--port", "0"], "argument --port: must be a port from 1 to 65535. Got '0'."),
        (["--port", "many"], "Got 'many'."),
        (["--checkpoints", "/nowhere"], "must be a folder of checkpoints. Got '/nowhere'"),
        (["--fly"], "unrecognized arguments: --fly"),
        (["fly"], "invalid choice: 'fly'"),
    ],
)
def test_an_invalid_command_line_shows_the_usage(
    line: list[str], message: str, served: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line)
    said = capsys.readouterr().err
    assert caught.value.code == 2 and message in said and "usage: python -m explorer" in said
    assert not served


def test_its_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    told = capsys.readouterr().out
    assert caught.value.code == 0
    for command in (
        "run",
        "open",
        "render",
        "list",
        "train",
        "pack",
        "evaluate",
        "encode",
        "atlas",
        "scores",
        "statistics",
    ):
        assert re.search(rf"\n    {command}\s", told), command


def test_it_has_the_models_commands(tiny_only: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out.split() == ["tiny-vae", "vae", "digits", "Tiny"]


@pytest.mark.parametrize("prog", ["python -m explorer", COMMAND])
@pytest.mark.parametrize("line", [["evaluate", "nothing"], ["atlas", "nothing"]])
def test_an_error_begins_with_the_command_that_was_typed(
    line: list[str],
    prog: str,
    tiny_only: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        sys, "argv", [f"/somewhere/bin/{prog}" if prog == COMMAND else "explorer/__main__.py"]
    )
    assert main(line) == 1
    said = capsys.readouterr().err
    name = f"{prog} atlas" if line[0] == "atlas" else prog
    assert said.startswith(f"{name}: Unknown checkpoint 'nothing'.") and said.count("\n") == 1
