"""Metrics of codes against sums written out, on models of a few places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models import MODELS
from models.data import load_data
from models.data.tensors import to_tensor
from models.evaluation.codebook_use import codebook_metrics, unigram_bits
from models.evaluation.likelihood import bound
from models.evaluation.units import sparsity

SMALL: dict[str, Any] = {
    "image_shape": (1, 8, 8),
    "latent": 3,
    "codebook": 8,
    "halvings": 1,
    "width": 4,
    "prior_width": 8,
    "prior_depth": 1,
}
DATA = load_data("digits", "test", limit=40)


def build(kind: str, **settings: Any) -> Any:
    """A model whose codebook has seen the images once."""
    torch.manual_seed(0)
    model = MODELS[kind](MODELS[kind].Config(**(SMALL | settings))).train()
    model.loss(to_tensor(DATA.images), generator=torch.Generator().manual_seed(0))
    return model.eval()


def entropy(codes: Tensor) -> float:
    p = np.unique(codes.numpy(), return_counts=True)[1] / codes.numel()
    return float(-(p * np.log2(p)).sum())


@pytest.mark.parametrize(("kind", "behind"), [("vq-vae", [""]), ("vq-vae-2", ["_top", "_bottom"])])
@torch.no_grad()
def test_use_entropy_and_the_prior_s_bits_are_those_of_the_codes(kind: str, behind: list[str]) -> None:
    model = build(kind)
    codes = model.codes(to_tensor(DATA.images))
    found = codebook_metrics(model, DATA)
    nats = unigram = 0.0
    for level, name in enumerate(behind):
        each = codes[level]
        assert found[f"codes_used{name}"]["value"] == pytest.approx(100 * len(each.unique()) / 8)
        assert found[f"code_entropy{name}"]["value"] == pytest.approx(entropy(each), abs=1e-5)
        assert found[f"perplexity{name}"]["value"] == pytest.approx(2 ** entropy(each), abs=1e-4)
        nll = model.prior(level).nll(each, codes[level - 1] if level else None).sum().item()
        bits = nll / math.log(2) / each.numel()
        assert found[f"prior_bits{name}"]["value"] == pytest.approx(bits, rel=1e-4)
        nats, unigram = nats + nll, unigram + entropy(each) * each.numel()
    assert found["prior_share"]["value"] == pytest.approx(nats / math.log(2) / unigram, rel=1e-4)
    assert found["code_bits_per_dim"]["value"] == pytest.approx(nats / math.log(2) / 40 / 64, rel=1e-4)
    assert all("digits test, 40 images" in metric["protocol"] for metric in found.values())


@torch.no_grad()
def test_the_whole_bound_is_that_of_the_elbo_but_for_the_noise_of_the_pixels() -> None:
    model = build("vq-vae", likelihood="gaussian", sigma=0.3)  # so wide that noise of 1/256 hardly counts
    found, elbo = codebook_metrics(model, DATA)["bits_per_dim"], bound(model, DATA)
    assert found["value"] == pytest.approx(8 - elbo["elbo"]["value"] / 64 / math.log(2), abs=0.02)
    assert elbo["elbo"]["value"] == pytest.approx(
        -elbo["reconstruction"]["value"] - elbo["kl"]["value"], abs=1e-3
    )
    (code_nll,) = model.code_nll(model.codes(to_tensor(DATA.images)))
    assert elbo["kl"]["value"] == pytest.approx(code_nll.mean().item(), rel=1e-5)
    assert "bits_per_dim" not in codebook_metrics(build("vq-vae", likelihood="bernoulli"), DATA)


def test_without_a_prior_there_are_only_the_codes_own_metrics() -> None:
    model = build("vq-vae", prior_depth=0)
    assert set(codebook_metrics(model, DATA)) == {"codes_used", "perplexity", "code_entropy"}
    assert "elbo" not in bound(model, DATA)
    assert sparsity(model, DATA) == {}  # its vectors are no activations


def test_even_use_has_all_the_bits() -> None:
    assert unigram_bits(torch.tensor([5, 5, 5, 5])) == pytest.approx(2)
    assert unigram_bits(torch.tensor([9, 0, 0, 0])) == 0
