"""How alike latent spaces are: against brute force, scikit-learn, and spaces whose likeness is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import NearestNeighbors

from explorer.latent.statistics.similarity import (
    by_chance,
    effective_dimensions,
    explained,
    label_agreement,
    linear_reach,
    nearest_others,
    neighbours_kept,
)

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(300, 5)) * [3, 2, 1, 0.5, 0.1] + 7
QUERIES = np.arange(0, 300, 3)


def test_nearest_others_are_those_of_scikit_learn() -> None:
    found = nearest_others(CODES, QUERIES, 6)
    _, expected = NearestNeighbors(n_neighbors=7).fit(CODES).kneighbors(CODES[QUERIES])
    for query, own, theirs in zip(QUERIES, found, expected, strict=True):
        assert query not in own
        assert set(own) == set(theirs) - {query}


def test_nearest_others_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = nearest_others(CODES, QUERIES, 4)
    monkeypatch.setattr("explorer.latent.statistics.similarity.BLOCK", 900)
    np.testing.assert_array_equal(np.sort(nearest_others(CODES, QUERIES, 4)), np.sort(whole))


@pytest.mark.parametrize("k", [0, 300])
def test_as_many_neighbours_as_there_are(k: int) -> None:
    with pytest.raises(ValueError, match=rf"`k` must lie in 1\.\.299.* Got {k}"):
        nearest_others(CODES, QUERIES, k)


def test_a_turned_and_scaled_space_keeps_all_neighbours() -> None:
    turn, _ = np.linalg.qr(RNG.normal(size=(5, 5)))
    one = nearest_others(CODES, QUERIES, 8)
    assert neighbours_kept(one, nearest_others(3 * CODES @ turn - 1, QUERIES, 8)) == 1.0


def test_unrelated_spaces_keep_what_chance_gives() -> None:
    one = nearest_others(RNG.normal(size=(200, 3)), np.arange(200), 20)
    other = nearest_others(RNG.normal(size=(200, 3)), np.arange(200), 20)
    assert neighbours_kept(one, other) == pytest.approx(by_chance(200, 20), abs=0.02)


def test_kept_neighbours_are_counted_as_sets() -> None:
    assert neighbours_kept([[1, 2, 3], [4, 5, 6]], [[3, 1, 9], [6, 5, 4]]) == pytest.approx((2 / 3 + 1) / 2)
    with pytest.raises(ValueError, match=r"one shape"):
        neighbours_kept([[1, 2]], [[1, 2, 3]])


def test_label_agreement_counts_neighbours_with_the_same_label() -> None:
    labels = np.array([0, 0, 1, 1, 0])
    assert label_agreement([[1, 2], [0, 4]], [0, 3], labels) == pytest.approx((0.5 + 0) / 2)


def test_linear_reach_is_the_held_out_r2_of_a_regression() -> None:
    source = RNG.normal(size=(400, 4))
    target = source @ RNG.normal(size=(4, 3)) + 0.5 * RNG.normal(size=(400, 3)) + 2
    model = LinearRegression().fit(source[::2], target[::2])
    left = ((target[1::2] - model.predict(source[1::2])) ** 2).sum()
    expected = 1 - left / ((target[1::2] - target[1::2].mean(0)) ** 2).sum()
    assert linear_reach(source, target) == pytest.approx(expected, abs=1e-5)


def test_linear_spaces_of_the_same_plane_reach_each_other_and_not_more() -> None:
    images = RNG.normal(size=(500, 30)) * np.linspace(5, 0.1, 30)
    pca = PCA(4).fit_transform(images)
    mixed = pca @ RNG.normal(size=(4, 4)) + 3
    assert linear_reach(pca, mixed) == pytest.approx(1, abs=1e-4)
    assert linear_reach(mixed, pca) == pytest.approx(1, abs=1e-4)
    assert linear_reach(pca[:, :1], pca) == pytest.approx(pca[:, 0].var() / pca.var(0).sum(), abs=0.03)
    assert linear_reach(RNG.normal(size=(500, 4)), pca) < 0.05


def test_linear_reach_needs_the_same_images_and_survives_dead_dimensions() -> None:
    with pytest.raises(ValueError, match="same images"):
        linear_reach(CODES, CODES[:-1])
    dead = np.zeros((300, 3))
    assert linear_reach(dead, CODES) == pytest.approx(0, abs=0.05)
    assert linear_reach(CODES, dead) == 0.0


def test_explained_variance_is_scikit_learns() -> None:
    expected = np.cumsum(PCA().fit(CODES).explained_variance_ratio_)
    np.testing.assert_allclose(explained(CODES), expected, atol=1e-9)
    np.testing.assert_array_equal(explained(np.ones((9, 2))), [1, 1])


@pytest.mark.parametrize(("spread", "expected"), [([1, 1, 1, 1], 4), ([1, 0, 0, 0], 1), ([1, 1, 0, 0], 2)])
def test_effective_dimensions_of_known_spreads(spread: list[float], expected: float) -> None:
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T
    assert effective_dimensions(signs * spread) == pytest.approx(expected)


def test_a_space_without_spread_has_no_dimensions() -> None:
    assert effective_dimensions(np.ones((5, 3))) == 0.0
