"""Tests of dequantisation: the density of the noise, and the bound on the probability of an image."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from models.layers.coupling import AffineCoupling, Checkerboard
from models.layers.dequantisation import (
    UniformNoise,
    VariationalNoise,
    make_dequantisation,
    standard_normal,
)
from models.layers.invertible import FlowLayer, Logit, Shape
from models.layers.multiscale import Multiscale

PAIR: Shape = (1, 1, 2)  # images so small that probabilities can be summed


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stirred(module: torch.nn.Module, by: float) -> torch.nn.Module:
    with torch.no_grad():
        for weight in module.parameters():
            weight += by * torch.randn(weight.shape, generator=seeded(1))
    return module.double().eval()


@pytest.fixture
def flow() -> torch.nn.Module:
    """Builds a flow of images of two pixels, with couplings far from their initialisation."""

    def build(shape: Shape, last: bool) -> list[FlowLayer]:
        return [AffineCoupling(Checkerboard(shape, flip=bool(n % 2)), 4) for n in range(4)]

    torch.manual_seed(0)
    return stirred(Multiscale(PAIR, 1, build), 0.4)


def log_density(flow: torch.nn.Module, v: Tensor) -> Tensor:
    z, log_det = flow(v)
    return standard_normal(z) + log_det


def squares(low: Tensor, high: Tensor, count: int) -> tuple[Tensor, float]:
    """Returns the centres of count x count squares between two corners, as images, and the area of one."""
    steps = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    first, second = torch.meshgrid(steps, steps, indexing="ij")
    points = torch.stack([first, second], -1).view(-1, 1, 1, 2)
    return low + (high - low) * points, ((high - low) / count).item() ** 2


@torch.no_grad()
def test_the_density_of_a_flow_integrates_to_1(flow: torch.nn.Module) -> None:
    y, area = squares(
        torch.tensor(-12.2), torch.tensor(12.2), 240
    )  # the scale of greys, stretched by a logit
    v = Logit().inverse(y)
    log_p = log_density(flow, v) - Logit()(v)[1]
    assert (log_p.exp().sum() * area).item() == pytest.approx(1, abs=2e-3)


@torch.no_grad()
def test_variational_noise_gives_a_bound_on_the_probability_of_an_image(flow: torch.nn.Module) -> None:
    torch.manual_seed(0)
    noise = stirred(VariationalNoise(PAIR, 4), 0.2)
    x = torch.tensor([120.0, 131.0], dtype=torch.float64).view(1, 1, 1, 2) / 255
    cell, area = squares(torch.tensor(0.0), torch.tensor(1.0), 60)
    exact = (log_density(flow, 255 * x + cell).exp().sum() * area).log()
    many = x.expand(6_000, -1, -1, -1)
    u, log_q = noise(many, seeded(3))
    log_w = log_density(flow, 255 * many + u) - log_q
    assert log_w.mean() < exact - 0.05, "the bound lies below"
    importance = log_w.logsumexp(0) - math.log(len(many))
    assert importance.item() == pytest.approx(exact.item(), abs=0.02), "and weighs the noise by its density"


def test_the_density_of_variational_noise_is_that_of_autograd_s_jacobian() -> None:
    torch.manual_seed(0)
    shape = (1, 3, 4)
    noise = stirred(VariationalNoise(shape, 4), 0.3)
    x = torch.rand(1, *shape, generator=seeded(2), dtype=torch.float64)

    def deterministic(eps: Tensor) -> Tensor:
        h = noise.squeeze(eps)[0]
        for coupling in noise.couplings:
            h = coupling(h, noise.squeeze(x)[0] - 0.5)[0]
        return noise.squeeze.inverse(h.sigmoid())

    eps = torch.randn(1, *shape, generator=seeded(5), dtype=torch.float64)
    u, log_q = noise(x, seeded(5))
    torch.testing.assert_close(u, deterministic(eps), rtol=1e-6, atol=1e-6)
    jacobian = torch.autograd.functional.jacobian(deterministic, eps).view(12, 12)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(eps).sum() - jacobian.slogdet().logabsdet
    torch.testing.assert_close(log_q[0], expected, rtol=1e-5, atol=1e-5)


def test_uniform_noise_has_a_density_of_1() -> None:
    u, log_q = UniformNoise()(torch.zeros(4000, 1, 2, 2), seeded())
    assert torch.equal(log_q, torch.zeros(4000))
    assert u.min() >= 0 and u.max() < 1
    assert u.mean().item() == pytest.approx(0.5, abs=0.02) and u.var().item() == pytest.approx(
        1 / 12, abs=0.01
    )


@pytest.mark.parametrize("name", ["uniform", "variational"])
def test_noise_comes_from_the_generator(name: str) -> None:
    noise, x = make_dequantisation(name, (1, 4, 4), 4), torch.rand(3, 1, 4, 4, generator=seeded())
    assert torch.equal(noise(x, seeded(1))[0], noise(x, seeded(1))[0])
    assert not torch.equal(noise(x, seeded(1))[0], noise(x, seeded(2))[0])
    assert noise(x, seeded())[0].shape == x.shape


def test_the_normal_density_is_that_of_torch() -> None:
    z = torch.randn(3, 2, 5, generator=seeded(), dtype=torch.float64)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum((1, 2))
    torch.testing.assert_close(standard_normal(z), expected)


def test_an_unknown_dequantisation_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"Unknown dequantisation 'none'\. Choose one of: uniform, variational"
    ):
        make_dequantisation("none", (1, 4, 4), 4)
