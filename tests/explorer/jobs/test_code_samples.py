"""Samples of codes as a job: draws from the prior, fixed levels, progress, invalid requests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.jobs.code_samples import Request, draw, sample_texts
from explorer.jobs.runner import start
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


def test_samples_are_the_priors_own(folder: Path) -> None:
    reports: list[tuple[float, str]] = []
    request = Request(str(folder / "two"), 3, temperature=0.8, seed=5)
    result = draw(request, lambda share, what, partial=None: reports.append((share, what)))
    model = checkpoint.load(folder / "two").eval()
    own = model.sample_codes(3, torch.Generator().manual_seed(5), temperature=0.8)  # type: ignore[operator]
    texts = [as_text([level[number].numpy() for level in own]) for number in range(3)]
    assert result == {"codes": texts} and len(set(texts)) == 3
    assert reports[0] == (0.0, "Opening the model") and reports[-1] == (1.0, "20 of 20 codes")
    assert reports == sorted(reports, key=lambda pair: pair[0]) and len(reports) == 21


def test_the_top_is_fixed_and_the_bottom_drawn(folder: Path) -> None:
    kept = [np.array([[1, 2], [3, 4]]), np.zeros((4, 4), int)]
    texts = draw(Request(str(folder / "two"), 4, above=as_text(kept)), lambda *_: None)["codes"]
    grids = [from_text(text, SHAPES, 8) for text in texts]
    assert all(np.array_equal(top, kept[0]) for top, _ in grids)
    assert len({bottom.tobytes() for _, bottom in grids}) == 4


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("two", {"count": 65}, "`count` must lie in 1..64"),
        ("two", {"temperature": float("nan")}, "`temperature` must lie in 0..2"),
        ("two", {"temperature": -1.0}, "`temperature` must lie in 0..2"),
        ("two", {"seed": -1}, "`seed` must lie in 0.."),
        ("two", {"above": "AAAA"}, "`above` must be 54 characters"),
        ("priorless", {"above": "AAAA"}, "`above` needs a model with several levels"),
        ("priorless", {}, "has no prior to sample from"),
        ("nobody", {}, "nobody"),
    ],
)
def test_invalid_requests_are_errors(name: str, values: dict[str, Any], text: str, folder: Path) -> None:
    with pytest.raises((ValueError, OSError), match=re.escape(text)):
        draw(Request(str(folder / name), **values), lambda *_: None)


def test_a_model_without_codes_is_refused(tiny_checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="has no discrete codes to draw"):
        draw(Request(str(tiny_checkpoint)), lambda *_: None)


def test_a_job_gives_the_same_and_can_be_cancelled(folder: Path) -> None:
    job = start(draw, Request(str(folder / "two"), 2))
    job.wait(120)
    model = checkpoint.load(folder / "two").eval()
    assert job.error is None and job.result == {"codes": sample_texts(model, 2)} and job.share == 1.0
    job = start(draw, Request(str(folder / "two"), 64))
    job.cancel()
    job.wait(60)
    assert not job.running and job.result is None and job.error == "Cancelled."
