"""Tests of the affine coupling: the kept part, alternating masks, the limits of the scale."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from models.glow import Glow, GlowConfig
from models.layers.coupling import MOST_LOG_SCALE, AffineCoupling, ChannelMask, Checkerboard, Mask
from models.layers.invertible import Shape
from models.real_nvp import RealNVP, RealNVPConfig

MASKS: list[tuple[type[Mask], Shape]] = [
    (Checkerboard, (1, 5, 4)),
    (Checkerboard, (2, 4, 4)),
    (ChannelMask, (4, 3, 3)),
    (ChannelMask, (5, 2, 3)),
]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stirred(coupling: AffineCoupling, by: float = 0.5) -> AffineCoupling:
    with torch.no_grad():
        for weight in coupling.parameters():
            weight += by * torch.randn(weight.shape, generator=seeded(1))
    return coupling.eval()


def keeps(mask: Mask) -> Tensor:
    """Returns 1 where a mask keeps values, else 0, in the shape of an image."""
    x = torch.ones(1, *mask.shape)
    kept, moved = mask.split(x)
    return mask.join(kept, torch.zeros_like(moved))[0]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("mask", "shape"), MASKS)
def test_a_coupling_leaves_the_kept_part_alone_and_moves_the_rest(
    mask: type[Mask], shape: Shape, flip: bool
) -> None:
    torch.manual_seed(0)
    coupling = stirred(AffineCoupling(mask(shape, flip), 6))
    x = torch.randn(3, *shape, generator=seeded(2))
    y, _ = coupling(x)
    kept = keeps(coupling.mask).bool().expand_as(x)
    assert torch.equal(y[kept], x[kept])
    assert (y[~kept] != x[~kept]).all()


@pytest.mark.parametrize(("mask", "shape"), MASKS)
def test_the_transformed_part_does_not_affect_its_transformation(mask: type[Mask], shape: Shape) -> None:
    """A transformed value affects only itself: the Jacobian is triangular."""
    torch.manual_seed(0)
    coupling = stirred(AffineCoupling(mask(shape, False), 6)).double()
    x = torch.randn(1, *shape, generator=seeded(2)).double()
    size = x.numel()
    jacobian = torch.autograd.functional.jacobian(lambda v: coupling(v)[0], x).view(size, size)
    moved = ~keeps(coupling.mask).bool().flatten()
    block = jacobian[moved][:, moved]
    assert torch.equal(block, block.diagonal().diag())


@pytest.mark.parametrize(("mask", "shape"), MASKS)
def test_a_flipped_mask_exchanges_the_parts(mask: type[Mask], shape: Shape) -> None:
    both = keeps(mask(shape, False)) + keeps(mask(shape, True))
    assert torch.equal(both, torch.ones(shape))
    x = torch.randn(2, *shape, generator=seeded())
    for flip in (False, True):
        assert torch.equal(mask(shape, flip).join(*mask(shape, flip).split(x)), x)


def test_the_checkerboard() -> None:
    expected = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    assert torch.equal(keeps(Checkerboard((1, 2, 3), flip=False))[0], expected)


@pytest.mark.parametrize(
    "model", [RealNVP(RealNVPConfig((1, 16, 16), width=2)), Glow(GlowConfig((1, 16, 16), width=2))]
)
def test_neighbouring_couplings_of_a_model_alternate(model: RealNVP | Glow) -> None:
    compared = 0
    for level in model.flow.levels:
        masks = [m.mask for m in level.modules() if isinstance(m, AffineCoupling)]
        for one, two in pairwise(masks):
            if type(one) is type(two) and (one is not masks[-2] or isinstance(model, RealNVP)):
                assert one.flip is not two.flip
                compared += 1
    assert compared > 8


def test_one_channel_has_no_halves() -> None:
    with pytest.raises(ValueError, match=r"`shape` must have at least 2 channels for a channel mask"):
        ChannelMask((1, 4, 4), False)


def test_an_untrained_coupling_is_the_identity() -> None:
    x = torch.randn(2, 4, 3, 3, generator=seeded())
    y, log_det = AffineCoupling(ChannelMask((4, 3, 3), False), 8)(x)
    assert torch.equal(y, x) and torch.equal(log_det, torch.zeros(2))


@pytest.mark.parametrize("raw", [-1e30, -3.0, 0.0, 3.0, 1e30])
def test_the_scale_is_bounded(raw: float) -> None:
    coupling = AffineCoupling(ChannelMask((2, 1, 1), False), 4)
    with torch.no_grad():
        coupling.network[-1].bias[0] = raw  # type: ignore[index]
    x = torch.ones(1, 2, 1, 1)
    y, log_det = coupling(x)
    expected = MOST_LOG_SCALE * math.tanh(raw / MOST_LOG_SCALE)
    assert log_det.item() == pytest.approx(expected) and abs(log_det.item()) <= MOST_LOG_SCALE
    assert y[0, 1].item() == pytest.approx(math.exp(expected))
    torch.testing.assert_close(coupling.inverse(y), x)


def test_bfloat16_affects_only_the_network() -> None:
    torch.manual_seed(0)
    coupling = stirred(AffineCoupling(ChannelMask((4, 3, 3), False), 8))
    x = torch.randn(2, 4, 3, 3, generator=seeded())
    with torch.autocast("cpu", torch.bfloat16):
        y, log_det = coupling(x)
        back = coupling.inverse(y)
    assert y.dtype == log_det.dtype == torch.float32
    torch.testing.assert_close(back, x, rtol=0, atol=1e-5)  # the kept part, and so the network, is the same


def test_a_coupling_depends_on_its_context() -> None:
    torch.manual_seed(0)
    coupling = stirred(AffineCoupling(ChannelMask((4, 3, 3), False), 8, context=2))
    x, context = torch.randn(2, 4, 3, 3, generator=seeded()), torch.randn(2, 2, 3, 3, generator=seeded(1))
    y, _ = coupling(x, context)
    torch.testing.assert_close(coupling.inverse(y, context), x)
    assert not torch.equal(coupling(x, context + 1)[0], y)
