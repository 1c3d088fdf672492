"""Entropy balancing: moments, minimum information, and unsolvable cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from explorer.latent.directions.balance import balancing_weights, covariates, remaining_difference
from models.data import Attribute

RNG = np.random.default_rng(0)
COUNT = 400
SIDE = RNG.random(COUNT) < 0.4
HAT = (RNG.random(COUNT) < np.where(SIDE, 0.8, 0.2)).astype(np.uint8)
AGE = (RNG.normal(size=COUNT) * np.where(SIDE, 1.0, 1.5) + np.where(SIDE, 0.7, 0.0)).astype(np.float32)
HAIR = np.where(RNG.random(COUNT) < 0.5, RNG.integers(0, 3, COUNT), np.where(SIDE, 2, 0)).astype(np.int16)
ATTRIBUTES = {
    "hat": Attribute("hat", "binary", HAT),
    "age": Attribute("age", "continuous", AGE),
    "hair": Attribute("hair", "categorical", HAIR, ("red", "blond", "black")),
}


def test_columns_are_standardised_and_of_the_right_kinds() -> None:
    table = covariates(ATTRIBUTES)
    assert table.shape == (COUNT, 1 + 2 + 3)
    np.testing.assert_allclose(table.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(table.std(0), 1, atol=1e-12)
    value = AGE.astype(np.float64)
    off = (value - value.mean()) ** 2  # what both sides are to have of a spread, whatever their mean
    np.testing.assert_allclose(table[:, 1:3].T, [(v - v.mean()) / v.std() for v in (value, off)])
    assert covariates(ATTRIBUTES, ["hair", "age"]).shape == (COUNT, 1)
    assert covariates(ATTRIBUTES, ATTRIBUTES).shape == (COUNT, 0)
    flat = {"flat": Attribute("flat", "continuous", np.ones(COUNT, np.float32))}
    assert covariates(flat).shape == (COUNT, 0)


def test_both_sides_have_the_same_of_every_other_attribute() -> None:
    table = covariates(ATTRIBUTES)
    even = np.where(SIDE, 1 / SIDE.sum(), 1 / (~SIDE).sum())
    assert remaining_difference(table, SIDE, even) > 0.7
    weights = balancing_weights(table, SIDE)
    assert remaining_difference(table, SIDE, weights) < 2e-3
    for those in (SIDE, ~SIDE):
        assert weights[those].sum() == pytest.approx(1) and (weights > 0).all()
        shares = [weights[those & (label == HAIR)].sum() for label in range(3)]
        np.testing.assert_allclose(
            shares, [weights[SIDE & (label == HAIR)].sum() for label in range(3)], atol=1e-3
        )


def test_they_are_the_weights_of_least_information() -> None:
    x, side = covariates(ATTRIBUTES)[:60, :2], SIDE[:60]
    weights = balancing_weights(x, side)
    target = (x[side].mean(0) + x[~side].mean(0)) / 2
    count = int(side.sum())
    answer = minimize(
        lambda w: float((w * np.log(w * count)).sum()),
        np.full(count, 1 / count),
        method="SLSQP",
        bounds=[(1e-9, 1)] * count,
        options={"maxiter": 500, "ftol": 1e-12},
        constraints=[
            {"type": "eq", "fun": lambda w: w @ x[side] - target},
            {"type": "eq", "fun": lambda w: w.sum() - 1},
        ],
    )
    np.testing.assert_allclose(weights[side], answer.x, atol=2e-4)


def test_counts_equal_copies() -> None:
    counts = RNG.integers(0, 3, COUNT)
    alone = np.zeros((COUNT, 1))  # what a single image has, which does not count
    alone[np.flatnonzero(SIDE & (counts == 0))[0]] = 1
    alone[np.flatnonzero(~SIDE)[::2]] = 1  # the other side has it, half of it
    table = np.hstack([covariates(ATTRIBUTES), alone])
    rows = np.repeat(np.arange(COUNT), counts)
    once = balancing_weights(table, SIDE, counts)
    copies = balancing_weights(table[rows], SIDE[rows])
    np.testing.assert_allclose(np.bincount(rows, copies, COUNT), once, atol=1e-9)
    assert (once[counts == 0] == 0).all()


def test_values_of_one_side_only_are_left_out_and_reported() -> None:
    only = np.where(SIDE, 1.0, 0.0)[:, None] - SIDE.mean()
    weights = balancing_weights(np.hstack([only, covariates(ATTRIBUTES)]), SIDE)
    assert remaining_difference(covariates(ATTRIBUTES), SIDE, weights) < 2e-3
    assert remaining_difference(only, SIDE, weights) == pytest.approx(1)
    assert remaining_difference(only, ~SIDE, weights) == pytest.approx(1)
    assert remaining_difference(np.zeros((COUNT, 0)), SIDE, weights) == 0


def test_arguments_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="`x` must have the shape"):
        balancing_weights(np.zeros((3, 1)), np.array([True, False]))
    with pytest.raises(ValueError, match="The side without must have at least one image"):
        balancing_weights(np.zeros((2, 1)), np.array([True, True]))
    with pytest.raises(ValueError, match="The side with must have at least one image"):
        balancing_weights(np.zeros((2, 1)), np.array([True, False]), [0, 3])
    with pytest.raises(ValueError, match="`positive` be bool"):
        balancing_weights(np.zeros((2, 1)), np.array([1, 0]))
