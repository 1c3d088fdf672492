"""Tests of the beta-VAE: its loss against the VAE's, term by term."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from models.beta_vae import BetaVAE, BetaVAEConfig
from models.vae import VAE, VAEConfig


def beta_vae(beta: float, free_bits: float = 0.0) -> BetaVAE:
    torch.manual_seed(0)
    return BetaVAE(BetaVAEConfig((1, 8, 8), latent=3, width=4, beta=beta, free_bits=free_bits)).eval()


def images() -> torch.Tensor:
    return torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(7))


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("beta", [0.0, 0.5, 4.0])
@pytest.mark.parametrize("warmup", [0.0, 0.3, 1.0])
def test_beta_weights_only_the_kl(beta: float, warmup: float) -> None:
    model, x = beta_vae(beta), images()
    q = model.encode(x)
    assert q.std is not None
    kl = kl_divergence(Normal(q.mean.double(), q.std.double()), Normal(0.0, 1.0)).sum(1).mean()
    reconstruction = model.nll(q.sample(seeded()), x).double().mean()
    loss = model.loss(x, generator=seeded(), warmup=warmup)
    close = {"rtol": 1e-5, "atol": 1e-5, "check_dtype": False}
    torch.testing.assert_close(loss.total, reconstruction + warmup * beta * kl, **close)
    torch.testing.assert_close(loss.terms["kl"], kl, **close)  # the true one, without beta
    torch.testing.assert_close(loss.terms["reconstruction"], reconstruction, **close)


def test_beta_1_is_the_vae() -> None:
    model = beta_vae(1.0, free_bits=0.2)
    vae = VAE(VAEConfig((1, 8, 8), latent=3, width=4, free_bits=0.2)).eval()
    vae.load_state_dict(model.state_dict())
    assert torch.equal(
        model.loss(images(), generator=seeded()).total, vae.loss(images(), generator=seeded()).total
    )
