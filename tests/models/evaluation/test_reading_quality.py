"""Balanced accuracy, R^2 and overconfidence against scikit-learn, and their intervals where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, r2_score

from models.evaluation.reading_quality import quality_of_labels, quality_of_values


def test_both_are_what_scikit_learn_gives() -> None:
    rng = np.random.default_rng(0)
    chances, labels = rng.dirichlet(np.ones(4), 200), rng.choice(4, 200, p=[0.7, 0.2, 0.1, 0.0])
    found = quality_of_labels(chances, labels)
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        assert found.value == pytest.approx(balanced_accuracy_score(labels, chances.argmax(1)))
    right = (chances.argmax(1) == labels).mean()
    assert found.overconfidence == pytest.approx(chances.max(1).mean() - right) and found.images == 200
    values = rng.normal(size=300)
    read = values + rng.normal(size=300)
    assert quality_of_values(read, values).value == pytest.approx(r2_score(values, read))


def test_whoever_names_the_common_label_reads_no_better_than_chance() -> None:
    labels = np.repeat([0, 1], [95, 5])
    chances = np.tile([0.9, 0.1], (100, 1))
    found = quality_of_labels(chances, labels)
    assert found.value == 0.5 and found.low < 0.5 <= found.high


def test_the_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    recall, chance = np.array([0.95, 0.7]), np.array([0.8, 0.2])
    inside, inside_r2, sure = [], [], []
    for _ in range(600):
        labels = rng.choice(2, 150, p=chance)
        read = np.where(rng.random(150) < recall[labels], labels, 1 - labels)
        found = quality_of_labels(np.where(np.arange(2) == read[:, None], 0.9, 0.1), labels)
        inside.append(found.low <= recall.mean() <= found.high)
        sure.append(found.overconfidence)
        values = rng.normal(size=150)
        r2 = quality_of_values(values + rng.normal(0, 0.5, 150), values)
        inside_r2.append(r2.low <= 0.75 <= r2.high)
    assert 0.92 < np.mean(inside) < 0.98 and 0.92 < np.mean(inside_r2) < 0.98
    assert np.mean(sure) == pytest.approx(0.9 - recall @ chance, abs=0.01)


def test_shapes_that_do_not_match_are_errors() -> None:
    with pytest.raises(ValueError, match=r"`probabilities` must have the shape \(N, K\)"):
        quality_of_labels(np.ones((3, 2)), np.ones(2, int))
    with pytest.raises(ValueError, match=r"`read` and `values` must have one shape \(N,\)"):
        quality_of_values(np.ones(1), np.ones(1))
