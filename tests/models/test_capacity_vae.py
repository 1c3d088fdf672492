"""Tests of the VAE with a capacity: its explicit loss, and that training brings the KL to its target."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from models.capacity_vae import CapacityVAE, CapacityVAEConfig


def capacity_vae(**settings: object) -> CapacityVAE:
    torch.manual_seed(0)
    values: dict[str, object] = {"latent": 3, "width": 16, "network": "mlp", "likelihood": "gaussian"}
    return CapacityVAE(CapacityVAEConfig((1, 8, 8), **(values | settings)))  # type: ignore[arg-type]


def images(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(7))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("capacity", [0.0, 5.0])  # below and above the KL of an untrained model
@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
def test_the_loss_penalises_the_distance_of_the_kl_from_the_capacity(capacity: float, warmup: float) -> None:
    model, x = capacity_vae(capacity=capacity, gamma=30.0), images()
    q = model.encode(x)
    assert q.std is not None
    kl = kl_divergence(Normal(q.mean.double(), q.std.double()), Normal(0.0, 1.0)).sum(1).mean()
    reconstruction = model.nll(q.sample(seeded()), x).double().mean()
    loss = model.loss(x, generator=seeded(), warmup=warmup)
    close = {"rtol": 1e-5, "atol": 1e-4, "check_dtype": False}
    torch.testing.assert_close(loss.total, reconstruction + 30 * (kl - capacity * warmup).abs(), **close)
    torch.testing.assert_close(loss.terms["kl"], kl, **close)


def test_in_training_the_kl_follows_the_rising_target() -> None:
    model, x = capacity_vae(capacity=6.0, gamma=100.0), images(64)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    gaps = []
    for step in range(450):
        warmup = min(1.0, step / 300)
        loss = model.loss(x, generator=seeded(step), warmup=warmup)
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        gaps.append((loss.terms["kl"] - 6.0 * warmup).abs().item())
    assert max(gaps[100:]) < 2
    assert sum(gaps[-50:]) / 50 < 0.5
