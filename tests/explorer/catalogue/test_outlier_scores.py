"""The outlier scores of models, and reading measured results."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from explorer.catalogue.outlier_scores import (
    RESULTS,
    SCORES,
    DetectionResult,
    detection_results,
    refusal,
    usable,
)
from explorer.latent.intervals import auc_interval
from models.base import LatentSpec

VAE = LatentSpec((4,))
AE = LatentSpec((4,), prior=False, likelihood="none")
FLOW = LatentSpec((64,), likelihood="exact")
CODES = LatentSpec((64,), discrete=True, likelihood="none")
TIME = LatentSpec((6,), sequence=True)
ITEMS = LatentSpec((4,), prior=False, likelihood="none", encodes=False, pictures="nearest")
PIXELS = LatentSpec((64,), discrete=True, likelihood="exact")


@pytest.mark.parametrize(
    ("spec", "keys"),
    [
        (VAE, ["kl", "neighbour_distance", "error", "reconstruction", "elbo", "importance", "regret"]),
        (AE, ["neighbour_distance", "error"]),
        (FLOW, ["neighbour_distance", "density"]),
        (CODES, ["neighbour_distance", "error"]),
        (TIME, ["neighbour_distance", "error"]),
        (ITEMS, ["neighbour_distance"]),
        (PIXELS, ["neighbour_distance", "error"]),
        (LatentSpec((4,), prior=False, likelihood="bound"), ["neighbour_distance", "error"]),
    ],
)
def test_a_model_supports_its_scores(spec: LatentSpec, keys: list[str]) -> None:
    assert [score.key for score in usable(spec)] == keys
    for key in SCORES:
        assert bool(refusal(key, spec)) == (key not in keys)


def test_unsupported_scores_have_a_reason() -> None:
    assert "Its latent is a point" in refusal("regret", AE)
    assert "discrete" in refusal("kl", CODES)
    assert "sequences" in refusal("elbo", TIME)
    assert "without a posterior" in refusal("regret", FLOW)
    assert "Only a flow" in refusal("density", VAE)
    assert "rounding" in refusal("error", FLOW)
    assert "Nothing is decoded" in refusal("error", ITEMS)
    with pytest.raises(ValueError, match=r"Unknown score 'beauty'\. Choose one of: kl,"):
        refusal("beauty", VAE)


def test_every_score_is_described() -> None:
    for key, score in SCORES.items():
        assert (
            score.key == key
            and score.meaning.endswith(".")
            and score.link.startswith(("https://", "http://dm.snu"))
        )
        assert score.tail == ("low" if score.likelihood else "high")


def test_the_results_meet_the_bar_where_the_likelihood_fails() -> None:
    found = {(each.model, each.score): each for each in detection_results()}
    assert found["fashion-vae", "regret"].auroc >= 0.95 <= found["fashion-vae-bernoulli", "regret"].auroc
    assert (
        found["fashion-vae-bernoulli", "elbo"].backwards
        and found["fashion-vae-bernoulli", "importance"].backwards
    )
    assert {each.inliers for each in detection_results()} == {"fashion-mnist", "mnist", "mnist without 9"}


def test_invalid_results_are_left_out(tmp_path: Path) -> None:
    assert detection_results(tmp_path / "none.json") == ()
    bad = tmp_path / "bad.json"
    for text in ("no json", "[]", '{"cases": [{}], "command": ""}', '{"cases": 3, "command": ""}'):
        bad.write_text(text, encoding="utf-8")
        assert detection_results(bad) == ()
        bad.unlink()
    values = {"regret": {"auroc": 0.4, "error": 0.1}, "beauty": {"auroc": 1, "error": 0}}
    case = {"model": "m", "seen": "a", "odd": "b", "images": 7, "scores": values}
    good = tmp_path / "good.json"
    good.write_text(json.dumps({"command": "c", "cases": [case]}), encoding="utf-8")
    ends = auc_interval(0.4, 0.01, 7)
    assert list(detection_results(good)) == [
        DetectionResult("m", "regret", "a", "b", 0.4, ends.low, ends.high, 7, "c")
    ]
    assert detection_results(good)[0].backwards and RESULTS.is_file()
    values |= {"regret": {"auroc": 0.6, "error": 0.1}, "elbo": {"auroc": float("nan"), "error": 0.1}}
    good.write_text(json.dumps({"command": "c", "cases": [case]}), encoding="utf-8")
    os.utime(good, ns=(1, 1))
    assert [each.auroc for each in detection_results(good)] == [0.6], "what was written since is read anew"
    values["regret"] |= {"fpr95": [0.3, 0.2, 0.4]}
    case |= {"near": True, "command": "d"}
    good.write_text(json.dumps({"command": "c", "cases": [case]}), encoding="utf-8")
    os.utime(good, ns=(2, 2))
    (found,) = detection_results(good)
    assert found.near and found.fpr95 == (0.3, 0.2, 0.4) and found.command == "d"


def test_near_outliers_are_among_the_results() -> None:
    """The case in which most scores fail: a digit that the model was not trained on."""
    near = {each.score: each for each in detection_results() if each.near}
    assert near["regret"].auroc < 0.7 and near["kl"].backwards
    assert not any(each.low == each.high for each in detection_results()), "not even an AUROC of 1 is certain"
