"""Tests of the plain autoencoder: its explicit loss, and that it learns."""

from __future__ import annotations

import torch
from torch.distributions import Bernoulli, Normal

from models.ae import AE, AEConfig


def images(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(7))


def test_with_a_gaussian_the_loss_is_the_squared_error_and_its_normaliser() -> None:
    torch.manual_seed(0)
    model, x = AE(AEConfig((1, 8, 8), latent=3, width=4, likelihood="gaussian", sigma=0.2)), images()
    loss = model.loss(x)
    output = model.decoder(model.encode(x).mean).double()
    expected = -Normal(output, 0.2).log_prob(x.double()).sum((1, 2, 3)).mean()
    torch.testing.assert_close(loss.total, expected, rtol=1e-5, atol=1e-5, check_dtype=False)
    assert list(loss.terms) == ["reconstruction"] and loss.terms["reconstruction"] is loss.total


def test_with_a_bernoulli_the_loss_is_the_cross_entropy() -> None:
    torch.manual_seed(0)
    model, x = AE(AEConfig((1, 8, 8), latent=3, width=4, likelihood="bernoulli")), images().round()
    logits = model.decoder(model.encode(x).mean).double()
    expected = -Bernoulli(logits=logits).log_prob(x.double()).sum((1, 2, 3)).mean()
    torch.testing.assert_close(model.loss(x).total, expected, rtol=1e-5, atol=1e-5, check_dtype=False)


def test_an_autoencoder_has_a_point_for_a_posterior_and_learns_a_few_images_by_heart() -> None:
    torch.manual_seed(0)
    model, x = AE(AEConfig((1, 8, 8), latent=8, width=64, network="mlp", likelihood="gaussian")), images()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        model.loss(x).total.backward()
        optimizer.step()
    q = model.encode(x)
    assert q.std is None
    assert (model.decode(q.mean) - x).square().mean() < 1e-3 < x.var()
