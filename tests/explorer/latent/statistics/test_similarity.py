"""How alike latent spaces are: against brute force, scikit-learn, and spaces whose likeness is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.neighbors import NearestNeighbors

from explorer.latent.statistics.similarity import (
    PENALTIES,
    by_chance,
    cka,
    effective_dimensions,
    explained,
    label_agreement,
    linear_reach,
    nearest_others,
    neighbour_overlap,
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
    assert neighbour_overlap(one, nearest_others(3 * CODES @ turn - 1, QUERIES, 8)) == 1.0


def test_unrelated_spaces_keep_what_chance_gives() -> None:
    one = nearest_others(RNG.normal(size=(200, 3)), np.arange(200), 20)
    other = nearest_others(RNG.normal(size=(200, 3)), np.arange(200), 20)
    assert neighbour_overlap(one, other) == pytest.approx(by_chance(200, 20), abs=0.02)


def test_kept_neighbours_are_counted_as_sets() -> None:
    assert neighbour_overlap([[1, 2, 3], [4, 5, 6]], [[3, 1, 9], [6, 5, 4]]) == pytest.approx((2 / 3 + 1) / 2)
    with pytest.raises(ValueError, match=r"one shape"):
        neighbour_overlap([[1, 2]], [[1, 2, 3]])


def test_label_agreement_counts_neighbours_with_the_same_label() -> None:
    labels = np.array([0, 0, 1, 1, 0])
    assert label_agreement([[1, 2], [0, 4]], [0, 3], labels) == pytest.approx((0.5 + 0) / 2)


def test_linear_reach_is_the_held_out_r2_of_scikit_learns_ridge() -> None:
    source = RNG.normal(size=(400, 40))
    target = source @ RNG.normal(size=(40, 3)) + 9 * RNG.normal(size=(400, 3)) + 2
    found = linear_reach(source, target)
    centred = source[::2] - source[::2].mean(0)
    penalties = PENALTIES * np.square(centred).sum() / 40
    model = RidgeCV(penalties).fit(source[::2], target[::2])
    left = ((target[1::2] - model.predict(source[1::2])) ** 2).sum()
    expected = 1 - left / ((target[1::2] - target[1::2].mean(0)) ** 2).sum()
    assert found.r2.value == pytest.approx(expected, abs=1e-6)
    assert found.r2.low < expected < found.r2.high and found.p_value == 1 / 200


def test_a_space_with_about_as_many_dimensions_as_images_is_not_overfitted() -> None:
    """With a penalty of next to nothing the R^2 is far below 0."""
    hidden = RNG.normal(size=(400, 3))
    source = hidden @ RNG.normal(size=(3, 190)) + 0.8 * RNG.normal(size=(400, 190))
    target = hidden @ RNG.normal(size=(3, 5)) + 1.5 * RNG.normal(size=(400, 5))
    plain = LinearRegression().fit(source[::2], target[::2]).score(source[1::2], target[1::2])
    assert plain < 0 < 0.2 < linear_reach(source, target).r2.value


def test_linear_spaces_of_the_same_plane_reach_each_other_and_not_more() -> None:
    images = RNG.normal(size=(500, 30)) * np.linspace(5, 0.1, 30)
    pca = PCA(4).fit_transform(images)
    mixed = pca @ RNG.normal(size=(4, 4)) + 3
    assert linear_reach(pca, mixed).r2.value == pytest.approx(1, abs=1e-4)
    assert linear_reach(mixed, pca).r2.value == pytest.approx(1, abs=1e-4)
    assert linear_reach(pca[:, :1], pca).r2.value == pytest.approx(
        pca[:, 0].var() / pca.var(0).sum(), abs=0.03
    )
    unrelated = linear_reach(RNG.normal(size=(500, 4)), pca)
    assert unrelated.r2.value < 0.05 and unrelated.p_value > 0.01


def test_linear_reach_needs_the_same_images_and_survives_dead_dimensions() -> None:
    with pytest.raises(ValueError, match="same images"):
        linear_reach(CODES, CODES[:-1])
    dead = np.zeros((300, 3))
    assert linear_reach(dead, CODES).r2.value == pytest.approx(0, abs=0.05)
    assert linear_reach(CODES, dead).r2.value == 0.0


def test_cka_is_one_up_to_rotation_and_scale_and_zero_for_unrelated_spaces() -> None:
    z = RNG.normal(size=(300, 8)) * np.linspace(2, 0.3, 8)
    turned = 3 * z @ np.linalg.qr(RNG.normal(size=(8, 8)))[0] + 1
    assert cka(z, turned) == pytest.approx(1)
    found = [cka(RNG.normal(size=(60, 200)), RNG.normal(size=(60, 200))) for _ in range(20)]
    assert np.mean(found) == pytest.approx(0, abs=0.03), "the biased estimate gives about 0.8"
    assert cka(z, np.zeros((300, 2))) == 0.0
    with pytest.raises(ValueError, match="same images"):
        cka(z, z[:-1])


def test_explained_variance_is_scikit_learns() -> None:
    expected = np.cumsum(PCA().fit(CODES).explained_variance_ratio_)
    np.testing.assert_allclose(explained(CODES), expected, atol=1e-9)
    np.testing.assert_array_equal(explained(np.ones((9, 2))), [1, 1])


@pytest.mark.parametrize(("spread", "expected"), [([1, 1, 1, 1], 4), ([1, 0, 0, 0], 1), ([1, 1, 0, 0], 2)])
def test_effective_dimensions_of_known_spreads(spread: list[float], expected: float) -> None:
    assert effective_dimensions(RNG.normal(size=(4000, 4)) * spread) == pytest.approx(expected, rel=0.01)


def test_effective_dimensions_do_not_depend_on_the_number_of_images() -> None:
    found = [effective_dimensions(RNG.normal(size=(60, 100))) for _ in range(20)]
    assert np.mean(found) == pytest.approx(98, abs=3), "the participation ratio of the sample is about 38"


def test_a_space_without_spread_has_no_dimensions() -> None:
    assert effective_dimensions(np.ones((5, 3))) == 0.0
