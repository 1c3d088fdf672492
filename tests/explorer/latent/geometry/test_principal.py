"""Principal components against scikit-learn, densely and by Lanczos."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from explorer.latent.geometry.principal import DENSE, principal_directions

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(80, 6), (40, DENSE + 20), (12, DENSE + 20), (30, 1)])
def test_components_shares_and_lengths_are_those_of_scikit_learn(shape: tuple[int, int]) -> None:
    z = RNG.normal(size=shape) * np.linspace(3, 0.5, shape[1]) + 7
    count = min(4, shape[1])
    vectors, shares = principal_directions(z, count)
    known = PCA(count, svd_solver="full").fit(z)
    deviation = np.sqrt(known.explained_variance_ * (len(z) - 1) / len(z))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), deviation, rtol=1e-4)
    np.testing.assert_allclose(shares, known.explained_variance_ratio_, rtol=1e-4)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(np.abs((units * known.components_).sum(1)), 1.0, atol=1e-4)
    assert (vectors[np.arange(count), np.abs(vectors).argmax(1)] > 0).all()


def test_the_same_codes_give_the_same_to_the_bit() -> None:
    z = RNG.normal(size=(40, DENSE + 20))
    (one, shares), (other, again) = principal_directions(z, 3), principal_directions(z, 3)
    assert np.array_equal(one, other) and np.array_equal(shares, again)


def test_it_says_how_many_there_are() -> None:
    z = RNG.normal(size=(5, 9))
    with pytest.raises(ValueError, match=r"`count` must lie in 1\.\.4. Got 5"):
        principal_directions(z, 5)
    with pytest.raises(ValueError, match=r"`count` must lie in 1\.\.4. Got 0"):
        principal_directions(z, 0)
    with pytest.raises(ValueError, match=r"`count` must lie in 1\.\.3. Got 4"):
        principal_directions(z[:, :3], 4)
    with pytest.raises(ValueError, match=r"N at least 2. Got \(1, 9\)"):
        principal_directions(z[:1], 1)
    with pytest.raises(ValueError, match=r"`z` must have the shape \(N, D\)"):
        principal_directions(z[0], 1)


def test_codes_that_do_not_spread_have_no_length() -> None:
    vectors, shares = principal_directions(np.ones((6, 3)), 2)
    assert not vectors.any() and not shares.any()
