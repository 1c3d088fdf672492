"""Samples in a process of their own: the prior's own draws, levels that are kept, progress, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.jobs.code_samples import drawn, main
from explorer.jobs.commands import Job
from explorer.latent.geometry.grids import as_text, from_text
from models import checkpoint
from models.vq_vae import VQVAE, VQVAEConfig
from models.vq_vae_2 import VQVAE2, VQVAE2Config

SMALL = {"latent": 3, "codebook": 8, "halvings": 1, "width": 4, "prior_width": 8}
SHAPES = [(2, 2), (4, 4)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of untrained models: two levels, one level without a prior, and none discrete."""
    made = tmp_path_factory.mktemp("samples")
    torch.manual_seed(0)
    data = {"name": "digits", "options": {}}
    for name, model, key in (
        ("two", VQVAE2(VQVAE2Config((1, 8, 8), prior_depth=1, **SMALL)), "vq-vae-2"),
        ("priorless", VQVAE(VQVAEConfig((1, 8, 8), prior_depth=0, **SMALL)), "vq-vae"),
    ):
        checkpoint.write(made / name, model.eval(), model_name=key, data=data)
    return made


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_samples_are_the_priors_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder / "two"), "--count", "3", "--seed", "5", "--temperature", "0.8"]) == 0
    *progress, result = said(capsys)
    model = checkpoint.load(folder / "two").eval()
    own = model.sample_codes(3, torch.Generator().manual_seed(5), temperature=0.8)  # type: ignore[operator]
    texts = [as_text([level[number].numpy() for level in own]) for number in range(3)]
    assert result == {"codes": texts} and len(set(texts)) == 3
    shares = [line["share"] for line in progress]
    assert shares[-1] == 1.0 and shares == sorted(shares)  # type: ignore[type-var]
    assert progress[-1]["what"] == "20 of 20 places"


def test_the_top_is_kept_and_the_bottom_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = [np.array([[1, 2], [3, 4]]), np.zeros((4, 4), int)]
    assert main([str(folder / "two"), "--count", "4", f"--above={as_text(kept)}"]) == 0
    texts = said(capsys)[-1]["codes"]
    grids = [from_text(text, SHAPES, 8) for text in texts]  # type: ignore[attr-defined]
    assert all(np.array_equal(top, kept[0]) for top, _ in grids)
    assert len({bottom.tobytes() for _, bottom in grids}) == 4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["two", "--count", "65"], "`--count` must lie in 1..64"),
        (["two", "--temperature", "nan"], "`--temperature` must lie in 0..2"),
        (["two", "--temperature", "-1"], "`--temperature` must lie in 0..2"),
        (["two", "--seed", "-1"], "`--seed` must lie in 0.."),
        (["two", "--above", "AAAA"], "`--above` must be 54 characters"),
        (["priorless", "--above", "AAAA"], "`--above` needs a model with several levels"),
        (["priorless"], "has no prior to sample from"),
        (["nobody"], "nobody"),
    ],
)
def test_what_does_not_hold_is_an_error_line(
    arguments: list[str], text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder / arguments[0]), *arguments[1:]]) == 1
    assert text in str(said(capsys)[-1]["error"])


def test_a_model_without_codes_is_refused(tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tiny_checkpoint)]) == 1
    assert "has no discrete codes to draw" in str(said(capsys)[-1]["error"])


def test_a_job_gives_the_same_and_can_be_cancelled(folder: Path) -> None:
    job = Job("explorer.jobs.code_samples", str(folder / "two"), "--count", "2")
    job.wait(120)
    model = checkpoint.load(folder / "two").eval()
    assert job.error is None and job.result == {"codes": drawn(model, 2)} and job.share == 1.0
    job = Job("explorer.jobs.code_samples", str(folder / "two"), "--count", "64")
    job.cancel()
    job.wait(60)
    assert not job.running and job.result is None and job.error == "Cancelled."
