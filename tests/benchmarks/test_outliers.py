"""The benchmark of outlier scores: areas of a small model, its bars, and the file that it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import outliers
from explorer.catalogue.outlier_scores import detection_results
from models import load
from models.data import load_data


def case(model: str, seen: str, **areas: float) -> dict[str, object]:
    scores = {key: {"auroc": area, "error": 0.01} for key, area in areas.items()}
    return {"model": model, "seen": seen, "odd": "other", "images": 5, "seconds": 1.0, "scores": scores}


def test_areas_are_of_every_score_that_a_model_gives(tiny_checkpoint: Path) -> None:
    digits = load_data("digits", "test", limit=50).images
    found = outliers.areas(load(tiny_checkpoint).eval(), digits[:25], 255 - digits[25:], digits)
    assert list(found) == [
        "kl",
        "neighbour_distance",
        "error",
        "reconstruction",
        "elbo",
        "importance",
        "regret",
    ]
    assert found["error"][0].value > 0.9 < found["elbo"][0].value
    for area, price in found.values():
        assert (
            0 <= area.low <= area.value <= area.high <= 1 and 0 <= price.low <= price.value <= price.high <= 1
        )


def test_bars_are_of_garments_and_their_likelihood() -> None:
    cases = [
        case("fashion-vae", "fashion-mnist", regret=0.99, elbo=0.9),
        case("fashion-vae-bernoulli", "fashion-mnist", regret=0.9, elbo=0.3),
        case("mnist-glow", "mnist"),
    ]
    assert [(bar.value, bar.met) for bar in outliers.bars_of(cases)] == [
        (0.99, True),
        (0.9, False),
        (0.3, True),
    ]


def test_figures_are_kept_beside_those_of_other_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "figures.json"
    monkeypatch.setattr(outliers, "RESULTS", path)
    one, two = {"command": "one"}, {"command": "two"}
    outliers.write([case("mnist-vae", "mnist", kl=0.5) | one, case("held-out", "mnist", kl=0.4) | one])
    outliers.write(
        [case("fashion-vae", "fashion-mnist", kl=0.7) | two, case("mnist-vae", "mnist", kl=0.6) | two]
    )
    names = ["fashion-vae", "mnist-vae", "held-out"]
    assert [c["model"] for c in json.loads(path.read_text())["cases"]] == names
    assert [(each.model, each.auroc, each.command) for each in detection_results(path)] == [
        ("fashion-vae", 0.7, "two"),
        ("mnist-vae", 0.6, "two"),
        ("held-out", 0.4, "one"),
    ]


def test_a_held_out_class_is_not_trained_on_and_its_images_are_the_outliers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outliers, "STEPS", 2)
    monkeypatch.setitem(outliers.HELD, "digits", ("digit", "9"))
    train = load_data("digits")
    model, seen = outliers.held_out("digits")
    nine = train.attributes["digit"].values == 9
    assert len(seen) == (~nine).sum() and np.array_equal(seen, train.images[~nine])
    assert not model.training and model.config.image_shape == (1, 8, 8)
    [found] = outliers.run(["held-out"], 12, ["digits"], 0)
    assert (found["seen"], found["odd"], found["near"]) == ("digits without 9", "9 of digits", True)
    assert found["command"].endswith("--only held-out --images 12 --seed 0 --data digits")
    assert set(found["scores"]) >= {"elbo", "regret"}
