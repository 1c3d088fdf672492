"""Tests of collections: images of the user, encoded in the shape and with the weights of a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from models import checkpoint, load
from models.__main__ import main
from models.card import ATLAS, CARD, LATENTS, CheckpointError
from models.collection import collection_folder, encode_collection
from models.data import load_data
from models.latents import WEIGHTS_KEY, encode
from tests.own_pictures import COUNT, write_pictures


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    return write_pictures(tmp_path / "Obst & Gemüse")


def test_pictures_of_any_shape_are_encoded_in_the_checkpoints_shape(
    pictures: Path, copy_of_tiny: Path
) -> None:
    out = collection_folder(copy_of_tiny, pictures)
    assert out == copy_of_tiny.parent / "tiny-vae.obst-gem-se"
    said: list[float] = []
    made = encode_collection(
        copy_of_tiny, pictures, out, command="encode", report=lambda share, _: said.append(share)
    )
    assert made.images == COUNT and [each.name for each in made.refused] == ["broken.png"]
    assert said == sorted(said) and said[-1] == 1
    entry = checkpoint.read(out)
    card = entry.card
    assert card is not None and card.weights_of == "tiny-vae" and card.title == "Tiny · Obst & Gemüse"
    assert entry.version == checkpoint.read(copy_of_tiny).version and list(card.metrics) == ["psnr"]
    parts = [
        load_data(card.data["name"], split, **card.data["options"])
        for split in ("train", "validation", "test")
    ]
    assert all(part.image_shape == (1, 8, 8) for part in parts) and sum(map(len, parts)) == COUNT
    table = pq.read_table(out / LATENTS / "part-00000.parquet")
    found = dict(zip(table["file"].to_pylist(), table["mean"].to_pylist(), strict=True))
    means = np.concatenate([encode(load(copy_of_tiny), part.images)["mean"] for part in parts])
    files = [file for part in parts for file in part.texts["file"].values]
    assert len(found) == len(files)
    np.testing.assert_allclose([found[file] for file in files], means, rtol=2e-3, atol=1e-5)
    assert table.schema.metadata[WEIGHTS_KEY].decode() == card.weights_sha256


def test_several_paths_become_one_collection(pictures: Path, copy_of_tiny: Path) -> None:
    files = sorted(pictures.glob("Bild *.png"))
    (pictures / "zwei").mkdir()
    for file in files[:2]:
        file.rename(pictures / "zwei" / file.name)
    out = copy_of_tiny.parent / "several"
    line = ["encode", str(copy_of_tiny), str(pictures / "zwei"), *map(str, files[2:4]), "--out", str(out)]
    assert main(line) == 0
    table = pq.read_table(out / LATENTS / "part-00000.parquet")
    inside = [f"zwei/{file.name}" for file in files[:2]]
    assert table["file"].to_pylist() == [files[2].name, files[3].name, *inside]
    card = checkpoint.read(out).card
    assert card is not None and card.data["options"]["members"] == [files[2].name, files[3].name, "zwei"]
    assert collection_folder(copy_of_tiny, files[2:4]).name == "tiny-vae.obst-gem-se"


def test_a_collection_is_replaced_and_uses_the_weights_of_its_checkpoint(
    pictures: Path, copy_of_tiny: Path
) -> None:
    first = encode_collection(copy_of_tiny, pictures, copy_of_tiny.parent / "mine").folder
    (first / ATLAS).write_bytes(b"of former images")
    (pictures / "Bild 00.png").unlink()
    assert encode_collection(copy_of_tiny, pictures, first, fit="pad").images == COUNT - 1
    assert not (first / ATLAS).exists(), "it does not fit any more"
    assert json.loads((first / CARD).read_text())["data"]["options"]["fit"] == "pad"
    again = encode_collection(first, pictures, copy_of_tiny.parent / "third").folder
    card = checkpoint.read(again).card
    assert card is not None and card.weights_of == "tiny-vae", "not of the collection"


def test_other_folders_are_not_overwritten(
    pictures: Path, copy_of_tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in copy_of_tiny.iterdir()}
    with pytest.raises(
        ValueError, match=r"`--out` must be beside .*tiny-vae, which is not in a folder of checkpoints"
    ):
        encode_collection(copy_of_tiny, pictures, tmp_path / "far" / "mine")
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(copy_of_tiny.parent))
    with pytest.raises(ValueError, match="must not be another checkpoint"):
        encode_collection(copy_of_tiny, pictures, copy_of_tiny)
    assert {path.name: path.read_bytes() for path in copy_of_tiny.iterdir()} == before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("x")
    with pytest.raises(ValueError, match=r"must be a new folder or a collection. .*holds 'thesis.txt'"):
        encode_collection(copy_of_tiny, pictures, tmp_path / "full")
    with pytest.raises(CheckpointError, match="`name` must be 1 to 64 lower-case letters"):
        encode_collection(copy_of_tiny, pictures, copy_of_tiny.parent / "Not A Name")
    assert not (copy_of_tiny.parent / "Not A Name").exists()
    for path in pictures.glob("*.png"):
        if path.name != "Bild 01.png":
            path.unlink()
    with pytest.raises(ValueError, match=r"A collection must have at least 2 images. .* has 1"):
        encode_collection(copy_of_tiny, pictures, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty"):
        encode_collection(copy_of_tiny, tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_writes_a_collection(
    pictures: Path, copy_of_tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy_of_tiny.parent / "tiny-vae.mine"
    line = ["encode", str(copy_of_tiny), str(pictures), "--out", str(out), "--progress", "json"]
    assert main(line) == 0
    said = capsys.readouterr()
    *steps, last = [json.loads(text) for text in said.out.splitlines()]
    error = np.array(pq.read_table(out / LATENTS)["error"].to_pylist())
    psnr = float(np.mean(-10 * np.log10(error)))
    assert steps[-1]["share"] == 1 and last == {
        "result": {"folder": str(out), "images": COUNT, "refused": 1, "psnr": pytest.approx(psnr, abs=0.01)}
    }
    assert "broken.png: " in said.err
    assert ("does not fit these images. Train a model on them" in said.err) == (psnr < 20)
    assert json.loads((out / CARD).read_text())["command"].endswith(f"--out {out}")
