"""Scores as arrays: AUROC against scikit-learn, thresholds, percentiles, histograms, ranks, residuals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from explorer.latent.statistics.outliers import (
    BINS,
    auroc,
    auroc_error,
    bins,
    bounded,
    extent,
    oddness,
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
    usual, strange = RNG.normal(size=70), RNG.normal(0.7, 1.5, size=50)
    if rounded:  # with many equal ones
        usual, strange = usual.round(), strange.round()
    truth = np.r_[np.zeros(70), np.ones(50)]
    assert auroc(usual, strange) == pytest.approx(roc_auc_score(truth, np.r_[usual, strange]))
    assert auroc(strange, usual) == pytest.approx(1 - auroc(usual, strange))
    assert auroc([1.0], [1.0]) == 0.5 and auroc([0.0], [1.0]) == 1


def test_the_error_of_an_auroc_is_how_far_it_scatters() -> None:
    draws = [auroc(RNG.normal(size=60), RNG.normal(1, 1, size=80)) for _ in range(400)]
    assert auroc_error(float(np.mean(draws)), 60, 80) == pytest.approx(np.std(draws), rel=0.15)
    assert auroc_error(1.0, 60, 80) == 0


@pytest.mark.parametrize(("usual", "strange"), [(8, 400), (400, 8)])
def test_the_error_of_an_auroc_knows_which_kind_is_rare(usual: int, strange: int) -> None:
    """Of exponential scores, for which Hanley and McNeil's two probabilities hold exactly."""
    rng = np.random.default_rng(0)
    draws = [auroc(rng.exponential(1, usual), rng.exponential(4, strange)) for _ in range(1500)]
    assert auroc_error(4 / 5, usual, strange) == pytest.approx(np.std(draws), rel=0.08)


def test_oddness_turns_round_what_is_low_for_odd_images() -> None:
    np.testing.assert_array_equal(oddness([1, -2], "high"), [1, -2])
    np.testing.assert_array_equal(oddness([1, -2], "low"), [-1, 2])


def test_a_share_of_the_images_lies_above_the_threshold() -> None:
    values = RNG.permutation(200).astype(float)
    for share, count in ((0.02, 4), (0.5, 100), (1.0, 200), (0.0, 1), (0.001, 1)):
        assert (values >= threshold(values, share)).sum() == count
    with pytest.raises(ValueError, match=r"`share` must lie in 0..1. Got 2"):
        threshold(values, 2)
    for odd in ([], [1.0, np.nan], [1.0, np.inf], [[1.0]]):
        with pytest.raises(ValueError, match="`odd` must be a list of finite numbers"):
            threshold(odd, 0.5)


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
