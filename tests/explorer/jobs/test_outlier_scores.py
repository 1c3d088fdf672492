"""Outlier scores: the same as the models' own estimates, stored, continued, and checked when they are read."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from explorer.atlas.storage import load_atlas
from explorer.jobs import outlier_scores
from explorer.jobs.outlier_scores import (
    Request,
    digest_of_atlas,
    digest_of_pictures,
    main,
    measure,
    read_scores,
    score,
    scores_path,
    write_scores,
)
from explorer.jobs.runner import start
from explorer.scene import likelihood
from explorer.scene.loaded import load as open_checkpoint
from models import checkpoint, load
from models.data import load_data
from models.data.tensors import to_tensor
from models.evaluation.elbo import bound
from models.evaluation.importance_sampling import importance_sampled
from models.evaluation.likelihood_regret import likelihood_regret
from models.vae import VAE, VAEConfig
from tests.explorer.checkpoints import train_digits

DIGITS = load_data("digits", "test", limit=70).images


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_scores_are_those_of_the_models_own_estimates(tiny_checkpoint: Path) -> None:
    model = load(tiny_checkpoint).eval()
    some, x = DIGITS[:5], to_tensor(DIGITS[:5])
    terms = bound(model, x, 16)
    np.testing.assert_allclose(measure(model, some, range(5), "elbo"), terms.elbo, rtol=1e-6)
    np.testing.assert_allclose(
        measure(model, some, range(5), "reconstruction"), terms.reconstruction, rtol=1e-6
    )
    np.testing.assert_allclose(
        measure(model, some, range(5), "regret"), likelihood_regret(model, x).values, atol=1e-4
    )
    single = [float(importance_sampled(model, one[None], 64).values) for one in x]
    np.testing.assert_allclose(measure(model, some, range(5), "importance"), single, rtol=1e-6)


def test_a_flows_score_is_the_density_that_anatomy_shows(tmp_path: Path) -> None:
    train_digits(tmp_path / "flow", epochs=1, model="real-nvp")
    loaded = open_checkpoint(checkpoint.read(tmp_path / "flow"), torch.device("cpu"))
    found = measure(loaded.decoder.model, DIGITS[:3], range(3), "density")
    for value, picture in zip(found, DIGITS, strict=False):
        assert value == pytest.approx(likelihood.density(loaded, picture).total, rel=1e-5)


def test_binarised_images_are_drawn_by_their_own_seed() -> None:
    torch.manual_seed(0)
    config = VAEConfig((1, 8, 8), latent=3, network="mlp", width=8, likelihood="binarised-bernoulli")
    model = VAE(config).eval()
    one = measure(model, DIGITS[:2], [5, 6], "elbo")
    np.testing.assert_allclose(measure(model, DIGITS[1:2], [6], "elbo"), one[1:], rtol=1e-5)
    assert measure(model, DIGITS[:1], [6], "elbo") != pytest.approx(one[0])
    drawn = model.likelihood.prepare(to_tensor(DIGITS[:1]), torch.Generator().manual_seed(5))
    assert set(drawn.unique().tolist()) <= {0.0, 1.0}
    assert one[0] == pytest.approx(float(bound(model, drawn, 16).elbo), rel=1e-5)


def test_unsupported_scores_are_refused(tiny_checkpoint: Path) -> None:
    model = load(tiny_checkpoint)
    with pytest.raises(ValueError, match=r"is not available for VAE\. Only a flow"):
        measure(model, DIGITS[:1], [0], "density")
    with pytest.raises(ValueError, match="'kl' is in the atlas"):
        measure(model, DIGITS[:1], [0], "kl")


def test_images_of_the_atlas_are_scored_and_continued(
    tiny_only: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["tiny-vae", "--score", "elbo", "--count", "70"]) == 0
    lines = said(capsys)
    assert lines[-1] == {"result": {"scores": ["elbo"], "count": 70}}
    shares = [line["share"] for line in lines[:-1]]
    assert shares == sorted(shares) and len(shares) >= 4  # type: ignore[type-var]
    entry = checkpoint.read("tiny-vae")
    atlas = load_atlas(entry)
    path = scores_path(entry, "elbo", digest_of_atlas(atlas))
    rows, values = read_scores(path, len(atlas))
    part = [load_data("digits", split, limit=140) for split in ("test", "train")]
    images = np.concatenate([part[0].images[:60], part[1].images])
    model = load(tiny_only).eval()
    expected = measure(model, images[rows], [int(atlas.ids[row]) for row in rows], "elbo")
    np.testing.assert_allclose(values, expected, atol=1e-3)
    asked: list[int] = []
    plain = measure
    monkeypatch.setattr(
        outlier_scores, "measure", lambda m, i, s, k: (asked.append(len(i)), plain(m, i, s, k))[1]
    )
    assert main(["tiny-vae", "--score", "elbo", "--count", "100"]) == 0
    more, again = read_scores(path, len(atlas))
    assert sum(asked) == 30 and len(more) == 100
    np.testing.assert_array_equal(more[:70], rows)
    np.testing.assert_array_equal(again[:70], values)
    assert main(["tiny-vae", "--score", "elbo", "--count", "50"]) == 0 and sum(asked) == 30


def test_a_job_scores_the_same_images_and_pictures(tiny_only: Path, cache: Path) -> None:
    entry = checkpoint.read("tiny-vae")
    path = scores_path(entry, "reconstruction", digest_of_atlas(load_atlas(entry)))
    job = start(score, Request("tiny-vae", ["reconstruction"], 70))
    job.wait(120)
    assert job.error is None and job.result == {"scores": ["reconstruction"], "count": 70} and job.share > 0
    rows, values = read_scores(path, 200)
    path.unlink()
    score(Request("tiny-vae", ["reconstruction"], 70), lambda *_: None)
    np.testing.assert_array_equal(read_scores(path, 200)[0], rows)
    np.testing.assert_allclose(read_scores(path, 200)[1], values, rtol=1e-5)
    job = start(score, Request("tiny-vae", ["elbo"], pictures=DIGITS[:3]))
    job.wait(120)
    assert job.error is None and job.result == {"scores": ["elbo"], "count": 3}
    assert len(read_scores(scores_path(entry, "elbo", digest_of_pictures(DIGITS[:3])), 3)[0]) == 3


def test_scores_computed_before_a_failure_are_stored(
    tiny_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def failing(model: object, images: np.ndarray, seeds: object, score: str) -> np.ndarray:
        if calls:
            raise OSError("cut off")
        calls.append(1)
        return np.arange(float(len(images)))

    monkeypatch.setattr(outlier_scores, "measure", failing)
    assert main(["tiny-vae", "--score", "elbo", "--count", "150"]) == 1
    entry = checkpoint.read("tiny-vae")
    rows, _ = read_scores(scores_path(entry, "elbo", digest_of_atlas(load_atlas(entry))), 200)
    assert len(rows) == outlier_scores.PART


def test_pictures_of_a_file_are_scored(tiny_only: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.npy"
    np.save(file, DIGITS[:3])
    assert main(["tiny-vae", "--score", "elbo", "--score", "reconstruction", "--pictures", str(file)]) == 0
    entry = checkpoint.read("tiny-vae")
    rows, values = read_scores(scores_path(entry, "elbo", digest_of_pictures(DIGITS[:3])), 3)
    np.testing.assert_array_equal(rows, [0, 1, 2])
    np.testing.assert_allclose(
        values, measure(load(tiny_only).eval(), DIGITS[:3], [0] * 3, "elbo"), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--score", "beauty"], "`score` must be one of: reconstruction,"),
        (["--score", "kl"], "`score` must be one of: reconstruction,"),
        (["--score", "elbo", "--count", "0"], "`count` must be at least 1. Got 0."),
        (["--score", "density"], "Only a flow gives the density of an image."),
        (["--score", "elbo", "--pictures", "WRONG"], "`pictures` must be uint8 of the shape (N, 8, 8, 1)."),
        (["--score", "elbo", "--pictures", "MANY"], "`pictures` must hold 1 to 200 pictures. Got 201."),
        (["--score", "elbo", "--pictures", "OBJECTS"], "allow_pickle"),
        (["--score", "elbo", "--pictures", "nowhere.npy"], "nowhere.npy"),
    ],
)
def test_invalid_arguments_are_reported(
    tiny_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    files = {
        "WRONG": np.zeros((2, 9, 8, 1), np.uint8),
        "MANY": np.zeros((201, 8, 8, 1), np.uint8),
        "OBJECTS": np.array([{"a": 1}], dtype=object),
    }
    for name, values in files.items():
        np.save(tmp_path / f"{name}.npy", values)
    arguments = [str(tmp_path / f"{each}.npy") if each in files else each for each in arguments]
    assert main(["tiny-vae", *arguments]) == 1
    assert words in str(said(capsys)[-1]["error"])


def test_an_invalid_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.safetensors"
    assert len(read_scores(path, 5)[0]) == 0
    rows, values = np.array([4, 0, 2]), np.array([1.0, 2.0, 3.0])
    write_scores(path, rows, values)
    np.testing.assert_array_equal(read_scores(path, 5)[0], rows)
    np.testing.assert_array_equal(read_scores(path, 5)[1], values)
    bad = [
        ({"rows": rows, "values": values[:2]}, "one number for each"),
        ({"rows": rows.astype(np.int32), "values": values}, "one number for each"),
        ({"rows": np.array([0, 0, 1]), "values": values}, "its rows must be distinct and in 0..4"),
        ({"rows": np.array([0, 5, 1]), "values": values}, "its rows must be distinct and in 0..4"),
        ({"rows": np.array([0, -1, 1]), "values": values}, "its rows must be distinct and in 0..4"),
        ({"rows": rows, "values": np.array([1.0, np.nan, 3.0])}, "must be finite"),
        ({"rows": rows}, "values"),
        ({"rows": np.arange(2000), "values": np.arange(2000.0)}, "too large for 5 scores"),
    ]
    for tensors, words in bad:
        save_file(tensors, path)
        with pytest.raises(ValueError, match=f"{words}.*Delete it and compute the scores again"):
            read_scores(path, 5)
    path.write_bytes(b"\xff" * 30)
    with pytest.raises(ValueError, match="cannot be read"):
        read_scores(path, 5)


def test_the_cache_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlier_scores, "FILES_AT_MOST", 3)
    for number in range(6):
        file = tmp_path / f"{number}.safetensors"
        write_scores(file, np.array([0]), np.array([1.0]))
        os.utime(file, (number, number))
    assert sorted(path.stem for path in tmp_path.glob("*.safetensors")) == ["3", "4", "5"]


def test_other_images_or_another_score_are_another_file(tiny_only: Path) -> None:
    entry = checkpoint.read("tiny-vae")
    atlas = load_atlas(entry)
    turned = ["test" if each == "train" else "train" for each in atlas.split]
    digests = {
        digest_of_atlas(a) for a in (atlas, replace(atlas, ids=atlas.ids[::-1]), replace(atlas, split=turned))
    }
    assert len(digests) == 3
    assert digest_of_pictures(DIGITS[:2]) != digest_of_pictures(DIGITS[:2].reshape(2, 16, 4, 1))
    assert len({scores_path(entry, score, digest) for score in ("elbo", "regret") for digest in digests}) == 6


def test_a_file_of_pictures_is_bounded_before_it_is_read(
    tiny_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlier_scores, "PICTURE_BYTES_AT_MOST", 100)
    np.save(tmp_path / "some.npy", DIGITS[:3])
    assert main(["tiny-vae", "--score", "elbo", "--pictures", str(tmp_path / "some.npy")]) == 1
    assert "must not be larger than" in str(said(capsys)[-1]["error"])
