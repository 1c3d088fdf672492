"""Tests of the bound's two terms: in closed form, and against torch.distributions."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from models.ae import AE
from models.base import Posterior
from models.encoder_decoder import NetworkConfig
from models.evaluation import elbo as bounds
from models.evaluation.elbo import bound, paired_noise, probabilistic
from models.evaluation.elbo import expected_log_likelihood as one_posterior
from tests.models.linear_gaussian import expected_log_likelihood, images, linear_gaussian, log_likelihood


def test_the_terms_are_those_of_a_linear_gaussian_model() -> None:
    model = linear_gaussian(upright=False)
    x = images(model, 40)
    found = bound(model, x, 4000)
    with torch.no_grad():
        q = model.encode(x)
    assert q.std is not None
    expected = expected_log_likelihood(model, x, q.mean, q.std)
    torch.testing.assert_close(found.reconstruction, expected, rtol=0, atol=1.5)
    assert (found.reconstruction - expected).abs().mean() < 0.3
    divergence = kl_divergence(
        Normal(q.mean.double(), q.std.double()), Normal(torch.zeros(()), torch.ones(()))
    )
    torch.testing.assert_close(found.kl, divergence.sum(1), rtol=1e-5, atol=1e-5)
    assert (found.elbo < log_likelihood(model, x) + 1).all()
    torch.testing.assert_close(found.elbo, found.reconstruction - divergence.sum(1), rtol=1e-5, atol=1e-4)


def test_an_image_has_its_bound_whatever_it_stands_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    model = linear_gaussian()
    x = images(model, 5)
    whole = bound(model, x, 8, seed=3)
    single = torch.cat([bound(model, one[None], 8, seed=3).elbo for one in x])
    torch.testing.assert_close(whole.elbo, single, rtol=0, atol=1e-4)
    assert not torch.equal(whole.reconstruction, bound(model, x, 8, seed=4).reconstruction)
    monkeypatch.setattr(bounds, "IMAGES", 2)
    monkeypatch.setattr(bounds, "DECODED", 3)
    torch.testing.assert_close(bound(model, x, 8, seed=3).elbo, whole.elbo, rtol=0, atol=1e-4)


def test_a_point_is_its_own_expectation_and_has_no_bound() -> None:
    model = linear_gaussian()
    x = images(model, 3)
    with torch.no_grad():
        z = model.encode(x).mean
        found = one_posterior(
            model.likelihood, model.decode, x, Posterior(z, None), paired_noise(4, z.shape[1:], 0)
        )
        torch.testing.assert_close(
            found, -model.likelihood.nll(model.decode(z), x).double(), rtol=0, atol=1e-4
        )
    with pytest.raises(ValueError, match=r"posterior with a standard deviation\. Got a point"):
        probabilistic(Posterior(z, None))


def test_noise_comes_in_pairs() -> None:
    noise = paired_noise(6, (2, 3), 0)
    assert noise.shape == (6, 2, 3)
    torch.testing.assert_close(noise[:3], -noise[3:])
    for odd in (0, 1, 5):
        with pytest.raises(ValueError, match=f"even number of at least 2. Got {odd}"):
            paired_noise(odd, (2,), 0)


def test_a_model_without_a_likelihood_is_refused() -> None:
    model = AE(NetworkConfig((1, 8, 8), latent=3, network="mlp", width=4)).eval()
    with pytest.raises(ValueError, match="must have a prior, a likelihood"):
        bound(model, torch.zeros(2, 1, 8, 8))
    with pytest.raises(ValueError, match="Got 0 and"):
        bound(linear_gaussian(), torch.zeros(0, 1, 8, 8))
