"""Tests of `python -m models import` with embeddings: a checkpoint whose pictures are those of the nearest items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from explorer.atlas.build import build
from explorer.atlas.storage import load_atlas
from models import checkpoint
from models.__main__ import main
from models.card import CheckpointError
from models.embeddings.model import PICTURES, EmbeddingConfig, EmbeddingModel
from models.protocols import as_likelihood_model

COUNT, SIZE = 24, 5
VECTORS = (100 + np.random.default_rng(2).normal(size=(COUNT, SIZE))).astype(
    np.float32
)  # far from the origin


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache folder."""
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """The vectors as an array."""
    np.save(tmp_path / "E.npy", VECTORS)
    return tmp_path / "E.npy"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of two classes; picture n has the grey level 10 n, and its name sorts after those before it."""
    for row in range(COUNT):
        folder = tmp_path / "pictures" / ("first" if row < COUNT // 2 else "second")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 10 * row, np.uint8)).save(folder / f"{row:02}.png")
    return tmp_path / "pictures"


def imported(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """Runs the command and returns its JSON."""
    assert main(["import", *map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Runs the command, which must fail, and returns the error."""
    assert main(["import", *map(str, arguments)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def levels(model: Any, z: Any) -> list[int]:
    """The grey levels of decoded latents."""
    x = model.decode(torch.as_tensor(np.asarray(z, np.float32)))
    return [round(value) for value in (255 * x[:, 0, 0, 0]).tolist()]


def test_vectors_and_pictures_become_a_checkpoint_with_an_atlas(
    vectors: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "weight;odd\n" + "".join(f"{row},5;{'yes' if row % 2 else 'no'}\n" for row in range(COUNT))
    )
    out = tmp_path / "runs" / "mine"
    found = imported(
        capsys, vectors, "--images", pictures, "--labels", labels, "--out", out, "--title", "Mine"
    )
    assert found["items"] == COUNT and found["latent_shape"] == [SIZE] and found["image_shape"] == [1, 8, 8]
    assert found["labels"] == ["Class", "weight", "odd"] and "in their order" in found["notes"][0]
    model = checkpoint.load(out)
    assert not model.spec.encodes and not model.spec.prior and model.spec.pictures == "nearest"
    near = VECTORS + np.float32(0.01)
    assert levels(model, near) == [10 * row for row in range(COUNT)]
    assert levels(model, near[:0]) == []
    assert build(out, umap=False) == COUNT
    entry = checkpoint.read(out)
    atlas = load_atlas(entry)
    rows = [int(Path(name).stem) for name in atlas.texts["file"].values]
    np.testing.assert_array_equal(atlas.mean, VECTORS[rows])
    assert atlas.std is None and not atlas.scores and set(atlas.split) == {"train"}
    np.testing.assert_allclose(atlas.attributes["weight"].values, np.array(rows) + 0.5)
    assert atlas.attributes["odd"].values.tolist() == [row % 2 for row in rows]
    assert atlas.attributes["class"].labels == ("first", "second")
    assert entry.card is not None and entry.card.title == "Mine"
    assert entry.card.command.startswith("python -m models import ")
    assert checkpoint.pack(out) == entry.card  # the vectors stay exact


def test_what_an_embedding_cannot_do_says_why(
    vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(capsys, vectors, "--out", tmp_path / "mine")
    model = checkpoint.load(tmp_path / "mine")
    z = torch.zeros(1, SIZE, requires_grad=True)
    with pytest.raises(ValueError, match="have no encoder"):
        model.encode(torch.zeros(1, 1, 8, 8))
    with pytest.raises(ValueError, match=r"no gradients\. Train one"):
        model.decode(z)
    with pytest.raises(ValueError, match="cannot be trained"):
        model.loss(z)
    with pytest.raises(ValueError, match="has no likelihood"):
        as_likelihood_model(model)
    with pytest.raises(ValueError, match="are not open"):
        EmbeddingModel(EmbeddingConfig((1, 8, 8))).decode(torch.zeros(1, 1))


def test_without_pictures_each_item_is_blank(
    vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(vectors), "--out", str(tmp_path / "mine")]) == 0
    told = capsys.readouterr().out
    assert "24 vectors of 5 dimensions, no pictures." in told and "python -m explorer.atlas" in told
    model = checkpoint.load(tmp_path / "mine")
    assert model.spec.pictures == "none" and len(set(levels(model, VECTORS))) == 1
    assert build(tmp_path / "mine", umap=False) == COUNT
    atlas = load_atlas(checkpoint.read(tmp_path / "mine"))
    np.testing.assert_array_equal(atlas.mean, VECTORS[[int(name) for name in atlas.texts["file"].values]])


def test_a_column_that_names_the_pictures_decides(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = np.random.default_rng(3).permutation(COUNT)
    names = [f"{row:02}.png" for row in order] + ["gone.png"]
    rows = np.concatenate([VECTORS[order], VECTORS[:1]]).tolist()
    table = pa.table({"file": names, "v": pa.array(rows), "n": [*order.tolist(), 99]})
    pq.write_table(table, tmp_path / "E.parquet")
    found = imported(capsys, tmp_path / "E.parquet", "--images", pictures, "--out", tmp_path / "mine")
    assert found["notes"] == ["1 rows of the file of embeddings belong to no picture."]
    assert levels(checkpoint.load(tmp_path / "mine"), VECTORS) == [10 * row for row in range(COUNT)]
    pq.write_table(table.slice(2), tmp_path / "F.parquet")
    error = refused(capsys, tmp_path / "F.parquet", "--images", pictures, "--out", tmp_path / "b")
    assert "Each picture must have an embedding. 2 of 24 have none, such as " in error


def test_files_that_do_not_belong_together_are_refused(
    vectors: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    (pictures / "first" / "00.png").unlink()
    error = refused(capsys, vectors, "--images", pictures, "--out", out)
    assert "one picture for each of 24 embeddings, in their order. Got 23" in error
    (tmp_path / "l.csv").write_text("a,b\nx,y\n")
    error = refused(capsys, vectors, "--labels", tmp_path / "l.csv", "--out", out)
    assert "l.csv must have a row for each of 24 embeddings, in their order. Got 1 rows" in error
    assert "`--size` is that of pictures" in refused(capsys, vectors, "--size", 16, "--out", out)
    assert "`--range` belongs to a model" in refused(capsys, vectors, "--range", "unit", "--out", out)
    (tmp_path / "m.onnx").touch()
    error = refused(capsys, tmp_path / "m.onnx", "--labels", tmp_path / "l.csv", "--out", out)
    assert "`--labels` are those of embeddings" in error
    assert not [path for path in tmp_path.iterdir() if "mine" in path.name]


def test_a_checkpoint_that_was_changed_is_refused(
    vectors: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    imported(capsys, vectors, "--images", pictures, "--out", out)
    entry = checkpoint.read(out)
    assert checkpoint.verify(entry).error is None
    content = (out / PICTURES).read_bytes()
    (out / PICTURES).write_bytes(content[:-1] + b"\1")
    assert "pictures.npy has the SHA-256" in str(checkpoint.verify(entry).error)
    with pytest.raises(CheckpointError, match=r"pictures\.npy has the SHA-256"):
        checkpoint.load(out)
    (out / PICTURES).unlink()
    with pytest.raises(CheckpointError, match=r"pictures\.npy is missing"):
        checkpoint.read(out)
    card = json.loads((out / "card.json").read_text())
    card["config"] |= {"pictures_sha256": "f" * 64}
    (out / "card.json").write_text(json.dumps(card))
    (out / PICTURES).write_bytes(content)
    with pytest.raises(CheckpointError, match="the card names another"):
        checkpoint.load(out)
