"""Confidence intervals and the false discovery rate, against SciPy, statistics worked out by hand, and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap, false_discovery_control, mannwhitneyu

from explorer.latent.intervals import (
    Interval,
    auc_interval,
    auc_variance,
    discoveries,
    ratio_interval,
    share_interval,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("count", "total"), [(0, 5), (3, 5), (5, 5), (17, 400)])
def test_the_interval_of_a_share_is_wilsons(count: int, total: int) -> None:
    expected = binomtest(count, total).proportion_ci(method="wilson")
    assert share_interval(count, total) == pytest.approx((count / total, expected.low, expected.high))


def test_shares_outside_their_range_are_refused() -> None:
    for count, total in ((-1, 3), (4, 3), (0, 0)):
        with pytest.raises(ValueError, match=r"`count` must lie in 0\.\.`total`"):
            share_interval(count, total)


def test_the_auc_is_mann_whitneys_and_its_variance_that_of_the_bootstrap() -> None:
    low, high = RNG.normal(size=150).round(1), RNG.normal(1, 2, size=90).round(1)
    area, variance = auc_variance(low, high)
    assert area == pytest.approx(mannwhitneyu(high, low).statistic / (150 * 90))

    def auc(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        gaps = y[..., :, None] - x[..., None, :]
        return ((gaps > 0) + 0.5 * (gaps == 0)).mean((-1, -2))

    sample = bootstrap(
        (low, high), auc, n_resamples=600, batch=50, rng=np.random.default_rng(1), method="basic"
    )
    assert np.sqrt(variance) == pytest.approx(sample.standard_error, rel=0.1)
    with pytest.raises(ValueError, match="at least 2 scores"):
        auc_variance([1.0], high)


def test_an_auc_of_one_has_an_interval_of_more_than_a_point() -> None:
    found = auc_interval(1.0, 0.0, 10)
    assert found.high == 1 and found.low == pytest.approx(0.025**0.1)
    assert auc_interval(0.0, 0.0, 10) == pytest.approx((0, 0, 1 - 0.025**0.1))
    assert auc_interval(0.8, 1e-8, 10) == pytest.approx((0.8, 0.8, 0.8), abs=1e-3)


def test_a_ratio_of_means_has_the_spread_of_its_bootstrap() -> None:
    b = RNG.exponential(size=300) + 1
    a = 0.4 * b + RNG.normal(0, 0.5, 300)
    found = ratio_interval(a, b)
    assert found.value == pytest.approx(a.mean() / b.mean())
    drawn = RNG.integers(300, size=(3000, 300))
    spread = (a[drawn].mean(1) / b[drawn].mean(1)).std()
    assert found.high - found.low == pytest.approx(2 * 1.96 * spread, rel=0.08)
    assert not ratio_interval([0.0, 1.0], [1.0, -1.0]).finite
    assert Interval(1.0, 0.5, 2.0).finite
    with pytest.raises(ValueError, match="must have one shape"):
        ratio_interval([1.0, 2.0], [1.0])


def test_discoveries_are_benjamini_and_hochbergs() -> None:
    p = np.concatenate([RNG.random(20), RNG.random(6) * 1e-3])
    np.testing.assert_array_equal(discoveries(p), false_discovery_control(p) <= 0.05)
    np.testing.assert_array_equal(discoveries([0.04, np.nan]), [True, False])
    assert not discoveries([0.3, 0.9]).any()
