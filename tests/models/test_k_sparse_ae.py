"""Tests of the k-sparse autoencoder: exact counts, gradients, and the decrease of k."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.k_sparse_ae import KSparseAE, KSparseAEConfig, top_k


def k_sparse(latent: int, k: int, depth: int = 0) -> KSparseAE:
    torch.manual_seed(0)
    config = KSparseAEConfig((1, 8, 8), latent=latent, k=k, network="mlp", width=16, depth=depth)
    return KSparseAE(config)


def images(count: int = 50) -> Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize(("latent", "k"), [(1024, 25), (100, 1), (7, 7)])
@pytest.mark.parametrize("depth", [0, 1])
def test_exactly_k_numbers_are_not_zero_and_they_are_the_largest(latent: int, k: int, depth: int) -> None:
    model, x = k_sparse(latent, k, depth), images()
    z, whole = model.encode(x).mean, model.encoder(x)
    assert ((z != 0).sum(1) == k).all()
    assert torch.equal(z[z != 0], whole[z != 0])
    least = torch.where(z != 0, z, torch.inf).amin(1)
    assert (torch.where(z != 0, -torch.inf, whole).amax(1) <= least).all()


def test_gradients_flow_only_through_the_largest_values() -> None:
    z = torch.tensor([[3.0, -1.0, 2.0, 0.5], [-4.0, -1.0, -2.0, -3.0]], requires_grad=True)
    kept = top_k(z, 2)
    assert torch.equal(kept, torch.tensor([[3.0, 0, 2, 0], [0, -1, -2, 0]]))
    kept.backward(torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8]]))
    assert z.grad is not None
    assert torch.equal(z.grad, torch.tensor([[1.0, 0, 3, 0], [0, 6, 7, 0]]))


def test_units_set_to_0_get_no_gradient() -> None:
    model, x = k_sparse(30, 4), images(1)
    won = model.encode(x).mean[0] != 0
    model.loss(x).total.backward()
    gradient = model.encoder.get_parameter("1.0.weight").grad
    assert gradient is not None
    assert torch.equal(gradient.abs().sum(1) > 0, won)


@pytest.mark.parametrize(("warmup", "k"), [(0.0, 100), (0.5, 55), (0.999, 10), (1.0, 10)])
def test_during_the_warm_up_k_falls_from_all_units_to_its_final_value(warmup: float, k: int) -> None:
    z = k_sparse(100, 10).training_latent(images(), None, warmup)
    assert ((z != 0).sum(1) == k).all()


def test_after_the_warm_up_training_decodes_what_encoding_gives() -> None:
    model, x = k_sparse(100, 10), images()
    assert torch.equal(model.training_latent(x, None, 1.0), model.encode(x).mean)
    torch.testing.assert_close(model.loss(x).total, model.nll(model.encode(x).mean, x).mean())
