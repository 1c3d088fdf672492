"""Tests of the contractive autoencoder: both forms of its penalty against autograd's Jacobian, and its cost."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from models.ae import AE, AEConfig
from models.contractive_ae import SHARE, ContractiveAE, ContractiveAEConfig, hutchinson, sigmoid_layer


def contractive(**settings: object) -> ContractiveAE:
    torch.manual_seed(0)
    values: dict[str, object] = {"latent": 5, "network": "mlp", "width": 8, "likelihood": "gaussian"}
    return ContractiveAE(ContractiveAEConfig((1, 8, 8), **(values | settings))).eval()  # type: ignore[arg-type]


def images(count: int = 6, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(7), dtype=dtype)


def squared_norm(f: nn.Module, x: Tensor) -> Tensor:
    """Computes ||J_f||^2_F of each image from the full Jacobian by autograd."""
    rows = [torch.autograd.functional.jacobian(lambda one: f(one[None])[0], each) for each in x]  # type: ignore[no-untyped-call]
    return torch.stack([row.square().sum() for row in rows])


def test_the_closed_form_is_the_jacobian_of_autograd() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(64, 20).double()
    f = nn.Sequential(nn.Flatten(), layer, nn.Sigmoid())
    x = 5 * images(dtype=torch.float64)
    torch.testing.assert_close(sigmoid_layer(f(x), layer.weight), squared_norm(f, x), rtol=1e-10, atol=0)


def test_a_single_layer_model_uses_the_closed_form() -> None:
    model, x = contractive(depth=0, latent=20, weight=2.5), images()
    exact = squared_norm(nn.Sequential(model.encoder, nn.Sigmoid()), x)
    torch.testing.assert_close(model.squared_jacobian(x, model.latent(x), None), exact, rtol=1e-5, atol=1e-6)
    loss = model.loss(x)
    torch.testing.assert_close(loss.terms["contraction"], 2.5 * exact.mean(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(loss.total, loss.terms["reconstruction"] + 2.5 * exact.mean())


class Operations(TorchDispatchMode):
    """Counts the operations of matrix products and convolutions, as `FlopCounterMode` does, without its hooks."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func.overloadpacket):
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def deep() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 5), nn.Sigmoid()).double()


def test_the_hutchinson_estimate_is_within_three_standard_errors() -> None:
    f, x = deep(), images(4, torch.float64)
    draws = hutchinson(f, x.repeat(3000, 1, 1, 1), torch.Generator().manual_seed(1)).detach().view(3000, 4)
    error = draws.std(0) / 3000**0.5
    assert ((draws.mean(0) - squared_norm(f, x)).abs() < 3 * error).all()
    assert (error < 0.02 * draws.mean(0)).all()  # and that says something


def test_its_gradient_is_that_of_the_squared_norm() -> None:
    f, x = deep(), images(2, torch.float64)
    weight = f.get_parameter("1.weight")
    exact = torch.autograd.grad(exact_norms(f, x).mean(), weight)[0]
    draws = []
    for seed in range(400):
        value = hutchinson(f, x, torch.Generator().manual_seed(seed)).mean()
        draws.append(torch.autograd.grad(value, weight)[0])
    found = torch.stack(draws)
    error = found.std(0) / 400**0.5
    assert ((found.mean(0) - exact).abs() < 5 * error).all()
    assert error.norm() < 0.1 * exact.norm()


def exact_norms(f: nn.Module, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    z = f(x)
    rows = [torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0].flatten(1) for j in range(z.shape[1])]
    return torch.stack(rows).square().sum((0, 2))


def test_the_penalty_of_deep_encoders_uses_part_of_a_training_batch_and_all_images_in_evaluation() -> None:
    model, x = contractive(depth=1), images(8)
    z = model.latent(x)
    assert model.squared_jacobian(x, z, None).shape == (8,)
    assert model.train().squared_jacobian(x, z, None).shape == (8 * SHARE,)


@pytest.mark.parametrize("settings", [{"depth": 0}, {"depth": 1}, {"network": "conv", "width": 4}])
def test_training_on_the_penalty_alone_reduces_the_change_of_the_latent(settings: dict[str, object]) -> None:
    model, x = contractive(weight=10.0, **settings).train(), images(32)
    optimizer = torch.optim.Adam(model.encoder.parameters(), lr=1e-2)
    f = nn.Sequential(model.encoder, nn.Sigmoid())
    before = squared_norm(f, x[:4]).mean()
    for step in range(30):
        optimizer.zero_grad()
        model.loss(x, generator=torch.Generator().manual_seed(step)).terms["contraction"].backward()
        optimizer.step()
    assert squared_norm(f, x[:4]).mean() < 0.5 * before


@pytest.mark.parametrize(
    "settings",
    [
        {"network": "mlp", "depth": 0, "latent": 64},
        {"network": "mlp", "depth": 1, "width": 128},
        {"network": "conv", "depth": 1, "width": 8},
    ],
)
def test_a_step_costs_at_most_1_6_times_that_of_the_plain_autoencoder(
    settings: dict[str, object],
) -> None:
    def cost(model: AE) -> int:
        with Operations() as counted:
            model.train().loss(images(64)).total.backward()  # type: ignore[no-untyped-call]
        return counted.total

    config = ContractiveAEConfig((1, 8, 8), **settings)  # type: ignore[arg-type]
    plain = cost(AE(AEConfig((1, 8, 8), **settings)))  # type: ignore[arg-type]
    assert plain < cost(ContractiveAE(config)) * 1.0001 <= 1.6 * plain
