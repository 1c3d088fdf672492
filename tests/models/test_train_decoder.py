"""Tests of `python -m models train decoder`: it learns the pictures of embeddings, better than copying the nearest one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from explorer.atlas.build import build
from explorer.atlas.storage import load_atlas
from models import checkpoint
from models.__main__ import main
from models.card import LATENTS, CheckpointError
from models.data import OWN, load_data
from models.embeddings.decoder import EmbeddingDecoder, EmbeddingDecoderConfig
from models.train_decoder import prepare_decoder, train_decoder
from models.training.run import Run

COUNT = 300


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """PCA vectors of digits, far from the origin, and the digits."""
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    torch.set_num_threads(1)
    digits = load_data("digits", "train", limit=COUNT).images
    flat = digits.reshape(COUNT, -1) / 255
    _, _, axes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    np.save(tmp_path / "E.npy", 50 + 7 * (flat - flat.mean(0)) @ axes[:16].T)
    np.save(tmp_path / "digits.npy", digits)
    return tmp_path / "E.npy", tmp_path / "digits.npy"


def test_a_decoder_learns_the_pictures_of_embeddings(files: tuple[Path, Path], tmp_path: Path) -> None:
    vectors, pictures = files
    out = tmp_path / "drawn"
    arguments = [
        "train",
        "decoder",
        "--embeddings",
        str(vectors),
        "--images",
        str(pictures),
        "--out",
        str(out),
    ]
    rest = ["--epochs", "200", "--device", "cpu", "--set", "width=16", "--progress", "json"]
    assert main([*arguments, *rest]) == 0
    entry = checkpoint.read(out)
    card = entry.card
    assert card is not None and card.model == "decoder" and card.training["validation_loss"] < 0
    assert card.command.startswith("python -m models train decoder ") and card.training["seed"] == 0
    values = {name: metric["value"] for name, metric in card.metrics.items()}
    assert set(values) == {"psnr", "mse", "psnr_nearest", "mse_nearest"}
    assert (
        values["psnr"] > values["psnr_nearest"] + 1 and "own-images test" in card.metrics["psnr"]["protocol"]
    )
    assert build(out, umap=False) == COUNT
    atlas = load_atlas(entry)
    rows = [int(name) for name in atlas.texts["file"].values]
    np.testing.assert_array_equal(atlas.mean, np.load(vectors).astype(np.float32)[rows])
    test = np.asarray(atlas.split) == "test"
    assert 0 < test.sum() < COUNT / 4
    model = checkpoint.load(out)
    x = model.decode(torch.from_numpy(atlas.mean)).numpy()
    errors = ((x - np.load(pictures)[rows].transpose(0, 3, 1, 2) / 255) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(atlas.scores["error"], errors, rtol=1e-3)
    assert np.isclose(errors[test].mean(), values["mse"], rtol=1e-3)
    with pytest.raises(CheckpointError, match="holds the embeddings of its images"):
        checkpoint.pack(out)
    assert main([*arguments, *rest]) == 1  # the folder holds a run


def test_a_paused_training_takes_the_same_steps(files: tuple[Path, Path], tmp_path: Path) -> None:
    vectors, pictures = files
    hashes = []
    for name, requests in (("whole", []), ("paused", ["", "", "pause"])):
        items = prepare_decoder(vectors, tmp_path / name, images=pictures)
        run = Run("decoder", OWN, {"width": 4}, items.preparation.as_options(), epochs=2, batch=64)
        control = partial(next, iter(requests)) if requests else None
        card = train_decoder(run, tmp_path / name, device=torch.device("cpu"), control=control)
        if control:
            assert card.training["finished"] is False and not card.metrics
            assert main(["train", "--resume", str(tmp_path / name), "--device", "cpu"]) == 0
        finished = checkpoint.read(tmp_path / name).card
        assert finished is not None and finished.metrics["psnr"]["value"] > 5
        about = pq.read_metadata(tmp_path / name / LATENTS / "part-00000.parquet").metadata
        assert about[b"weights_sha256"].decode() == finished.weights_sha256
        hashes.append(finished.weights_sha256)
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "Name the embeddings and their pictures"),
        (["--embeddings", "E.npy"], "Name those of the embeddings: `--images PATH`"),
        (
            ["--embeddings", "E.npy", "--images", "digits.npy", "--augment", "flip"],
            "`augment` does not apply",
        ),
        (["--embeddings", "E.npy", "--images", "digits.npy", "--overwrite"], "`--overwrite` does not apply"),
        (["--embeddings", "E.npy", "--data", "digits"], "Leave out `--data`"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "decoder", *arguments, "--out", "drawn"]) == 1
    assert reason in capsys.readouterr().err
    assert main(["train", "vae", "--data", "digits", "--embeddings", "E.npy"]) == 1
    assert "belongs to the model `decoder`" in capsys.readouterr().err


def test_vectors_are_scaled_by_their_spread() -> None:
    torch.manual_seed(0)
    model = EmbeddingDecoder(EmbeddingDecoderConfig((3, 12, 8), latent=2, width=4)).eval()
    z = np.array([[1000, 5], [1002, 5], [1004, 5]], np.float32)  # one dimension is constant
    model.set_scale(z)
    assert model.centre.tolist() == [1002, 5] and np.isclose(model.scale[0], z[:, 0].std())
    assert 0 < model.scale[1] < model.scale[0] and model.decode(torch.from_numpy(z)).shape == (3, 3, 12, 8)
    with pytest.raises(ValueError, match="has no encoder"):
        model.encode(torch.zeros(1, 3, 12, 8))
