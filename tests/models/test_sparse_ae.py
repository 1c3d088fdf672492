"""Tests of the sparse autoencoder: its penalty, and the running mean of the activations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, kl_divergence

from models.sparse_ae import SparseAE, SparseAEConfig, bernoulli_kl


def sparse(**settings: object) -> SparseAE:
    torch.manual_seed(0)
    return SparseAE(SparseAEConfig((1, 8, 8), network="mlp", width=4, **settings)).eval()  # type: ignore[arg-type]


def images(count: int = 6) -> Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("rho", [0.01, 0.05, 0.5])
def test_the_divergence_is_that_of_two_coins(rho: float) -> None:
    rho_hat = torch.linspace(0.001, 0.999, 50, dtype=torch.float64)
    coins = Bernoulli(torch.tensor(rho, dtype=torch.float64)), Bernoulli(rho_hat)
    torch.testing.assert_close(bernoulli_kl(rho, rho_hat), kl_divergence(*coins))


def test_the_divergence_is_finite_for_units_that_are_never_or_always_active() -> None:
    dead = torch.tensor([0.0, 1.0], requires_grad=True)
    assert bernoulli_kl(0.05, dead).isfinite().all()


@pytest.mark.parametrize("depth", [0, 1])
def test_the_loss_adds_the_weighted_penalty_of_the_mean_activation(depth: int) -> None:
    model, x = sparse(latent=40, rho=0.1, weight=3.0, depth=depth), images()
    z = model.encode(x).mean
    assert z.min() > 0 and z.max() < 1
    torch.testing.assert_close(z, model.encoder(x).sigmoid())
    rho_hat = z.detach().double().mean(0)
    penalty = kl_divergence(Bernoulli(torch.tensor(0.1).double()), Bernoulli(rho_hat)).sum()
    loss = model.loss(x)
    close = {"rtol": 1e-5, "atol": 1e-5, "check_dtype": False}
    torch.testing.assert_close(loss.terms["sparsity"], 3 * penalty, **close)
    torch.testing.assert_close(loss.total, loss.terms["reconstruction"] + 3 * penalty, **close)
    half = model.loss(x, warmup=0.5)
    torch.testing.assert_close(half.total, loss.terms["reconstruction"] + 1.5 * penalty, **close)


def test_in_training_the_value_is_the_running_mean_s_and_the_gradient_the_batch_s() -> None:
    model = sparse(latent=4).train()
    assert (model.activation == 0.05).all()
    z = torch.full((10, 4), 0.25, requires_grad=True)
    rho_hat = model.mean_activation(z)
    torch.testing.assert_close(rho_hat, torch.full((4,), 0.5 * 0.05 + 0.5 * 0.25))
    torch.testing.assert_close(model.activation, rho_hat.detach())
    rho_hat.sum().backward()
    torch.testing.assert_close(z.grad, torch.full((10, 4), 0.1))


def test_the_running_mean_halves_the_noise_of_small_batches() -> None:
    """Batches of ten show a large divergence even of units that are active for one image in twenty, the target."""
    model = sparse(latent=200).train()
    generator = torch.Generator().manual_seed(0)
    steady, noisy = [], []
    for _ in range(100):
        z = (torch.rand(10, 200, generator=generator) < 0.05).float()
        steady.append(bernoulli_kl(0.05, model.mean_activation(z)).mean())
        noisy.append(bernoulli_kl(0.05, z.mean(0)).mean())
    assert torch.stack(steady).mean() < 0.5 * torch.stack(noisy).mean()


def test_evaluation_does_not_update_the_running_mean() -> None:
    model = sparse(latent=4)
    model.loss(images())
    assert (model.activation == 0.05).all()


def test_training_on_the_penalty_alone_reaches_the_target_activation() -> None:
    model, x = sparse(latent=32, rho=0.1, depth=0).train(), images(200)
    optimizer = torch.optim.Adam(model.encoder.parameters(), lr=3e-3)
    for step in range(300):
        start = step % 4 * 50
        optimizer.zero_grad()
        model.loss(x[start : start + 50]).terms["sparsity"].backward()
        optimizer.step()
    activation = model.eval().encode(x).mean.mean(0)
    torch.testing.assert_close(activation, torch.full((32,), 0.1), rtol=0.05, atol=0)
