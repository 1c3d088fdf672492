"""Mixtures against scikit-learn's density and against codes whose mixture is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from explorer.latent.statistics import mixtures
from explorer.latent.statistics.mixtures import FULL, ROUNDS, WIDEST, Mixture, fit

RNG = np.random.default_rng(5)
CENTRES = np.array([[-4.0, 0, 0], [4, 0, 0], [0, 5, 1]])
CODES = np.concatenate([c + RNG.standard_normal((300, 3)) * [0.5, 1, 0.2] for c in CENTRES])


@pytest.mark.parametrize("size", [3, 60])
def test_the_log_density_is_that_of_scikit_learn(size: int) -> None:
    codes = CODES if size == 3 else RNG.standard_normal((200, size)) * np.linspace(0.1, 2, size)
    mixture = fit(codes, 3, seed=1)
    assert mixture.full == (len(codes) >= FULL * size * 3) == (size == 3)
    peer = GaussianMixture(
        3,
        covariance_type="full" if mixture.full else "diag",
        max_iter=ROUNDS,
        random_state=1,
        reg_covar=1e-4 * codes.var(0).mean(),
        init_params="kmeans",
    ).fit(codes)
    asked = RNG.standard_normal((50, size)) * 3
    assert mixture.log_density(asked) == pytest.approx(peer.score_samples(asked), rel=1e-9)
    far = mixture.log_density(np.full((1, size), 1e4))
    assert np.isfinite(far).all() and far[0] < -1e6


def test_it_finds_the_gaussians_that_the_codes_were_drawn_from_and_draws_such() -> None:
    mixture = fit(CODES, 3)
    order = np.argsort(mixture.means[:, 0])[[0, 2, 1]]
    assert mixture.means[order] == pytest.approx(CENTRES, abs=0.2)
    drawn = mixture.sample(6000, 3)
    assert drawn.mean(0) == pytest.approx(CODES.mean(0), abs=0.15)
    assert np.cov(drawn.T) == pytest.approx(np.cov(CODES.T), abs=0.6)
    assert drawn.std(0) == pytest.approx(CODES.std(0), rel=0.05)


@pytest.mark.parametrize("full", [True, False])
def test_draws_have_the_shares_the_means_and_the_spreads_of_the_components(full: bool) -> None:
    means = np.array([[-50.0, 0, 3], [50.0, 1, 0]])
    roots = np.array([[[2.0, 0, 0], [1, 0.5, 0], [-1, 3, 0.2]], [[1.0, 0, 0], [-2, 1, 0], [0, 0, 4]]])
    mixture = Mixture(np.array([0.2, 0.8]), means, roots if full else np.array([[2.0, 0.5, 0.2], [1, 3, 4]]))
    drawn = mixture.sample(40_000, 0, temperature=0.5).astype(np.float64)
    for number, those in enumerate((drawn[:, 0] < 0, drawn[:, 0] > 0)):
        assert those.mean() == pytest.approx(mixture.weights[number], abs=0.01)
        root = mixture.roots[number] if full else np.diag(mixture.roots[number])
        assert drawn[those].mean(0) == pytest.approx(means[number], abs=0.05)
        assert np.cov(drawn[those].T) == pytest.approx(0.25 * root @ root.T, abs=0.15, rel=0.05)


def test_a_seed_gives_the_same_mixture_and_the_same_draws() -> None:
    one, other = fit(CODES, 4, seed=2), fit(CODES, 4, seed=2)
    assert np.array_equal(one.means, other.means)
    assert np.array_equal(one.sample(9, 1), other.sample(9, 1))
    assert not np.array_equal(one.sample(9, 1), one.sample(9, 2))


def test_at_temperature_zero_the_draws_are_the_means() -> None:
    mixture = fit(CODES, 3)
    drawn = mixture.sample(20, 0, temperature=0)
    gaps = np.linalg.norm(drawn[:, None] - mixture.means, axis=2).min(1)
    assert gaps.max() < 1e-5


def test_codes_without_spread_and_few_codes_give_a_mixture_all_the_same() -> None:
    flat = CODES.copy()
    flat[:, 1] = 2.0
    drawn = fit(flat, 2).sample(50, 0)
    assert drawn[:, 1] == pytest.approx(np.full(50, 2.0), abs=0.2)
    assert len(fit(CODES[:7], 6).weights) == 1
    assert np.isfinite(fit(np.ones((8, 4)), 1).log_density(np.ones((1, 4)))).all()


def test_invalid_arguments_are_reported() -> None:
    with pytest.raises(ValueError, match="N of at least 5"):
        fit(CODES[:4], 1)
    for wrong in (0, 51):
        with pytest.raises(ValueError, match=rf"`components` must lie in 1..50. Got {wrong}"):
            fit(CODES, wrong)
    with pytest.raises(ValueError, match="`z` must be finite"):
        fit(np.full((9, 2), np.nan), 1)
    wide = RNG.standard_normal((FULL * (WIDEST + 1), WIDEST + 1))
    assert not fit(wide, 1).full and fit(wide[:, :WIDEST], 1).full
    with pytest.raises(ValueError, match="`temperature`"):
        fit(CODES, 2).sample(1, 0, temperature=-1)


def test_a_sample_of_many_latents_gives_nearly_the_same_mixture(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(CODES, 3)
    monkeypatch.setattr(mixtures, "FITTED_AT_MOST", 600)
    part = fit(CODES, 3)
    np.testing.assert_array_equal(part.means, fit(CODES, 3).means)
    order, others = (np.argsort(each.means[:, 0]) for each in (part, whole))
    assert not (part.means[order] == whole.means[others]).all()
    assert part.means[order] == pytest.approx(whole.means[others], abs=0.2)
    assert part.weights[order] == pytest.approx(whole.weights[others], abs=0.05)
