"""The leakage table of a checkpoint: the job, its images, its classifier, and the truth beside the edit."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.atlas.storage import load_atlas
from explorer.inference.compiled import levels
from explorer.jobs.leakage import (
    Bench,
    Given,
    Request,
    _wanted,
    control,
    fitted,
    held_out,
    measure,
    measured_attributes,
    open_bench,
    pictures_beside,
    refitted,
    table,
)
from explorer.jobs.runner import start
from explorer.latent.directions.balance import covariates
from explorer.latent.directions.estimators import Sides, fit
from explorer.latent.directions.leakage import targets
from models import checkpoint
from models.data import Attribute, load_data
from models.data.faces import draw, factors_of
from models.evaluation.attribute_classifier import AttributeClassifier
from models.evaluation.classifier_cache import CachedClassifier
from tests.explorer.checkpoints import train_digits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A trained VAE of the digits, and a cache of its classifier for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        made = tmp_path_factory.mktemp("leakage") / "digits-vae"
        train_digits(made)
        yield made


@pytest.fixture(scope="module")
def bench(folder: Path) -> Bench:
    return open_bench(str(folder))


@pytest.fixture(scope="module")
def portraits() -> Bench:
    """The bundled faces, with an untrained classifier."""
    entry = checkpoint.read("faces-vae")
    atlas, model = load_atlas(entry), checkpoint.load(entry.path).eval()
    classifier = AttributeClassifier(model.image_shape, atlas.attributes).eval()
    return Bench(
        entry,
        model,
        atlas,
        CachedClassifier(classifier, dict.fromkeys(atlas.attributes, 0.0)),
        dict(atlas.attributes),
    )


def picture(png: str) -> Any:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


def test_the_job_reports_its_progress_and_gives_the_table(folder: Path) -> None:
    reports: list[tuple[float, str]] = []
    found = table(
        Request(str(folder), "digit-3", images=52, seed=2),
        lambda share, what, partial=None: reports.append((share, what)),
    )
    shares = [share for share, _ in reports]
    assert shares == sorted(shares) and shares[0] == 0 and 0.9 < shares[-1] <= 1
    assert {"Opening the model", "Editing along digit-3, mean difference"} < {what for _, what in reports}
    json.dumps(found, allow_nan=False)
    assert found["data"] == "digits" and found["direction"] == "digit-3" and found["seed"] == 2
    assert found["images"] == {"to find the strength": 26, "judged": 26, "split": "test"}
    assert list(found["attributes"]) == ["digit"]  # the atlas knows others, which the data set does not
    reads = found["classifier"]["digit"]  # from decoded pictures, on which the edits are judged
    assert reads["measure"] == "balanced accuracy" and reads["interval"][0] < reads["value"] > 0.6
    assert abs(reads["overconfidence"]) < 0.4 and reads["images"] > 100
    (column,) = found["columns"]
    assert column["success"] > 0.6 and column["dependency"] is None  # there is no other attribute
    assert column["movements"]["digit"] * column["strength"] > 1 and column["apart"] is True
    assert column["success_interval"][0] < column["success"] <= column["success_interval"][1]
    assert column["p_values"]["digit"] < 0.01 and column["leaks"] == {}
    assert len(found["pictures"]) == 4 and {item["way"] for item in found["pictures"]} == {1, -1}
    test = load_data("digits", "test")
    for item in found["pictures"]:
        assert item["truth"] is None and len(item["edits"]) == 1
        np.testing.assert_array_equal(picture(item["original"]), test.images[item["id"], ..., 0])


def test_given_directions_are_measured_side_by_side(bench: Bench, folder: Path) -> None:
    vector = fitted(bench.atlas.mean, bench.attributes, "digit-0")
    vectors = np.stack([vector, 2 * vector, -vector])
    request = Request(str(folder), "digit-0", titles=["Zero", "Twice", "Away"], vectors=vectors, images=40)
    one, two, away = table(request, lambda *_: None)["columns"]
    assert (one["title"], two["title"], away["title"]) == ("Zero", "Twice", "Away")
    # What one unit of the longer direction moves, two of the shorter do; where the search ends differs a little.
    assert 0.3 < two["strength"] / one["strength"] < 0.8
    assert two["movements"]["digit"] > 1.3 * one["movements"]["digit"]
    assert one["success"] > 0.7 and two["success"] > 0.7 and not away["reached"] and away["success"] < 0.5
    assert not any(column["apart"] for column in (one, two, away))


def test_a_direction_is_fitted_again_without_the_test_images(bench: Bench) -> None:
    z, attributes, digit = bench.atlas.mean, bench.attributes, bench.attributes["digit"].values
    sides = np.where(digit == 0, 1, np.where(digit == 1, -1, 0)).astype(np.int8)
    unseen = np.arange(len(z)) % 2 == 0
    request = Request("any", "digit-0", titles=["Zero", "Own"], methods=["mean", ""], sides=sides)
    given = [Given("Zero", z[0]), Given("Own", z[1])]
    zero, own_ = refitted(request, z, attributes, given, unseen)
    expected = z[unseen & (digit == 0)].mean(0) - z[unseen & (digit == 1)].mean(0)
    np.testing.assert_allclose(zero.vector, expected, rtol=1e-4, atol=1e-6)
    assert zero.apart and own_ is given[1] and not own_.apart
    held = replace(request, held=np.eye(len(expected), dtype=np.float32)[:1])
    assert abs(refitted(held, z, attributes, given, unseen)[0].vector[0]) < 1e-6
    assert refitted(replace(request, methods=()), z, attributes, given, unseen) == given
    with pytest.raises(ValueError, match=r"`sides` must have the shape \(\d+,\)\. Got \(3,\)"):
        refitted(replace(request, sides=sides[:3]), z, attributes, given, unseen)
    with pytest.raises(ValueError, match="`methods` must name an estimator or nothing"):
        replace(request, methods=["mean"])


def test_the_page_and_the_command_line_hold_attributes_fixed_alike(bench: Bench) -> None:
    z, attributes, digit = bench.atlas.mean, bench.attributes, bench.attributes["digit"].values
    unseen = np.arange(len(z)) % 2 == 0
    sides = np.where(digit == 0, 1, -1).astype(np.int8)
    for method in ("mean", "logistic"):
        typed = fitted(z, attributes, "digit-0", method, ["digit-1", "digit-4"], unseen)
        request = Request("any", titles=["Zero"], methods=[method], sides=sides, hold=["digit-1", "digit-4"])
        (clicked,) = refitted(request, z, attributes, [Given("Zero", z[0])], unseen)
        np.testing.assert_array_equal(clicked.vector, typed)
        one = z[unseen & (digit == 1)].mean(0) - z[unseen & (digit != 1)].mean(0)
        assert abs(float(typed @ one)) < 1e-5 * float(np.linalg.norm(typed) * np.linalg.norm(one))


def test_random_directions_of_equal_success_are_the_control(bench: Bench) -> None:
    halves = held_out(bench.atlas, bench.attributes, "digit-0", 40, 0)
    found = control(bench, 2.0, "digit-0", halves, aim=0.5)
    assert len(found) == 3 and all(each.leak.target == "digit" for each in found)
    assert control(bench, 2.0, None, halves) == []


def test_a_direction_without_a_target_is_measured_at_one_unit(bench: Bench, folder: Path) -> None:
    vector = fitted(bench.atlas.mean, bench.attributes, "digit-0")
    found = table(Request(str(folder), titles=["Own"], vectors=vector[None], images=40), lambda *_: None)
    (column,) = found["columns"]
    assert found["direction"] is None and column["strength"] == 1 and column["success"] is None
    assert column["target"] == "digit" and {item["way"] for item in found["pictures"]} == {1}


def own(*vectors: np.ndarray, title: str = "own") -> dict[str, Any]:
    return {"titles": [title] * len(vectors), "vectors": np.stack(vectors).astype(np.float32)}


ONES = np.ones(8)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "Name a direction, or pass `vectors`."),
        ({"direction": "smile"}, "Unknown direction 'smile'. Choose one of: digit-0, digit-1"),
        ({"direction": "digit-0", "hold": ["hat"]}, "Unknown direction 'hat'"),
        ({"direction": "digit-0", "hold": ["digit-0"]}, "Nothing of the direction is left"),
        ({"direction": "digit-0", "method": "balanced"}, "no other attribute that could be equalised"),
        ({"direction": "digit-0", "method": "guess"}, "`method` must be one of: mean, balanced"),
        ({"direction": "digit-0", "images": 19}, "`images` must lie in 20..4000. Got 19."),
        ({"direction": "digit-0", "seed": -1}, "`seed` must lie in 0..2147483647. Got -1."),
        ({"titles": ["a"]}, "`vectors` must be float32 of the shape (1, 8)"),
        ({"titles": ["a"], "vectors": ONES[None]}, "finite and none of them all 0. Got float64 (1, 8)."),
        (own(ONES) | {"titles": ["a", "b"]}, "`vectors` must be float32 of the shape (2, 8)"),
        (own(ONES[:1]), "finite and none of them all 0. Got float32 (1, 1)."),
        (own(ONES, 0 * ONES), "none of them all 0"),
        (own(np.nan * ONES), "finite and none of them all 0"),
        (own(ONES, title="t" * 121), "A title must have 1 to 120 characters."),
        (own(ONES, title=""), "A title must have 1 to 120 characters."),
        (own(*[ONES] * 9), "There may be at most 8 directions. Got 9."),
    ],
)
def test_invalid_requests_are_errors(
    values: dict[str, Any], text: str, folder: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.jobs.leakage.open_bench", lambda *_: bench)
    with pytest.raises(ValueError, match=re.escape(text)):
        table(Request(str(folder), **values), lambda *_: None)


def test_the_fewest_images_are_enough(folder: Path) -> None:
    found = table(Request(str(folder), "digit-0", images=20), lambda *_: None)
    assert found["images"]["judged"] == 10


def test_an_unknown_checkpoint_is_an_error() -> None:
    with pytest.raises((ValueError, OSError), match="nobody"):
        table(Request("nobody", "smile"), lambda *_: None)


def test_a_job_gives_the_same_table_and_can_be_cancelled(bench: Bench, folder: Path) -> None:
    job = start(table, Request(str(folder), "digit-3", images=40))
    job.wait(240)
    assert job.error is None and job.result is not None
    halves = held_out(bench.atlas, bench.attributes, "digit-3", 40, 0)
    use = np.ones(len(bench.atlas), bool)
    use[np.concatenate(halves)] = False
    vector = fitted(bench.atlas.mean, bench.attributes, "digit-3", use=use)
    (here,) = measure(bench, [Given("x", vector)], "digit-3", halves)
    (there,) = job.result["columns"]
    assert (
        there["success"] == pytest.approx(here.leak.success.value) and there["strength"] == here.leak.strength
    )
    assert there["movements"] == pytest.approx(here.as_json()["movements"], rel=1e-3), (
        "fitted on the same images"
    )
    job = start(table, Request(str(folder), "digit-3"))
    job.cancel()
    job.wait(60)
    assert job.result is None and job.error == "Cancelled."


def test_images_are_of_the_test_split_and_of_both_sides(bench: Bench) -> None:
    atlas = bench.atlas
    tuned, judged = held_out(atlas, bench.attributes, "digit-7", 44, 1)
    assert not set(tuned) & set(judged) and len(tuned) == len(judged) == 22
    assert {atlas.split[row] for row in (*tuned, *judged)} == {"test"}
    for half in (tuned, judged):
        assert (atlas.attributes["digit"].values[half] == 7).sum() == 11
    again = held_out(atlas, bench.attributes, "digit-7", 44, 1)
    assert all(np.array_equal(one, two) for one, two in zip(again, (tuned, judged), strict=True))
    few = bench.atlas.attributes["digit"].take(np.arange(len(atlas)))
    few.values[few.values == 7] = 1
    with pytest.raises(ValueError, match=r"Each side must have at least 10 images of the test split\. Got 0"):
        held_out(atlas, {"digit": few}, "digit-7", 44, 1)


def test_holding_others_does_not_change_their_directions(portraits: Bench) -> None:
    z, known = portraits.atlas.mean, portraits.attributes
    plain = fitted(z, known, "beard")
    held = fitted(z, known, "beard", hold=("hair_length", "hat"))
    for name in ("hair_length", "hat"):
        other = fitted(z, known, name)
        assert abs(held @ other) < 1e-4 * np.linalg.norm(held) * np.linalg.norm(other)
    assert 0.5 < held @ plain / np.linalg.norm(held) / np.linalg.norm(plain) < 1


def test_pictures_are_those_of_the_stage_and_no_number_breaks_one(portraits: Bench) -> None:
    z = portraits.atlas.mean[:3].copy()
    with torch.inference_mode():
        x = portraits.model.decode(torch.from_numpy(z))
    np.testing.assert_array_equal(portraits.decode(z), levels(x).numpy())
    z[1] = np.nan
    assert (portraits.decode(z)[1] == 0).all()


def test_a_direction_is_fitted_on_some_images_and_with_all_others_equalised(portraits: Bench) -> None:
    z, known = portraits.atlas.mean, portraits.attributes
    use = np.arange(len(z)) % 3 == 0
    found = fitted(z, known, "hat", use=use)
    rows = np.flatnonzero(use)
    part = {name: each.take(rows) for name, each in known.items()}
    np.testing.assert_allclose(found, fitted(z[rows], part, "hat"), rtol=1e-4, atol=1e-6)
    smile = known["smile"].values
    low, high = np.quantile(smile.astype(np.float64), [1 / 3, 2 / 3])
    sides = Sides.of(z, smile >= high, smile <= low, covariates(known, ["smile"]))
    np.testing.assert_allclose(
        fitted(z, known, "smile", "balanced"), fit("balanced", sides), rtol=1e-4, atol=1e-6
    )


def test_what_is_held_fixed_leaves_a_step_of_one_from_side_to_side(portraits: Bench) -> None:
    z, hat = portraits.atlas.mean, portraits.attributes["hat"].values == 1
    held = fitted(z, portraits.attributes, "hat", hold=("smile",)).astype(np.float64)
    assert held @ (z[hat].mean(0) - z[~hat].mean(0)) == pytest.approx(held @ held, rel=1e-4)


def test_a_strength_is_found_on_some_images_and_tested_on_others(portraits: Bench) -> None:
    test = np.flatnonzero(np.asarray(portraits.atlas.split) == "test")
    given = [Given("Hat", fitted(portraits.atlas.mean, portraits.attributes, "hat"))] * 2
    told: list[float] = []
    found = measure(
        portraits, given, None, (test[:3], test[3:8]), report=lambda share, what: told.append(share)
    )
    assert [each.leak.images for each in found] == [5, 5]
    assert told == sorted(told) and max(told) <= 1


def test_away_from_a_label_the_truth_is_the_classified_label_of_the_edit(bench: Bench) -> None:
    rows = np.flatnonzero(bench.attributes["digit"].values == 3)[:1]
    target = targets(bench.attributes)["digit-3"]
    test = load_data("digits", "test")
    one, three = (test.images[test.attributes["digit"].values == digit][:1] for digit in (1, 3))
    trial = bench.trial(rows, target)
    for way, shown, wanted in ((1.0, three, 3), (-1.0, one, 1)):
        trial.ways[:] = way
        assert _wanted(bench, target, int(rows[0]), trial, 0, shown) == wanted
    trial.ways[:] = -1.0  # though it still looks like a 3
    assert _wanted(bench, target, int(rows[0]), trial, 0, three) != 3


def test_of_two_labels_with_one_slug_the_first_is_meant_by_the_direction_too() -> None:
    """As the target is, whose flips the direction's strength is chosen by."""
    rng = np.random.default_rng(0)
    values = np.repeat([0, 1, 2], 20).astype(np.int16)
    z = (rng.normal(size=(60, 4)) + 5 * np.eye(4)[values]).astype(np.float32)
    known = {"hair": Attribute("hair", "categorical", values, ("pale blue", "grey", "pale-blue"))}
    found = fitted(z, known, "hair-pale-blue")
    np.testing.assert_allclose(found, z[:20].mean(0) - z[20:].mean(0), rtol=1e-4)
    assert targets(known)["hair-pale-blue"].column == 0


def test_the_truth_stands_beside_the_edit(portraits: Bench) -> None:
    atlas = portraits.atlas
    has = atlas.attributes["hat"].values == 1
    test = np.asarray(atlas.split) == "test"
    rows = np.array([np.flatnonzero(has & test)[0], np.flatnonzero(~has & test)[0]])
    torch.manual_seed(0)
    vector = fitted(atlas.mean, portraits.attributes, "hat")
    trial = portraits.trial(rows, targets(portraits.attributes)["hat"])
    given = [Given("Hat", vector)]
    found = measure(portraits, given, "hat", (rows, rows))
    items = pictures_beside(portraits, given, found, "hat", rows)
    faces = load_data("faces", "test", limit=int(atlas.ids[rows].max()) + 1)
    for item, row, way in zip(items, rows, trial.ways, strict=True):
        number = int(atlas.ids[row])
        assert item["id"] == number and item["way"] == way and item["item"] == row
        np.testing.assert_array_equal(picture(item["original"]), faces.images[number])
        np.testing.assert_array_equal(
            picture(item["truth"]), draw(factors_of(faces, number).replace(hat=bool(way > 0)))
        )
        assert abs(picture(item["decoded"]).astype(int) - faces.images[number]).mean() < 8


def test_only_attributes_of_the_classifier_are_measured(bench: Bench) -> None:
    assert set(bench.atlas.attributes) == {"digit", "even", "ink"} and list(bench.attributes) == ["digit"]
    other = AttributeClassifier(bench.model.image_shape, {"even": bench.atlas.attributes["even"]})
    assert list(measured_attributes(bench.atlas, other)) == ["even"]
    with pytest.raises(ValueError, match="The classifier reads no attribute of the atlas"):
        measured_attributes(bench.atlas, AttributeClassifier(bench.model.image_shape, {}))
