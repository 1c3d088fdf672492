"""The direction study as a job: same estimates, partial results, cancellation."""

from __future__ import annotations

import time

import numpy as np
import pytest

from explorer.jobs import direction_study
from explorer.jobs.direction_study import Estimate, Study, estimates, methods_of
from explorer.latent.directions.estimators import Sides, fit
from explorer.latent.directions.reliability import (
    Noise,
    cross_validated_auc,
    noise,
    sides_p_value,
    warnings_of,
)


def sides_of(count: int, size: int = 4) -> Sides:
    rng = np.random.default_rng(0)
    side = np.arange(count) % 2 == 0
    z = rng.normal(size=(count, size)) + np.outer(side, np.ones(size))
    return Sides.of(z, side, ~side, rng.normal(size=(count, 1)))


def test_a_study_equals_the_estimators_in_this_process() -> None:
    sides = sides_of(300)
    study = Study(sides)
    study.wait(120)
    assert not study.running and study.error is None and study.share == 1.0
    found = study.estimates()
    assert list(found) == ["mean", "balanced", "logistic", "svm", "lda"]
    for name, estimate in found.items():
        np.testing.assert_allclose(estimate.vector, fit(name, sides), rtol=1e-5, atol=1e-6)
        noisy = noise(name, sides)
        assert estimate.angle == pytest.approx(noisy.angle)
        assert estimate.auc == pytest.approx(cross_validated_auc(name, sides, noisy.in_scores))
        assert estimate.p_value == sides_p_value(sides) and not estimate.unknown
        low, middle, high = estimate.angle.low, estimate.angle.value, estimate.angle.high
        assert 0 < low < middle < high < 60
        assert estimate.warnings == tuple(
            warnings_of(name, sides, estimate.auc, estimate.angle, estimate.p_value)
        )


def test_metrics_respect_held_directions() -> None:
    sides = sides_of(300)
    study = Study(sides, np.ones((1, 4)))
    study.wait(120)
    found = study.estimates()["mean"]
    assert found.auc is not None and found.auc.low < 0.6
    np.testing.assert_allclose(found.vector, fit("mean", sides), rtol=1e-5)


def test_vectors_come_first_then_angles_and_aucs() -> None:
    seen: list[tuple[int, ...]] = []
    shares: list[float] = []

    def report(share: float, what: str, known: dict[str, Estimate]) -> None:
        values = known.values()
        seen.append(
            tuple(sum(getattr(e, part) is not None for e in values) for part in ("vector", "auc", "angle"))
        )
        shares.append(share)

    rng = np.random.default_rng(0)
    side = np.arange(120) % 2 == 0
    chance = Sides.of(rng.normal(size=(120, 4)), side, ~side, rng.normal(size=(120, 1)))
    for name, found in estimates(chance, report).items():
        assert found.angle is not None and found.auc is not None
        assert found.warnings == tuple(warnings_of(name, chance, found.auc, found.angle, found.p_value))
        assert any(said.startswith("Unstable") for said in found.warnings)
    assert shares[seen.index((5, 0, 0))] <= 0.15
    for vectors, aucs, _ in seen:
        assert not aucs or vectors == 5
    assert (np.diff(shares) >= -1e-9).all() and shares[-1] <= 1 + 1e-9


def test_an_estimator_that_cannot_be_measured_says_so_and_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(method: str, sides: Sides, held: object = (), **more: object) -> Noise:
        if method == "svm":
            raise ValueError("There is no split.")
        return noise(method, sides, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(direction_study, "noise", failing)
    found = estimates(sides_of(120), lambda *_: None)
    assert found["svm"].unknown == "There is no split." and found["svm"].vector is not None
    assert found["lda"].auc is not None


def test_where_there_are_too_few_images_the_study_says_so() -> None:
    few, some = (estimates(sides_of(count), lambda *_: None)["mean"] for count in (16, 60))
    assert few.angle is None and few.auc is None and "Angle error: not estimated from 8 images" in few.unknown
    assert some.angle is not None and some.auc is None and "AUC: not estimated from 30 images" in some.unknown


def test_it_can_be_cancelled_and_keeps_its_estimates() -> None:
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
