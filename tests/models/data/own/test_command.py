"""Tests of training on a path: `python -m models train MODEL --data PATH`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import checkpoint
from models.__main__ import main
from models.data.own.command import folder_name, options_from_path, title_of
from tests.models.data.own import folder_of

SMALL = ["--set", "latent=2", "network=mlp", "width=2", "--epochs", "1", "--batch", "8", "--device", "cpu"]


def test_a_folder_is_trained_on_and_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files: dict[str, bytes | int | str] = {f"{n}.png": n for n in range(30)} | {"bad.png": b"x"}
    root = folder_of(tmp_path / "My pictures", files)
    table = (
        folder_of(tmp_path, {"l.csv": "name;height\n" + "".join(f"{n};{n},5\n" for n in range(30))}) / "l.csv"
    )
    out = tmp_path / "run"
    line = [
        "train",
        "vae",
        "--data",
        str(root),
        "--labels",
        str(table),
        "--size",
        "8",
        "--out",
        str(out),
        *SMALL,
    ]
    assert main([*line, "--option", "fit=pad", "test=0.2"]) == 0
    said = capsys.readouterr().err
    assert "My pictures: 30 pictures (21 train, 3 validation, 6 test), 8×8, RGB." in said
    assert (
        "Labels: height (number)." in said
        and "Not used: bad.png: The file is not a supported picture" in said
    )
    card = checkpoint.read(out).card
    assert card is not None and card.title == "My pictures" and card.data["name"] == "own-images"
    options = card.data["options"]
    assert options["path"] == str(root) and options["labels"] == str(table)
    assert (options["fit"], options["test"], options["size"]) == ("pad", 0.2, 8)
    assert main(["evaluate", str(out), "--json"]) == 0
    assert "6 images" in json.loads(capsys.readouterr().out)["psnr"]["protocol"]
    told: list[str] = []
    again = options_from_path(str(root), str(table), {"size": 9}, lambda share, what: told.append(what))
    assert again["size"] == 9 and told[0] == "Listing the files" and told[-1] == "Decoding the pictures"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "{tmp}/nowhere"], "and there is no such folder or file. Choose one of: digits, mnist"),
        (["--data", "{tmp}/empty"], "No picture found in"),
        (["--data", "{tmp}/one"], "A model needs at least 4 images"),
        (["--data", "{tmp}/equal"], "are equal, so there is nothing to learn"),
        (["--data", "{tmp}/good", "--labels", "{tmp}/no.csv"], "no.csv does not exist"),
        (["--data", "{tmp}/good", "--size", "7"], "`size` must lie in 8..256"),
        (["--data", "{tmp}/good", "--option", "sizes=3"], "Unknown option 'sizes'"),
        (["--data", "digits", "--size", "8"], "`--size` belongs to images of your own"),
        (["--data", "digits", "--labels", "x.csv"], "`--labels` belongs to images of your own"),
        (["--resume", "{tmp}/run", "--size", "8"], "Leave out `size`"),
    ],
)
def test_wrong_lines_say_what_to_do(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_of(
        tmp_path,
        {"one/a.png": 1, **{f"equal/{n}.png": 1 for n in range(5)}, **{f"good/{n}.png": n for n in range(5)}},
    )
    (tmp_path / "empty").mkdir()
    model = [] if "--resume" in arguments else ["vae", "--out", str(tmp_path / "run")]
    assert main(["train", *model, *(each.format(tmp=tmp_path) for each in arguments)]) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_names_are_made_from_paths(tmp_path: Path) -> None:
    assert folder_name("/a/Früchte 360 (b).zip") == "fr-chte-360-b"
    assert folder_name("/猫") == "images"
    assert title_of(str(folder_of(tmp_path / "v1.2", {}).parent / "x.tar.gz")) == "x"
