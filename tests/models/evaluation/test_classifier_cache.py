"""Judges in the cache folder: trained once, read after that, and not trusted when they are damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.data import load_data
from models.evaluation import attribute_classifier, classifier_cache
from models.evaluation.attribute_classifier import expectations
from models.evaluation.classifier_cache import METADATA_KEY, cached_classifier, classifier_path, is_cached


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small network, few digits, and a cache of its own."""
    torch.set_num_threads(1)
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(attribute_classifier, "WIDTH", 4)
    monkeypatch.setattr(attribute_classifier, "EPOCHS", 1)
    monkeypatch.setattr(classifier_cache, "IMAGES", 500)


def test_a_judge_is_trained_once_and_then_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("WIDTH", 16), ("EPOCHS", 8), ("BATCH", 50)):
        monkeypatch.setattr(attribute_classifier, name, value)
    monkeypatch.setattr(classifier_cache, "IMAGES", 1_000)
    steps: list[tuple[int, int]] = []
    assert not is_cached("digits", {})
    first = cached_classifier("digits", {}, lambda done, total: steps.append((done, total)))
    assert is_cached("digits", {}) and steps == [(n, 160) for n in range(1, 161)]
    assert 0.5 < first.scores["digit"] < 1

    def never(*arguments: object, **named: object) -> None:
        raise AssertionError("It was trained again.")

    monkeypatch.setattr(classifier_cache, "train_classifier", never)
    second = cached_classifier("digits", {})
    test = load_data("digits", "test", limit=50)
    torch.testing.assert_close(second.classifier.state_dict(), first.classifier.state_dict(), rtol=0, atol=0)
    assert second.scores == first.scores
    one, two = (
        expectations(each.classifier, test.images, test.attributes)["digit"] for each in (first, second)
    )
    assert one.shape == (50, 10) and abs(one - two).max() < 1e-5 and abs(one.sum(1) - 1).max() < 1e-9
    assert (one.argmax(1) == test.attributes["digit"].values).mean() > 0.5


def test_another_data_set_or_another_training_is_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {
        classifier_path("faces", {}),
        classifier_path("faces", {"seed": 1}),
        classifier_path("digits", {}),
    }
    monkeypatch.setattr(attribute_classifier, "EPOCHS", 3)
    paths.add(classifier_path("faces", {}))
    assert len(paths) == 4
    assert classifier_path("faces", {"correlated": True}) == classifier_path("faces", {})
    assert classifier_path("digits", {"correlated": True}) != classifier_path("digits", {})


def damage(path: Path, how: str) -> None:
    """Damages a cache file in one way."""
    weights, told = load_file(path), {METADATA_KEY: json.dumps({"digit": 0.9})}
    key = "heads.digit.bias"
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-40])
        return
    if how == "large":
        with path.open("ab") as file:
            os.ftruncate(file.fileno(), 50_000_000)
        return
    if how == "nothing":
        path.write_bytes(b"")
        return
    if how == "nan":
        weights[key] = torch.full_like(weights[key], float("nan"))
    elif how == "shape":
        weights[key] = weights[key][:3].clone()
    elif how == "type":
        weights[key] = weights[key].double()
    elif how == "missing":
        del weights[key]
    elif how == "silent":
        told = {}
    elif how == "other":
        told = {METADATA_KEY: json.dumps({"letter": 0.9})}
    elif how == "absurd":
        told = {METADATA_KEY: json.dumps({"digit": 7})}
    elif how == "deep":
        told = {METADATA_KEY: "[" * 5000}
    save_file(weights, path, told)


@pytest.mark.parametrize(
    "how", ["cut", "large", "nothing", "nan", "shape", "type", "missing", "silent", "other", "absurd", "deep"]
)
def test_a_damaged_file_is_told_and_replaced(how: str) -> None:
    first = cached_classifier("digits", {})
    path = classifier_path("digits", {})
    damage(path, how)
    with pytest.warns(RuntimeWarning, match=r"is not a valid classifier: .* The classifier is trained again"):
        second = cached_classifier("digits", {})
    assert second.scores == first.scores
    torch.testing.assert_close(
        cached_classifier("digits", {}).classifier.state_dict(), first.classifier.state_dict()
    )


def test_a_cache_that_cannot_be_written_costs_only_the_next_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "file"))
    with pytest.warns(
        RuntimeWarning,
        match=r"The classifier is not cached\. .* Set LATENT_CACHE_DIR to a folder that can be written",
    ):
        assert list(cached_classifier("digits", {}).scores) == ["digit"]
    assert not is_cached("digits", {})


def test_a_data_set_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LATENT_DATA_DIR", raising=False)
    with pytest.raises(ValueError, match="LATENT_DATA_DIR is not set"):
        cached_classifier("lpc-sprites", {})
