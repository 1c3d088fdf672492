"""Tests of the VAE: its bound, its settings."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from models import load
from models.data import load_data
from models.evaluation.likelihood import bound
from models.training.train import Run, train
from models.vae import LOG_STD_RANGE, VAE, VAEConfig, soft_clamp


def vae(**settings: Any) -> VAE:
    torch.manual_seed(0)
    return VAE(VAEConfig((1, 8, 8), **({"latent": 3, "width": 4} | settings))).eval()


def images(count: int = 6) -> Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(7))


def test_the_loss_is_the_negative_elbo_in_nats_per_image() -> None:
    model, x = vae(likelihood="gaussian", sigma=0.2), images()
    loss = model.loss(x, generator=torch.Generator().manual_seed(3))
    q = model.encode(x)
    assert q.std is not None
    z = q.sample(torch.Generator().manual_seed(3))
    log_p = Normal(model.decoder(z).double(), 0.2).log_prob(x.double()).sum((1, 2, 3))
    kl = kl_divergence(Normal(q.mean.double(), q.std.double()), Normal(0.0, 1.0)).sum(1)
    same = {"rtol": 1e-5, "atol": 1e-5, "check_dtype": False}
    torch.testing.assert_close(loss.total, (kl - log_p).mean(), **same)
    torch.testing.assert_close(loss.terms["kl"], kl.mean(), **same)
    torch.testing.assert_close(loss.terms["reconstruction"], -log_p.mean(), **same)


def test_the_warm_up_weights_only_the_kl() -> None:
    model, x = vae(), images()

    def loss(share: float) -> Tensor:
        return model.loss(x, generator=torch.Generator().manual_seed(0), warmup=share).total

    kl = model.loss(x, generator=torch.Generator().manual_seed(0)).terms["kl"]
    torch.testing.assert_close(loss(1.0) - loss(0.0), kl, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(loss(0.5) - loss(0.0), 0.5 * kl, rtol=1e-4, atol=1e-4)


def test_free_bits_penalise_only_the_kl_above_them() -> None:
    x, plain = images(), vae()
    kl = plain.encode(x).kl().mean(0)
    floor = kl.median().item()
    spared = vae(free_bits=floor).loss(x, generator=torch.Generator().manual_seed(0))
    base = plain.loss(x, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        spared.total - base.total, kl.clamp(min=floor).sum() - kl.sum(), rtol=1e-3, atol=1e-4
    )
    torch.testing.assert_close(spared.terms["kl"], base.terms["kl"])  # the figure stays the true one


def test_the_bound_is_below_the_true_likelihood() -> None:
    """With one latent dimension, log p(x) is a sum over a grid, which the ELBO must not exceed."""
    model, x = vae(latent=1, likelihood="gaussian", sigma=0.5), images(4)
    grid = torch.linspace(-8, 8, 2001)[:, None]
    with torch.no_grad():
        pictures = model.decoder(grid)
        log_joint = torch.stack([-model.likelihood.nll(pictures, each.expand_as(pictures)) for each in x])
        log_joint += Normal(0.0, 1.0).log_prob(grid[:, 0])
        exact = log_joint.logsumexp(1) + torch.tensor(16 / 2000).log()
        draws = [model.loss(x, generator=torch.Generator().manual_seed(n)).total for n in range(200)]
    assert -torch.stack(draws).mean() < exact.mean() + 0.05


def test_bfloat16_changes_the_loss_little_and_keeps_it_in_float32() -> None:
    model, x = vae(width=16), images(32)
    full = model.loss(x, generator=torch.Generator().manual_seed(0)).total
    with torch.autocast("cpu", torch.bfloat16):
        half = model.loss(x, generator=torch.Generator().manual_seed(0)).total
        q = model.encode(x)
    assert half.dtype == q.mean.dtype == torch.float32
    assert half.item() == pytest.approx(full.item(), rel=0.02)


@pytest.mark.parametrize("value", [-1e30, -100.0, 0.0, 100.0, 1e30])
def test_the_posterior_standard_deviation_is_bounded(value: float) -> None:
    clamped = soft_clamp(torch.tensor(value), *LOG_STD_RANGE)
    assert LOG_STD_RANGE[0] <= clamped.item() <= LOG_STD_RANGE[1]


def test_inside_its_range_the_soft_clamp_hardly_changes_a_value() -> None:
    values = torch.linspace(-6, 0, 13)
    torch.testing.assert_close(soft_clamp(values, *LOG_STD_RANGE), values, rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_shape": (5, 8, 8)}, r"`image_shape` must be \(1 to 4, H, W\). Got \(5, 8, 8\)"),
        ({"image_shape": (8, 8)}, r"`image_shape` must be \(1 to 4, H, W\)"),
        ({"image_shape": (1, 7, 8)}, "`image_shape` must have sides of 8 to 256 pixels"),
        ({"image_shape": (1, 8, 257)}, "`image_shape` must have sides of 8 to 256 pixels"),
        ({"latent": 0}, r"`latent` must lie in \[1, 1024\]. Got 0"),
        ({"latent": 10**9}, "`latent` must lie in"),
        ({"width": 4096}, "`width` must lie in"),
        ({"depth": 9}, "`depth` must lie in"),
        ({"depth": -1, "network": "mlp"}, "`depth` must lie in"),
        ({"sigma": 0.0}, "`sigma` must lie in"),
        ({"free_bits": -1.0}, "`free_bits` must lie in"),
        ({"likelihood": "poisson"}, "Unknown likelihood 'poisson'. Choose one of: bernoulli"),
        ({"network": "unet"}, "Unknown network 'unet'. Choose one of: conv, mlp"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VAEConfig(**({"image_shape": (1, 8, 8)} | settings))


def test_trained_with_a_learnt_sigma_it_beats_every_fixed_alpha(tmp_path: Path) -> None:
    test, elbos = load_data("digits", "test"), {}
    for name, settings in {
        "learnt": {"likelihood": "learnt-gaussian"},
        **{f"{a:g}": {"likelihood": "gaussian", "sigma": math.sqrt(1 / (2 * a))} for a in (0.1, 1, 10)},
    }.items():
        config = {"latent": 8, "network": "mlp", "width": 64} | settings
        train(Run("vae", "digits", config, epochs=20, batch=64), tmp_path / name, device=torch.device("cpu"))
        model = load(tmp_path / name)
        elbos[name] = bound(model, test)["elbo"]["value"]
    assert elbos["learnt"] > max(value for name, value in elbos.items() if name != "learnt")


def test_a_spatial_latent_is_one_level_and_is_sampled_like_a_vector() -> None:
    config = VAEConfig((4, 20, 12), latent=2, width=4, network="patch", grid=10)
    model = VAE(config).eval()
    (level,) = model.spec.levels
    assert level.shape == (2, 10, 6) and model.spec.shape == (120,) and model.spec.has_distance_gauge
    x = torch.rand(3, 4, 20, 12, generator=torch.Generator().manual_seed(0))
    loss = model.loss(x, generator=torch.Generator().manual_seed(0))
    assert loss.terms["kl"].item() == pytest.approx(model.encode(x).kl().sum(1).mean().item(), rel=1e-5)
    assert model.sample(2).shape == (2, 4, 20, 12)
    for changes, message in (
        ({"network": "mlp"}, "`grid` must be 0 for the network 'mlp'. Got 10"),
        ({"neck": 8}, "`neck` must be 0 for a `grid`"),
        ({"latent": 1024}, r"must give at most 16,384 dimensions in total. Got \(1024, 10, 6\), 61,440"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(config, **changes)
