"""Entropy, spread and agreement of beliefs against torch's distributions, samples, and a world whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from explorer.latent.statistics.beliefs import band, disagreement, entropy, spread_of_mixture


def test_entropy_is_torchs() -> None:
    std = np.exp(np.random.default_rng(0).normal(size=(4, 3, 7)))
    expected = Independent(Normal(torch.zeros(4, 3, 7).double(), torch.from_numpy(std)), 1).entropy()
    np.testing.assert_allclose(entropy(std), expected.numpy(), rtol=1e-12)
    assert entropy(np.ones(5)) == pytest.approx(5 * 1.4189385332046727)


def test_entropy_counts_the_volume_that_a_belief_fills() -> None:
    std = np.array([0.3, 2.0])
    assert entropy(2 * std) - entropy(std) == pytest.approx(2 * np.log(2))


def test_what_a_belief_knows_does_not_depend_on_the_scale_of_its_state_and_its_entropy_does() -> None:
    """A simulated world: the place is known better and better, but its number has a larger and larger scale."""
    rng = np.random.default_rng(0)
    known, scale = np.array([0.2, 0.1, 0.05]), np.array([1.0, 10.0, 100.0])
    assert (np.diff(entropy((known * scale)[:, None])) > 0).all(), (
        "entropy rises as the belief comes to know more"
    )
    places = 0.5 + known[:, None] * rng.choice([-1.0, 1.0], (3, 400))
    pictures = np.repeat(places[..., None, None, None], 3, axis=-2)
    np.testing.assert_allclose(disagreement(pictures), known, rtol=0.01)
    assert disagreement(np.ones((5, 2, 2, 1))) == 0
    levels = np.stack([np.zeros((2, 2, 1), np.uint8), np.full((2, 2, 1), 255, np.uint8)])
    assert disagreement(levels) == 127.5, "half of the range at most, of grey levels, too"


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
