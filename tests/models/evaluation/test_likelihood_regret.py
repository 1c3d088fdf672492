"""Tests of likelihood regret: where the best posterior is known, many at once against one by one, and its ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from models import load
from models.ae import AE
from models.data import load_data
from models.data.tensors import to_tensor
from models.encoder_decoder import NetworkConfig
from models.evaluation.likelihood_regret import STEPS, likelihood_regret
from models.vae import VAE, VAEConfig
from tests.models.linear_gaussian import images, linear_gaussian, log_likelihood, posterior


@pytest.mark.parametrize("upright", [True, False])
def test_the_regret_of_a_linear_gaussian_model_is_known(upright: bool) -> None:
    model = linear_gaussian(upright=upright)
    x = images(model, 12)
    found = likelihood_regret(model, x, steps=300, samples=2000, tolerance=0)
    with torch.no_grad():
        q = model.encode(x)
    assert q.std is not None
    mean, covariance = posterior(model, x)
    truth = MultivariateNormal(mean, covariance.expand(len(x), -1, -1))
    own = MultivariateNormal(q.mean.double(), torch.diag_embed(q.std.double().square()))
    best_std = (
        torch.linalg.inv(covariance).diagonal().rsqrt()
    )  # of the best diagonal Gaussian, whose mean is the truth's
    best = MultivariateNormal(mean, torch.diag_embed(best_std.square().expand(len(x), -1)))
    expected = kl_divergence(own, truth) - kl_divergence(best, truth)
    assert expected.min() > 0.5
    torch.testing.assert_close(found.values, expected, rtol=0.02, atol=0.15)
    torch.testing.assert_close(found.posterior.mean.double(), mean, rtol=0, atol=0.15)
    assert found.posterior.std is not None
    torch.testing.assert_close(found.posterior.std.double().mean(0), best_std, rtol=0.2, atol=0)
    gap = log_likelihood(model, x) - found.after  # what is left is the best diagonal Gaussian's divergence
    torch.testing.assert_close(gap, kl_divergence(best, truth), rtol=0, atol=0.2)


def test_many_at_once_are_as_one_by_one(tiny_checkpoint: Path) -> None:
    model = load(tiny_checkpoint).eval()
    digits = to_tensor(load_data("digits", "test", limit=6).images)
    x = torch.cat([digits, 1 - digits[:3]])  # which stop after steps of their own
    together = likelihood_regret(model, x, steps=60, seed=5)
    single = [likelihood_regret(model, one[None], steps=60, seed=5) for one in x]
    torch.testing.assert_close(
        together.values, torch.cat([one.values for one in single]), rtol=1e-4, atol=1e-4
    )
    torch.testing.assert_close(together.steps, torch.cat([one.steps for one in single]))


def test_the_same_seed_gives_the_same_and_another_nearly_the_same(tiny_checkpoint: Path) -> None:
    model = load(tiny_checkpoint).eval()
    x = to_tensor(load_data("digits", "test", limit=20).images)
    one, again, other = (likelihood_regret(model, x, samples=64, seed=seed).values for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert torch.corrcoef(torch.stack([one, other]))[0, 1] > 0.85


def test_the_regret_is_never_negative_and_higher_for_what_was_never_seen(tiny_checkpoint: Path) -> None:
    model = load(tiny_checkpoint).eval()
    digits = to_tensor(load_data("digits", "test", limit=40).images)
    seen, unseen = (likelihood_regret(model, x).values for x in (digits, 1 - digits))
    assert (seen >= 0).all() and (unseen >= 0).all()
    assert (unseen[:, None] > seen).float().mean() > 0.65  # of a model that is hardly trained


def test_an_image_stops_where_its_bound_rises_no_more() -> None:
    torch.manual_seed(0)
    model = VAE(
        VAEConfig((1, 8, 8), latent=2, network="mlp", depth=0, likelihood="gaussian", sigma=10.0)
    ).eval()
    x = torch.rand(3, 1, 8, 8)
    told: list[tuple[int, int]] = []
    found = likelihood_regret(model, x, steps=1000, report=lambda done, total: told.append((done, total)))
    assert (found.steps < 1000).all() and (found.steps % 10 == 0).all()
    assert told == [(3, 3)]
    assert (likelihood_regret(model, x, steps=7).steps == 7).all() and STEPS == 100


def test_gradients_stay_out_of_the_model(tiny_checkpoint: Path) -> None:
    model = load(tiny_checkpoint).eval()
    before = [each.clone() for each in model.parameters()]
    likelihood_regret(model, to_tensor(load_data("digits", "test", limit=3).images), steps=5)
    assert all(each.grad is None for each in model.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_what_has_no_regret_is_refused() -> None:
    x = torch.zeros(2, 1, 8, 8)
    with pytest.raises(ValueError, match="must have a prior, a likelihood"):
        likelihood_regret(AE(NetworkConfig((1, 8, 8), latent=3, network="mlp", width=4)).eval(), x)
    for settings in ({"steps": 0}, {"rate": 0.0}, {"tolerance": -1.0}, {"samples": 3}):
        with pytest.raises(ValueError, match="must be"):
            likelihood_regret(linear_gaussian(), x, **settings)  # type: ignore[arg-type]
