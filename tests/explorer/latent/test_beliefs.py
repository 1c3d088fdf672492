"""Entropy and spread of beliefs against torch's distributions, and against samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from explorer.latent.beliefs import band, entropy, spread_of_mixture


def test_entropy_is_torchs() -> None:
    std = np.exp(np.random.default_rng(0).normal(size=(4, 3, 7)))
    expected = Independent(Normal(torch.zeros(4, 3, 7).double(), torch.from_numpy(std)), 1).entropy()
    np.testing.assert_allclose(entropy(std), expected.numpy(), rtol=1e-12)
    assert entropy(np.ones(5)) == pytest.approx(5 * 1.4189385332046727)


def test_entropy_counts_the_volume_that_a_belief_fills() -> None:
    std = np.array([0.3, 2.0])
    assert entropy(2 * std) - entropy(std) == pytest.approx(2 * np.log(2))


def test_spread_of_a_mixture_is_that_of_its_samples() -> None:
    rng = np.random.default_rng(1)
    mean, std = rng.normal(size=(6, 3)), np.exp(rng.normal(size=(6, 3)))
    drawn = rng.integers(6, size=400_000)
    samples = mean[drawn] + std[drawn] * rng.normal(size=(len(drawn), 3))
    np.testing.assert_allclose(spread_of_mixture(mean, std), samples.std(0), rtol=0.01)
    np.testing.assert_allclose(spread_of_mixture(mean[:1], std[:1]), std[0])


def test_a_band_holds_the_middle_of_the_samples() -> None:
    values = np.arange(101.0)[:, None] * [1.0, 2.0]
    found = band(np.random.default_rng(0).permutation(values))
    np.testing.assert_allclose(found.mean, [50, 100])
    np.testing.assert_allclose(found.low, [10, 20])
    np.testing.assert_allclose(found.high, [90, 180])
