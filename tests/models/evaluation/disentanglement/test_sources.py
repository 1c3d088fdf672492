"""Tests of the images that share one factor's value."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.disentanglement.sources import (
    LEVELS,
    FactorSource,
    batch_sizes,
    labelled,
    levels,
    redrawn,
)
from tests.models.evaluation.disentanglement.fixtures import grid

DISCRETE = np.ones(3, bool)


@pytest.fixture
def source() -> FactorSource:
    """Images whose latents are their factors and, last, their index."""
    factors = grid(400, factors=3, values=5)
    return labelled(np.hstack([factors, np.arange(400.0)[:, None]]), factors, DISCRETE)


@pytest.mark.parametrize("factor", [0, 1, 2])
def test_a_batch_shares_one_value_and_all_else_varies(source: FactorSource, factor: int) -> None:
    latents = source.batches(factor, 300, np.random.default_rng(0), size=16)
    assert latents.shape == (300, 16, 4)
    assert (np.ptp(latents, 1)[:, factor] == 0).all()
    others = [k for k in range(4) if k != factor]
    assert (np.ptp(latents, 1)[:, others] > 0).mean() > 0.99
    np.testing.assert_allclose(
        latents[..., others].mean((0, 1)), source.latents[:, others].mean(0), rtol=0.05
    )
    values = latents[:, 0, factor]
    np.testing.assert_allclose(
        [(values == v).mean() for v in range(5)],
        [(source.latents[:, factor] == v).mean() for v in range(5)],
        atol=0.08,
    )


def test_all_images_of_a_value_are_drawn(source: FactorSource) -> None:
    latents = source.batches(1, 400, np.random.default_rng(1))
    assert len(np.unique(latents[..., 3])) == 400


@pytest.mark.parametrize("factor", [0, 1, 2])
def test_a_pair_shares_a_value_and_is_two_images(source: FactorSource, factor: int) -> None:
    first, second = source.pairs(factor, 300, np.random.default_rng(0), size=16)
    assert first.shape == second.shape == (300, 16, 4)
    assert (first[..., factor] == second[..., factor]).all()
    assert (first[..., 3] != second[..., 3]).all()
    assert (np.ptp(first[..., factor], 1) > 0).all()  # each pair of a batch has its own value
    other = (factor + 1) % 3
    assert (first[..., other] != second[..., other]).mean() == pytest.approx(0.8, abs=0.03)
    assert len(np.unique(second[..., 3])) == 400


def test_the_same_generator_gives_the_same_batches(source: FactorSource) -> None:
    first, second = (source.batches(0, 5, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_values_that_too_few_images_share_are_passed_over() -> None:
    factors = np.concatenate([np.zeros(20), np.full(20, 1.0), np.full(3, 2.0)])[:, None]
    source = labelled(factors, factors, np.ones(1, bool))
    assert set(np.unique(source.batches(0, 200, np.random.default_rng(0)))) == {0.0, 1.0}
    assert set(np.unique(source.pairs(0, 200, np.random.default_rng(0)))) == {0.0, 1.0}
    lonely = np.stack([np.arange(43.0), factors[:, 0]], axis=1)
    with pytest.raises(ValueError, match=r"8 images share in every column. Column 0 has at most 1"):
        labelled(lonely, lonely, np.ones(2, bool))


def test_a_continuous_factor_is_held_within_a_bin() -> None:
    factors = np.random.default_rng(0).uniform(-1, 1, (4000, 2))
    source = labelled(factors, factors, np.zeros(2, bool))
    latents = source.batches(0, 100, np.random.default_rng(0))
    assert 0 < np.ptp(latents[..., 0], 1).max() <= 2 / LEVELS + 1e-9
    assert np.ptp(latents[..., 1], 1).min() > 1
    assert "within one of 20 bins" in source.about


def test_a_generator_holds_a_continuous_factor_exactly() -> None:
    drawn = []

    def encode_from(factors: np.ndarray) -> np.ndarray:
        drawn.append(factors)
        return factors * 2

    factors = np.random.default_rng(0).uniform(-1, 1, (2000, 2))
    factors[:, 1] = factors[:, 1] > 0
    source = redrawn(factors, np.array([False, True]), encode_from)
    latents = source.batches(0, 50, np.random.default_rng(0))
    assert np.ptp(latents[..., 0], 1).max() == 0 and (np.ptp(latents[..., 1], 1) == 2).all()
    assert len(drawn) == 1 and "drawn again, continuous ones at 20 values" in source.about


def test_levels_move_a_value_by_half_a_bin_at_most_and_stay_in_its_range() -> None:
    factors = np.stack([np.linspace(-1, 1, 2001), np.tile([0.0, 1, 2], 667)], axis=1)
    groups, moved = levels(factors, np.array([False, True]))
    assert np.abs(moved - factors)[:, 0].max() <= 0.05 + 1e-9 and abs(moved).max(0)[0] <= 1
    assert (moved[:, 1] == factors[:, 1]).all()
    assert len(np.unique(moved[:, 0])) == LEVELS and groups.max(0).tolist() == [LEVELS - 1, 2]
    assert np.unique(np.bincount(groups[:, 0])).tolist() in ([100, 101], [99, 100, 101])


def test_parts_add_up() -> None:
    assert [sum(batch_sizes(count)) for count in (1, 256, 257, 1000)] == [1, 256, 257, 1000]
    assert max(batch_sizes(1000)) <= 256
