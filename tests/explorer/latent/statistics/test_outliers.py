"""Scores as arrays: AUROC against scikit-learn, thresholds, percentiles, histograms, ranks, residuals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score, roc_curve

from explorer.latent.statistics.outliers import (
    BINS,
    auroc,
    auroc_interval,
    bins,
    bounded,
    extent,
    false_alarms,
    fpr95,
    outlyingness,
    percentile_interval,
    percentiles,
    ranks_alike,
    residual,
    threshold,
)

RNG = np.random.default_rng(0)


def test_an_axis_is_widened_by_its_own_length_at_most() -> None:
    assert extent([1.0, 3.0], []) == (1, 3)
    assert extent([1.0, 3.0], [2.5, 4.0]) == (1, 4)
    assert extent([1.0, 3.0], [5e16, -9.0]) == (-1, 5)
    assert extent([2.0, 2.0], [1e9]) == (2, 4)
    np.testing.assert_array_equal(bounded([np.nan, np.inf, -np.inf, 5e16], "high"), [1e30, 1e30, -1e30, 5e16])
    np.testing.assert_array_equal(bounded([np.nan], "low"), [-1e30])


@pytest.mark.parametrize("rounded", [False, True])
def test_auroc_is_scikit_learns(rounded: bool) -> None:
    inliers, outliers = RNG.normal(size=70), RNG.normal(0.7, 1.5, size=50)
    if rounded:  # with many equal ones
        inliers, outliers = inliers.round(), outliers.round()
    truth = np.r_[np.zeros(70), np.ones(50)]
    assert auroc(inliers, outliers) == pytest.approx(roc_auc_score(truth, np.r_[inliers, outliers]))
    assert auroc(outliers, inliers) == pytest.approx(1 - auroc(inliers, outliers))
    assert auroc([1.0], [1.0]) == 0.5 and auroc([0.0], [1.0]) == 1


def test_the_interval_of_an_auroc_is_as_wide_as_it_scatters() -> None:
    draws = [auroc(RNG.normal(size=60), RNG.normal(1, 1, size=80)) for _ in range(400)]
    found = auroc_interval(RNG.normal(size=60), RNG.normal(1, 1, size=80))
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.std(draws), rel=0.3)
    assert auroc_interval(np.zeros(60), np.ones(80)) == pytest.approx((1, 0.025 ** (1 / 60), 1))


def test_fpr95_is_the_price_of_finding_the_outliers() -> None:
    inliers, outliers = RNG.normal(size=400), RNG.normal(2, 1, size=200)
    truth = np.r_[np.zeros(400), np.ones(200)]
    false, true, _ = roc_curve(truth, np.r_[inliers, outliers], drop_intermediate=False)
    found = fpr95(inliers, outliers)
    assert found.value == pytest.approx(false[np.argmax(true >= 0.95)])
    assert 0 < found.low < found.value < found.high < 1
    assert fpr95(inliers, inliers).value == pytest.approx(0.95, abs=0.01)
    assert fpr95(np.zeros(9), np.ones(9)).value == 0 and fpr95(np.zeros(90), np.ones(90)).high < 0.1


def test_false_alarms_of_a_threshold_and_percentile_of_a_picture() -> None:
    known = np.arange(200.0)
    found = false_alarms(known, 190.0)
    assert found == pytest.approx((0.05, 0.0274, 0.0896), abs=2e-4)
    place = percentile_interval(150.0, known)
    assert (
        place.value == pytest.approx(percentiles([150.0], known)[0] / 100)
        and place.low < place.value < place.high
    )
    assert percentile_interval(-1.0, known).low == 0 and percentile_interval(999.0, known).high == 1


def test_outlyingness_flips_scores_that_are_low_for_outliers() -> None:
    np.testing.assert_array_equal(outlyingness([1, -2], "high"), [1, -2])
    np.testing.assert_array_equal(outlyingness([1, -2], "low"), [-1, 2])


def test_a_share_of_the_images_lies_above_the_threshold() -> None:
    values = RNG.permutation(200).astype(float)
    for share, count in ((0.02, 4), (0.5, 100), (1.0, 200), (0.0, 1), (0.001, 1)):
        assert (values >= threshold(values, share)).sum() == count
    with pytest.raises(ValueError, match=r"`share` must lie in 0..1. Got 2"):
        threshold(values, 2)
    for scores in ([], [1.0, np.nan], [1.0, np.inf], [[1.0]]):
        with pytest.raises(ValueError, match="`scores` must be a list of finite numbers"):
            threshold(scores, 0.5)


def test_percentiles_count_equal_ones_half() -> None:
    np.testing.assert_allclose(percentiles([0, 2, 2.5, 9], [2, 3, 1, 2]), [0, 50, 75, 100])


def test_a_histogram_holds_all_values_in_a_bounded_number_of_bins() -> None:
    for values in (RNG.normal(size=3000), RNG.normal(size=7), np.r_[np.zeros(500), 1e9], np.arange(10.0)):
        counts, edges = bins(values)
        assert counts.sum() == len(values) and BINS[0] <= len(counts) <= BINS[1]
        assert edges[0] == values.min() and edges[-1] == values.max()
    values = RNG.normal(size=3000)  # within the bounds, numpy's own rule of that name
    np.testing.assert_allclose(bins(values)[1], np.histogram_bin_edges(values, "fd"))
    assert BINS[0] < len(bins(values)[0]) < BINS[1]
    assert len(bins(np.r_[np.zeros(500), 1e9])[0]) == BINS[1], "half of them are equal: as fine as it goes"
    counts, edges = bins(np.full(5, 3.0))
    assert counts.tolist() == [5] and edges.tolist() == [2.5, 3.5]


def test_ranks_are_spearmans() -> None:
    a, b = RNG.normal(size=90).round(1), RNG.normal(size=90).round(1)
    b = (a + b).round(1)
    assert ranks_alike(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert ranks_alike(a, np.zeros(90)) == 0


def test_a_residual_is_what_the_reconstruction_lacks() -> None:
    picture = np.array([[[255, 255, 255], [0, 0, 0]]], np.uint8)
    shown = np.array([[[0, 0, 0], [255, 0, 0]]], np.uint8)
    np.testing.assert_allclose(residual(picture, shown), [[1, -1 / 3]])
