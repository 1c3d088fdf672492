"""Tests of the classifier that reads attributes from pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from models import load
from models.data import Attribute, ImageData
from models.evaluation.attribute_classifier import (
    AttributeClassifier,
    outputs,
    readability,
    score,
    train_classifier,
)


def bars(count: int, seed: int) -> ImageData:
    """Pictures of 16 pixels whose truth is plain: brightness, a dark left half, which of three rows is lit."""
    rng = np.random.default_rng(seed)
    light = rng.uniform(0.3, 1, count).astype(np.float32)
    left = rng.integers(0, 2, count).astype(np.uint8)
    row = rng.integers(0, 3, count).astype(np.int16)
    images = np.full((count, 16, 16, 1), 90.0) * light[:, None, None, None]
    images[left == 1, :, :8] *= 0.3
    for n in range(count):
        images[n, 5 * row[n] : 5 * row[n] + 4] += 120
    return ImageData(
        name="bars",
        split="train",
        images=images.astype(np.uint8),
        attributes={
            "light": Attribute("light", "continuous", light),
            "left": Attribute("left", "binary", left),
            "row": Attribute("row", "categorical", row, ("top", "middle", "bottom")),
        },
        ids=np.arange(count),
        publishable=True,
        licence="none",
        source="drawn here",
    )


@pytest.fixture(scope="module", autouse=True)
def tiny() -> Iterator[None]:
    """A small network and small batches for all tests of this file."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.evaluation.attribute_classifier.WIDTH", 8)
        patch.setattr("models.evaluation.attribute_classifier.BATCH", 24)
        patch.setattr("models.evaluation.attribute_classifier.EPOCHS", 14)
        yield


@pytest.fixture(scope="module")
def classifier(tiny: None) -> AttributeClassifier:
    """A classifier trained on 600 bars."""
    return train_classifier(bars(600, 0))


def test_the_classifier_reads_visible_attributes(classifier: AttributeClassifier) -> None:
    data = bars(200, 1)
    scores = score(classifier, data.images, data.attributes)
    assert list(scores) == ["light", "left", "row"]
    assert scores["left"] > 0.95 and scores["row"] > 0.95 and scores["light"] > 0.5


def test_the_classifier_guesses_on_blank_images(classifier: AttributeClassifier) -> None:
    data = bars(200, 1)
    scores = score(classifier, np.full_like(data.images, 60), data.attributes)
    assert scores["row"] < 0.5 and scores["left"] < 0.65 and scores["light"] < 0.2


def test_scores_are_balanced_accuracy_and_r_squared(classifier: AttributeClassifier) -> None:
    data = bars(300, 2)
    with torch.no_grad():
        answers = classifier(torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255)
    scores = score(classifier, data.images, data.attributes)
    read, row = answers["row"].argmax(1).numpy(), data.attributes["row"].values
    assert scores["row"] == pytest.approx(balanced_accuracy_score(row, read))
    truth = data.attributes["light"].values
    rest = ((answers["light"][:, 0].numpy() - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    assert scores["light"] == pytest.approx(1 - rest, abs=1e-4)


def test_the_judge_is_the_same_for_one_seed_and_leaves_others_randomness_alone() -> None:
    data = bars(64, 3)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, second = train_classifier(data).state_dict(), train_classifier(data).state_dict()
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), state)


def test_missing_values_neither_teach_nor_count() -> None:
    def without(data: ImageData) -> ImageData:
        """Every third value is missing, and what is not read must not matter."""
        values = {name: a.values.copy() for name, a in data.attributes.items()}
        for name, missing in (("light", np.nan), ("left", 255), ("row", -1)):
            values[name][::3] = missing
        return replace(
            data, attributes={name: replace(a, values=values[name]) for name, a in data.attributes.items()}
        )

    classifier, test = train_classifier(without(bars(400, 0))), bars(300, 1)
    scores = score(classifier, test.images, without(test).attributes)
    assert min(scores.values()) > 0.7
    rows = np.flatnonzero(np.arange(300) % 3)
    part = test.take(rows)
    assert scores == pytest.approx(score(classifier, part.images, part.attributes))
    none = {"left": Attribute("left", "binary", np.full(300, 255, np.uint8))}
    assert score(classifier, test.images, none) == {"left": 0.0}


def test_heads_fit_their_attribute() -> None:
    assert [outputs(a) for a in bars(4, 0).attributes.values()] == [1, 2, 3]


def test_metrics_say_which_share_is_kept(
    tiny_checkpoint: Path, classifier: AttributeClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, model = bars(60, 4), load(tiny_checkpoint)
    monkeypatch.setattr("models.evaluation.attribute_classifier.train_classifier", lambda train: classifier)
    monkeypatch.setattr(
        "models.evaluation.attribute_classifier.reconstruct", lambda model, images: images / np.float32(255)
    )
    perfect = readability(model, bars(20, 5), data)
    assert {name: metric["value"] for name, metric in perfect.items()} == {
        "readable_light": 1.0,
        "readable_left": 1.0,
        "readable_row": 1.0,
    }
    assert "trained on 20 original images, read from 60 test images" in perfect["readable_row"]["protocol"]
    monkeypatch.setattr(
        "models.evaluation.attribute_classifier.reconstruct",
        lambda model, images: np.zeros(images.shape, np.float32),
    )
    lost = readability(model, bars(20, 5), data)
    assert lost["readable_row"]["value"] < 0.7
    monkeypatch.setattr(
        "models.evaluation.attribute_classifier.score",
        lambda *arguments: {"light": -0.1, "left": 0.0, "row": 0.5},
    )
    assert list(readability(model, bars(20, 5), data)) == ["readable_row"]  # no share of nothing


def test_images_of_which_nothing_is_known_are_refused() -> None:
    with pytest.raises(ValueError, match="The data set 'bars' has no attributes to read"):
        train_classifier(replace(bars(10, 0), attributes={}))
