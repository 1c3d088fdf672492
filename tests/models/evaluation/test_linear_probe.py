"""Tests of the linear probe: against scikit-learn by hand, and where the answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models import load
from models.data import load_data
from models.evaluation.linear_probe import STRENGTHS, classes, linear_probe, probe
from models.evaluation.reconstruction import posterior_means

rng = np.random.default_rng(0)


def blobs(count: int, spread: float, dimensions: int = 20) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Three classes, told apart by the first three of many dimensions of very different scale."""
    labels = rng.integers(0, 3, count).astype(np.int16)
    z = rng.normal(size=(count, dimensions)) * spread
    z[np.arange(count), labels] += 1
    return (z * np.geomspace(1e-2, 1e2, dimensions) + 5).astype(np.float32), labels


def test_classes_that_a_line_separates_are_read_without_error() -> None:
    assert linear_probe(*blobs(600, 0.05), *blobs(300, 0.05)).error == 0


def test_random_codes_are_read_at_chance() -> None:
    (fit, labels), (judged, truth) = blobs(600, 1), blobs(600, 1)
    found = linear_probe(fit, rng.permutation(labels), judged, truth)
    assert 0.55 < found.error < 0.78


def test_the_error_is_that_of_the_rule_fitted_to_all_with_the_strength_best_on_a_tenth() -> None:
    (fit, labels), (judged, truth) = blobs(400, 0.6), blobs(400, 0.6)
    found = linear_probe(fit, labels, judged, truth, seed=4)
    x, y = (fit - fit.mean(0)) / fit.std(0), (judged - fit.mean(0)) / fit.std(0)
    order = np.random.default_rng(4).permutation(400)
    held, kept = order[:40], order[40:]
    errors = [
        (
            LogisticRegression(C=c, max_iter=500).fit(x[kept], labels[kept]).predict(x[held]) != labels[held]
        ).mean()
        for c in STRENGTHS
    ]
    assert found.strength == STRENGTHS[int(np.argmin(errors))]
    rule = LogisticRegression(C=found.strength, max_iter=500).fit(x, labels)
    assert found.error == pytest.approx((rule.predict(y) != truth).mean(), abs=0.003)


def test_a_dead_unit_changes_nothing() -> None:
    (fit, labels), (judged, truth) = blobs(300, 0.5), blobs(300, 0.5)
    alone = linear_probe(fit, labels, judged, truth)
    fit, judged = (np.hstack([z, np.full((300, 1), 3, np.float32)]) for z in (fit, judged))
    assert linear_probe(fit, labels, judged, truth) == alone


def test_the_probe_of_a_model_reads_its_codes(tiny_checkpoint: Path) -> None:
    model = load(tiny_checkpoint)
    train, test = load_data("digits", "train", limit=300), load_data("digits", "test", limit=100)
    found = probe(model, train, test)
    assert set(found) == {"probe_error_digit"}
    metric = found["probe_error_digit"]
    by_hand = linear_probe(
        posterior_means(model, train.images),
        train.attributes["digit"].values,
        posterior_means(model, test.images),
        test.attributes["digit"].values,
    )
    assert metric["value"] == pytest.approx(100 * by_hand.error) and metric["value"] < 80
    assert "300 training images" in metric["protocol"] and "digits test, 100 images" in metric["protocol"]


def test_images_whose_class_is_missing_are_left_out(tiny_checkpoint: Path) -> None:
    model = load(tiny_checkpoint)
    train, test = load_data("digits", limit=200), load_data("digits", "test", limit=80)
    known = test.attributes["digit"].values.copy()
    known[:30] = -1
    missing = {"digit": replace(test.attributes["digit"], values=known)}
    metrics = probe(model, train, replace(test, attributes=missing))["probe_error_digit"]
    rest = probe(model, train, test.take(np.arange(30, 80)))["probe_error_digit"]
    assert metrics["value"] == rest["value"] and "50 images" in metrics["protocol"]


def test_images_without_classes_are_refused(tiny_checkpoint: Path) -> None:
    data = load_data("digits", "test", limit=1)
    assert classes(data) == []
    with pytest.raises(ValueError, match="has no classes to probe for"):
        probe(load(tiny_checkpoint), data, data)
