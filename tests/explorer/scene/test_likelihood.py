"""Exact likelihoods of pictures, against the flow's own formula, autograd and the loss."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from explorer.scene.likelihood import density, has_density
from explorer.scene.loaded import Loaded
from models.real_nvp import RealNVP, RealNVPConfig


def flow(dequantisation: str) -> Any:
    torch.manual_seed(0)
    model = RealNVP(
        RealNVPConfig((1, 8, 8), width=4, couplings=1, levels=1, dequantisation=dequantisation)
    ).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return SimpleNamespace(name="flow", decoder=SimpleNamespace(model=model, device=torch.device("cpu")))


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (8, 8, 1)).astype(np.uint8)


def test_with_one_draw_it_is_the_code_and_the_volume(picture: np.ndarray) -> None:
    loaded = flow("uniform")
    model = loaded.decoder.model
    found = density(loaded, picture, draws=1)
    v = torch.tensor(picture).permute(2, 0, 1)[None].float()
    v = v + torch.rand(v.shape, generator=torch.Generator().manual_seed(0))
    z = model.flow(v)[0].detach()
    jacobian = torch.autograd.functional.jacobian(lambda w: model.flow(w)[0], v).reshape(64, 64)
    assert found.latent == pytest.approx(Normal(0.0, 1.0).log_prob(z).sum().item(), rel=1e-4)
    assert found.volume == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), rel=1e-3)
    assert found.noise == 0.0
    assert found.total == found.latent + found.volume
    assert found.bits_per_dim == pytest.approx(-found.total / np.log(2) / 64)


def test_learnt_noise_pays_for_itself(picture: np.ndarray) -> None:
    loaded = flow("variational")
    model = loaded.decoder.model
    found = density(loaded, picture, draws=8)
    x = (torch.tensor(picture).permute(2, 0, 1)[None].float() / 255).expand(8, -1, -1, -1)
    with torch.inference_mode():
        u, log_q = model.dequantise(x, torch.Generator().manual_seed(0))
        expected = (model.density(255 * x + u) - log_q).mean()
    assert found.noise == pytest.approx(-log_q.mean().item(), rel=1e-4)
    assert found.total == pytest.approx(expected.item(), rel=1e-4)


def test_the_same_picture_has_the_same_likelihood(picture: np.ndarray) -> None:
    loaded = flow("variational")
    assert density(loaded, picture) == density(loaded, picture)


def test_a_model_without_an_exact_likelihood_is_refused(loaded: Loaded, picture: np.ndarray) -> None:
    assert not has_density(loaded)
    with pytest.raises(ValueError, match="has no exact log p"):
        density(loaded, picture)
