"""Tests of `python -m models import`: from files of elsewhere to a checkpoint with its value range, or a refusal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models import checkpoint
from models.__main__ import main
from models.evaluation.evaluate import evaluate
from models.foreign.model import DECODER, ENCODER
from tests.models.foreign.graphs import graph, node, number, write_pair, write_pictures


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache folder."""
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))


def imported(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    """Runs the command and returns its JSON."""
    assert main(["import", *map(str, arguments), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_pair_becomes_a_checkpoint_with_the_best_value_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_pair(
        tmp_path / "pair",
        values="imagenet",
        channels="bgr",
        half=True,
        names=("vae_encoder/model.onnx", "vae_decoder/model.onnx"),
    )
    (source / "vae_decoder" / "config.json").write_text('{"scaling_factor": 0.5}')
    pictures, out = write_pictures(tmp_path / "pictures"), tmp_path / "runs" / "mine"
    sheet = tmp_path / "sheet.png"
    found = imported(capsys, source, "--images", pictures, "--out", out, "--title", "Mine", "--sheet", sheet)
    with Image.open(sheet) as drawn:
        assert drawn.size == (8 * 10 - 2, 5 * 10 - 2)
        first, second = (np.asarray(drawn)[top : top + 8].astype(int) for top in (0, 10))
    assert np.abs(first - second).max() <= 1  # the best candidate is right below the pictures
    best = {"input_range": "imagenet", "output_range": "imagenet", "channels": "bgr", "scaling": 1.0}
    assert found.items() >= (best | {"image_shape": [3, 8, 8], "latent_shape": [12, 4, 4]}).items()
    assert len(found["candidates"]) == 54 and found["psnr"] > 60 and not found["warnings"]  # type: ignore[arg-type,operator]
    card = checkpoint.read(out).card
    assert card is not None and card.title == "Mine" and card.config.items() >= best.items()
    assert card.metrics["psnr"]["value"] == found["psnr"] and "training images" not in card.description
    assert card.metrics["psnr"]["protocol"].startswith("reconstructions of 20 train images")
    assert card.training["value_ranges"][0]["psnr"] == found["psnr"]
    assert card.command.startswith("python -m models import ")
    assert sorted(path.name for path in out.iterdir()) == [
        "card.json",
        DECODER,
        ENCODER,
        "weights.safetensors",
    ]
    assert (out / ENCODER).read_bytes() == (source / "vae_encoder/model.onnx").read_bytes()
    metrics = evaluate(out)  # on the test split, without the training loss, which nobody knows
    assert metrics["psnr"]["value"] > 60 and "loss" not in metrics


def test_a_choice_overrides_the_measurement_and_a_low_psnr_is_warned_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, pictures = write_pair(tmp_path / "pair", values="imagenet"), write_pictures(tmp_path / "pictures")
    options = [
        "--images",
        str(pictures),
        "--out",
        str(tmp_path / "mine"),
        "--range",
        "signed",
        "--channels",
        "bgr",
    ]
    assert main(["import", str(source), *options]) == 0
    output = capsys.readouterr()
    assert "dB  pixels signed to signed, bgr" in output.out and "python -m explorer.atlas" in output.out
    assert "Warning: The reconstructions have a PSNR of" in output.err and "`--range`" in output.err
    card = checkpoint.read(tmp_path / "mine").card
    assert card is not None and card.config["input_range"] == "signed" and card.config["channels"] == "bgr"


def test_without_images_drawn_faces_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = imported(capsys, write_pair(tmp_path / "pair", size="rows"), "--out", tmp_path / "mine")
    assert found["image_shape"] == [3, 64, 64] and "measured on drawn faces" in str(found["warnings"])
    small = write_pair(tmp_path / "small")
    assert main(["import", str(small), "--out", str(tmp_path / "other")]) == 1
    assert "3 channels and 8×8 pixels. Name some" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if "other" in path.name]


def test_a_decoder_alone_is_explored_with_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shapes = [number("shape", [0, 1, 8, 8]), number("w", np.eye(6, 64), "float32")]
    nodes = [
        node("MatMul", ["x", "w"], ["flat"]),
        node("Reshape", ["flat", "shape"], ["grid"]),
        node("Tanh", ["grid"], ["y"]),
    ]
    source = tmp_path / "generator.onnx"
    source.write_bytes(graph(nodes, ("n", 6), ("n", 1, 8, 8), shapes))
    out = tmp_path / "generated"
    found = imported(capsys, source, "--out", out)
    assert found["encoder"] is False and found["psnr"] is None and found["output_range"] == "signed"
    assert "is a guess" in str(found["warnings"])
    model = checkpoint.load(out)
    assert model.spec.prior and not model.spec.encodes and model.sample(3).shape == (3, 1, 8, 8)
    with pytest.raises(ValueError, match="a decoder without an encoder"):
        model.encode(model.sample(1))
    assert main(["import", str(source), "--images", str(tmp_path), "--out", str(tmp_path / "b")]) == 1
    assert "`--images` needs an encoder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            ["model.pt"],
            "model.pt: A .pt file may be TorchScript or a pickle: it can run code when it is loaded",
        ),
        (["a.pt2"], "A .pt2 file is refused: it can run code"),
        (["encoder.pkl"], "encoder.pkl: A pickle is refused"),
        (["diffusion_pytorch_model.bin"], "A .bin file of weights is a pickle"),
        (["a.onnx", "b.onnx", "c.onnx"], "must hold an encoder and a decoder. Got 3 .onnx files: a.onnx"),
        (["readme.txt"], "holds no .onnx file"),
    ],
)
def test_other_files_are_refused_with_the_reason(
    files: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in files:
        (folder / name).write_bytes(b"\x80\x04K\x01.")
    assert main(["import", str(folder), "--out", str(tmp_path / "mine")]) == 1
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1 and not (tmp_path / "mine").exists()
    assert "docs/export_onnx.md" in error or len(files) == 3


def test_an_output_that_cannot_be_used_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_pair(tmp_path / "pair")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    for arguments, reason in (
        ([], "Name the folder of the checkpoint"),
        (["--out", str(tmp_path / "full")], "must be a new or an empty folder"),
        (["--out", str(tmp_path / "No Name")], "lower-case letters"),
        (["--out", str(tmp_path / "mine"), "--size", "0"], "`--size` must be"),
        (["--out", str(tmp_path / "mine"), "--sheet", "a.jpg"], "`--sheet` must end in .png"),
    ):
        assert main(["import", str(source), *arguments]) == 1
        assert reason in capsys.readouterr().err
    assert main(["import", str(tmp_path / "nothing"), "--out", str(tmp_path / "mine")]) == 1
    assert "does not exist" in capsys.readouterr().err
