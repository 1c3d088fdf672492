"""Tests of the layers of flows: inverses, log-determinants against autograd, initialisation of ActNorm."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from models.layers.coupling import AffineCoupling, ChannelMask, Checkerboard
from models.layers.invertible import (
    ActNorm,
    FlowLayer,
    InvertibleConv,
    Logit,
    Shape,
    Squeeze,
    unit_triangular_inverse,
)
from models.layers.multiscale import Chain

SHAPE: Shape = (3, 4, 2)
LAYERS: dict[str, Callable[[], FlowLayer]] = {
    "logit": Logit,
    "squeeze": lambda: Squeeze(SHAPE),
    "actnorm": lambda: ActNorm(3),
    "convolution": lambda: InvertibleConv(3),
    "checkerboard": lambda: AffineCoupling(Checkerboard(SHAPE, flip=False), 5),
    "flipped checkerboard": lambda: AffineCoupling(Checkerboard(SHAPE, flip=True), 5),
    "channels": lambda: AffineCoupling(ChannelMask(SHAPE, flip=False), 5),
    "flipped channels": lambda: AffineCoupling(ChannelMask(SHAPE, flip=True), 5),
    "chain": lambda: Chain([ActNorm(3), InvertibleConv(3), AffineCoupling(ChannelMask(SHAPE, True), 5)]),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def moved(layer: nn.Module, by: float = 0.3) -> nn.Module:
    """Returns the layer in float64 with every weight changed from its initial value."""
    layer = layer.double().eval()
    with torch.no_grad():
        for weight in layer.parameters():
            weight += by * torch.randn(weight.shape, generator=seeded(1), dtype=weight.dtype)
    return layer


def images(count: int, shape: Shape = SHAPE) -> Tensor:
    """Grey levels between black and white."""
    return 1 + 254 * torch.rand(count, *shape, generator=seeded(2), dtype=torch.float64)


def volume(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Computes log |det| of autograd's Jacobian for each image of a batch, (B,)."""
    size = x[0].numel()
    rows = [torch.autograd.functional.jacobian(function, each[None]).reshape(size, size) for each in x]
    return torch.stack([torch.linalg.slogdet(row).logabsdet for row in rows])


@pytest.mark.parametrize("name", LAYERS)
def test_the_log_determinant_is_that_of_the_jacobian(name: str) -> None:
    torch.manual_seed(0)
    layer = moved(LAYERS[name]())
    x = images(3) if name == "logit" else images(3) / 128 - 1
    y, log_det = layer(x)
    assert log_det.shape == (3,)
    torch.testing.assert_close(log_det.double(), volume(lambda v: layer(v)[0], x), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(layer.inverse(y), x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(layer(layer.inverse(y))[0], y, rtol=1e-9, atol=1e-9)
    assert name == "squeeze" or log_det.abs().min() > 1e-3, "the test would not see a volume left out"


def test_a_squeeze_makes_channels_of_blocks() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert Squeeze((1, 4, 4))(x)[0][0, :, 0, 0].tolist() == [0, 1, 4, 5]
    assert Squeeze((1, 4, 4)).after == (4, 2, 2)


@pytest.mark.parametrize(
    ("before", "after"), [((1, 20, 13), (2, 10, 13)), ((2, 9, 8), (4, 9, 4)), ((3, 7, 7), (3, 7, 7))]
)
def test_an_odd_side_is_not_squeezed(before: Shape, after: Shape) -> None:
    squeeze, x = Squeeze(before), images(2, before)
    assert squeeze.after == after
    y, log_det = squeeze(x)
    assert y.shape == (2, *after) and torch.equal(log_det, torch.zeros(2))
    assert torch.equal(squeeze.inverse(y), x)


def test_the_inverse_of_the_logit_is_always_a_picture() -> None:
    levels = Logit().inverse(torch.tensor([-1e30, -50.0, 0.0, 50.0, 1e30]).view(1, 1, 1, 5))
    assert levels.isfinite().all()
    torch.testing.assert_close(
        levels.flatten()[[0, 2, 4]], torch.tensor([0.0, 128.0, 256.0]), rtol=0, atol=2e-3
    )
    ends = Logit()(torch.tensor([0.0, 256.0]).view(1, 1, 1, 2))
    assert ends[0].isfinite().all() and ends[1].isfinite().all()


def test_the_first_training_batch_is_standardised() -> None:
    layer, scale = ActNorm(3).train(), torch.tensor([0.01, 1.0, 50.0]).view(1, 3, 1, 1)
    x = scale * torch.randn(40, 3, 4, 5, generator=seeded()) + torch.tensor([5.0, 0.0, -3.0]).view(1, 3, 1, 1)
    y = layer(x)[0]
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(y.std((0, 2, 3), unbiased=False), torch.ones(3), rtol=1e-3, atol=0)
    before = layer.shift.clone()
    layer(10 * x)
    assert torch.equal(layer.shift, before), "only the first batch counts"


def test_evaluation_does_not_initialise_actnorm() -> None:
    layer = ActNorm(2).eval()
    x = 7 + torch.randn(9, 2, 3, 3, generator=seeded())
    assert torch.equal(layer(x)[0], x) and not layer.initialised


def test_a_loaded_actnorm_is_not_initialised_again() -> None:
    layer, x = ActNorm(2).train(), torch.randn(9, 2, 3, 3, generator=seeded())
    expected = layer(x)[0]
    other = ActNorm(2).train()
    other.load_state_dict(layer.state_dict())
    other(100 * x)
    assert torch.equal(other(x)[0], expected)


def test_a_constant_channel_stays_finite() -> None:
    layer = ActNorm(1).train()
    y, log_det = layer(torch.full((4, 1, 2, 2), 3.0))
    assert y.isfinite().all() and log_det.isfinite().all()


def test_the_convolution_is_initialised_to_a_rotation() -> None:
    torch.manual_seed(0)
    layer = InvertibleConv(6)
    weight = layer.weight().detach()
    torch.testing.assert_close(weight @ weight.T, torch.eye(6), rtol=0, atol=1e-5)
    assert layer(torch.zeros(1, 6, 2, 2))[1].item() == pytest.approx(0, abs=1e-5)
    assert set(layer.state_dict()) == {"permutation", "sign", "lower", "upper", "log_scale"}


def test_the_matrix_is_the_product_of_its_factors_and_its_inverse_that_of_linalg() -> None:
    torch.manual_seed(0)
    layer = moved(InvertibleConv(5), 0.2)
    parts = {name: value.detach() for name, value in layer.state_dict().items()}
    lower = parts["lower"].tril(-1) + torch.eye(5)
    upper = parts["upper"].triu(1) + torch.diag(parts["sign"] * parts["log_scale"].exp())
    expected = parts["permutation"] @ lower @ upper
    torch.testing.assert_close(layer.weight().detach(), expected)
    torch.testing.assert_close(layer.inverse_weight().detach(), torch.linalg.inv(expected))


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 48, 100])
def test_a_triangular_inverse_by_blocks(size: int) -> None:
    strict = torch.rand(size, size, generator=seeded(), dtype=torch.float64).sub(0.5).tril(-1)
    whole = strict + torch.eye(size, dtype=torch.float64)
    expected = torch.linalg.solve_triangular(whole, torch.eye(size, dtype=torch.float64), upper=False)
    torch.testing.assert_close(unit_triangular_inverse(strict), expected, rtol=1e-6, atol=1e-8)


def test_mixing_stays_in_float32_under_autocast() -> None:
    torch.manual_seed(0)
    layer, x = InvertibleConv(6), torch.randn(4, 6, 3, 3, generator=seeded())
    plain, _ = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        y, log_det = layer(x)
        back = layer.inverse(y)
    assert y.dtype == log_det.dtype == torch.float32 and torch.equal(y, plain)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-5)
    assert math.isfinite(log_det.sum().item())
