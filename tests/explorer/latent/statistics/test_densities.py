"""Densities, running estimates and effective samples against torch.distributions and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from explorer.latent.statistics import densities

RNG = np.random.default_rng(0)
MEAN, STD = RNG.normal(size=(5, 7)), np.exp(RNG.normal(size=(5, 7)))


def test_log_normal_is_torchs() -> None:
    z = RNG.normal(size=(5, 7))
    expected = Normal(torch.tensor(MEAN), torch.tensor(STD)).log_prob(torch.tensor(z)).sum(-1)
    np.testing.assert_allclose(densities.log_normal(z, MEAN, STD), expected.numpy(), rtol=1e-12)
    prior = Normal(torch.zeros(7, dtype=torch.float64), 1.0).log_prob(torch.tensor(z)).sum(-1)
    np.testing.assert_allclose(densities.log_normal(z), prior.numpy(), rtol=1e-12)


def test_kl_is_torchs_in_each_dimension() -> None:
    q = Normal(torch.tensor(MEAN), torch.tensor(STD))
    expected = kl_divergence(q, Normal(torch.zeros(5, 7, dtype=torch.float64), 1.0))
    np.testing.assert_allclose(densities.kl_to_prior(MEAN, STD), expected.numpy(), rtol=1e-12)


def test_active_dimensions_vary_over_the_images() -> None:
    mean = RNG.normal(size=(4000, 3)) * [1.0, 0.05, 0.2]
    assert densities.active(mean).tolist() == [True, False, True]


def test_running_estimates_are_those_of_the_first_samples() -> None:
    weights = RNG.normal(-90, 4, size=300)
    counts = densities.sample_counts(300, 20)
    assert counts[0] == 1 and counts[-1] == 300 and (np.diff(counts) > 0).all()
    log_mean, mean = densities.running_log_mean(weights, counts), densities.running_mean(weights, counts)
    for place, count in enumerate(counts):
        first = torch.tensor(weights[:count])
        assert log_mean[place] == pytest.approx(float(torch.logsumexp(first, 0) - np.log(count)), rel=1e-12)
        assert mean[place] == pytest.approx(float(first.mean()), rel=1e-12)
    assert (log_mean >= mean - 1e-9).all(), "Jensen"


def test_far_apart_weights_do_not_overflow() -> None:
    assert densities.running_log_mean([-40_000.0, 25_000.0], [1, 2]).tolist() == pytest.approx(
        [-40_000.0, 25_000.0 - np.log(2)]
    )


def test_effective_samples() -> None:
    assert densities.effective_samples(np.full(40, -1e4)) == pytest.approx(40)
    assert densities.effective_samples([0.0, -800.0, -900.0]) == pytest.approx(1)
    weights = np.exp(RNG.normal(size=50))
    assert densities.effective_samples(np.log(weights)) == pytest.approx(
        weights.sum() ** 2 / (weights**2).sum()
    )


def test_wrong_counts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`counts` must lie in 1..3"):
        densities.running_mean([1.0, 2.0, 3.0], [4])
    with pytest.raises(ValueError, match=r"shape \(N,\)"):
        densities.running_log_mean([], [1])
    with pytest.raises(ValueError, match="`total` must be at least 1"):
        densities.sample_counts(0)
