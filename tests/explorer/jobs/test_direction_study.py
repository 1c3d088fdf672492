"""The estimates in a process of their own: the same as here, reported as they come, stopped when asked."""

from __future__ import annotations

import time

import numpy as np
import pytest

from explorer.jobs.direction_study import Estimate, Study, estimates, methods_of
from explorer.latent.directions.estimators import Sides, fit
from explorer.latent.directions.reliability import bootstrap_angles, held_out_auc, warnings_of


def sides_of(count: int, size: int = 4) -> Sides:
    rng = np.random.default_rng(0)
    side = np.arange(count) % 2 == 0
    z = rng.normal(size=(count, size)) + np.outer(side, np.ones(size))
    return Sides.of(z, side, ~side, rng.normal(size=(count, 1)))


def test_a_study_gives_what_the_estimators_give_here() -> None:
    sides = sides_of(300)
    study = Study(sides)
    study.wait(120)
    assert not study.running and study.error is None and study.share == 1.0
    found = study.estimates()
    assert list(found) == ["mean", "balanced", "logistic", "svm", "lda"]
    for name, estimate in found.items():
        np.testing.assert_allclose(estimate.vector, fit(name, sides), rtol=1e-5, atol=1e-6)
        assert estimate.auc == pytest.approx(held_out_auc(name, sides))
        assert estimate.angle is not None and estimate.repeats >= 100
        middle, low, high = estimate.angle
        assert 0 < low < middle < high < 60
        assert estimate.warnings == tuple(warnings_of(name, sides, estimate.auc, [middle]))
    angles = bootstrap_angles("mean", sides, found["mean"].vector, found["mean"].repeats)
    assert found["mean"].angle == pytest.approx(np.percentile(angles, [50, 2.5, 97.5]))


def test_vectors_come_first_then_aucs_then_angles() -> None:
    seen: list[tuple[int, int, int]] = []
    shares: list[float] = []

    def report(share: float, what: str, known: dict[str, Estimate]) -> None:
        values = known.values()
        seen.append(
            tuple(sum(getattr(e, part) is not None for e in values) for part in ("vector", "auc", "angle"))
        )  # type: ignore[arg-type]
        shares.append(share)

    rng = np.random.default_rng(0)
    side = np.arange(60) % 2 == 0
    chance = Sides.of(
        rng.normal(size=(60, 4)), side, ~side, rng.normal(size=(60, 1))
    )  # nothing tells them apart
    for name, found in estimates(chance, report).items():
        assert found.angle is not None
        assert found.warnings == tuple(warnings_of(name, chance, found.auc, [found.angle[0]]))
        assert any(said.startswith("Unstable") for said in found.warnings)
    assert shares[seen.index((5, 0, 0))] <= 0.15 and shares[seen.index((5, 5, 0))] == pytest.approx(0.25)
    for vectors, aucs, angles in seen:
        assert (not aucs or vectors == 5) and (not angles or aucs == 5)
    assert (np.diff(shares) >= -1e-9).all() and shares[-1] <= 1 + 1e-9


def test_it_stops_when_asked_and_keeps_what_it_had() -> None:
    study = Study(sides_of(3000, 300))
    deadline = time.monotonic() + 120
    while not study.estimates():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    study.cancel()
    study.wait(30)
    assert not study.running and study.error == "Cancelled."
    assert study.estimates()["mean"].vector is not None


def test_few_images_have_their_mean_difference_alone() -> None:
    sides = sides_of(6)
    assert methods_of(sides) == ["mean"]
    (found,) = estimates(sides, lambda *_: None).values()
    assert found.vector is not None and found.auc is None and "Few images" in found.warnings[0]


def test_an_estimator_that_fails_says_why_and_leaves_the_others() -> None:
    z = np.ones((20, 3))
    sides = Sides.of(z, np.arange(20) < 10, np.arange(20) >= 10)
    for estimate in estimates(sides, lambda *_: None).values():
        assert estimate.vector is None and "must differ" in estimate.problem
