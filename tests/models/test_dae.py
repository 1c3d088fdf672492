"""Tests of the denoising autoencoder: each corruption, and that the target is the clean image."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.dae import CORRUPTIONS, DAE, DAEConfig, corrupt


def dae(**settings: object) -> DAE:
    torch.manual_seed(0)
    return DAE(DAEConfig((3, 8, 8), latent=3, width=4, likelihood="gaussian", **settings))  # type: ignore[arg-type]


def images(count: int = 200) -> Tensor:
    """Returns grey values between 0.25 and 0.75, which differ from corrupted pixels."""
    return 0.25 + 0.5 * torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(7))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_masking_sets_a_share_of_the_pixels_to_black_in_all_channels() -> None:
    x = images()
    found = corrupt(x, "masking", 0.3, seeded())
    lost = (found == 0).all(1)
    assert torch.equal(lost, (found == 0).any(1))
    assert lost.float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert torch.equal(found, x * ~lost[:, None])


def test_salt_and_pepper_makes_lost_pixels_black_or_white_in_equal_shares() -> None:
    x = images()
    found = corrupt(x, "salt-and-pepper", 0.4, seeded())
    black, white = (found == 0).all(1), (found == 1).all(1)
    assert black.float().mean().item() == pytest.approx(0.2, abs=0.02)
    assert white.float().mean().item() == pytest.approx(0.2, abs=0.02)
    kept = ~(black | white)[:, None].expand_as(x)
    assert torch.equal(found[kept], x[kept])


def test_gaussian_noise_has_the_level_as_its_standard_deviation() -> None:
    noise = corrupt(images(), "gaussian", 0.25, seeded()) - images()
    assert noise.std().item() == pytest.approx(0.25, rel=0.02)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.005)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_level_0_does_not_change_the_image(corruption: str) -> None:
    assert torch.equal(corrupt(images(), corruption, 0.0, seeded()), images())


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_the_clean_image_is_the_target(corruption: str) -> None:
    model, x = dae(corruption=corruption, level=0.6), images(5)
    seen = corrupt(x, corruption, 0.6, seeded())
    assert not torch.equal(seen, x)
    expected = model.nll(model.latent(seen), x).mean()
    torch.testing.assert_close(model.loss(x, generator=seeded()).total, expected, rtol=0, atol=0)


def test_fully_masked_images_have_the_same_latent() -> None:
    model, x = dae(level=1.0), images(5)
    blind = model.latent(torch.zeros(5, 3, 8, 8))
    torch.testing.assert_close(model.loss(x).total, model.nll(blind, x).mean())


def test_encoding_adds_no_noise_and_training_noise_comes_from_the_generator() -> None:
    model, x = dae().eval(), images(5)
    assert torch.equal(model.encode(x).mean, model.encoder(x))
    before = torch.get_rng_state()
    first, second = (model.loss(x, generator=seeded(s)).total for s in (0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert first != second


def test_an_unknown_corruption_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown corruption 'blur'. Choose one of: masking"):
        corrupt(images(1), "blur", 0.5)


def test_a_sigmoid_latent_is_the_sigmoid_of_the_linear_one() -> None:
    linear, model, x = dae().eval(), dae(sigmoid=True).eval(), images(5)
    torch.testing.assert_close(model.encode(x).mean, linear.encode(x).mean.sigmoid())
    torch.testing.assert_close(
        model.training_latent(x, seeded(), 1.0), linear.training_latent(x, seeded(), 1.0).sigmoid()
    )
