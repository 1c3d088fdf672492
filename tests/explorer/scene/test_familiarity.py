"""Tests of how well a model knows a picture: its own images it knows, noise it does not, and percentiles are exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.scene.familiarity import LIMIT, familiarity, squared_error
from explorer.scene.loaded import Loaded
from models.data import load_data


def judged(loaded: Loaded, picture: np.ndarray) -> object:
    z = loaded.encoder(picture[None]).mean[0]
    return familiarity(loaded, picture, z, loaded.decoder(z[None])[0])


def test_a_model_knows_its_own_images_and_not_noise(loaded: Loaded) -> None:
    digits = load_data("digits", "test", limit=100).images
    codes = loaded.encoder(digits).mean
    errors = [squared_error(*pair) for pair in zip(digits, loaded.decoder(codes), strict=True)]
    scores = {"error": np.resize(np.float32(errors), loaded.count)}
    loaded = replace(loaded, atlas=replace(loaded.atlas, scores=scores))
    known = [judged(loaded, image) for image in digits]
    unknown = np.mean([each.unknown for each in known])  # type: ignore[attr-defined]
    assert unknown <= 0.1
    checkers = np.where(np.indices((8, 8)).sum(0) % 2, 255, 0).astype(np.uint8)[..., None]
    found = judged(loaded, checkers)
    assert found.unknown and found.error_percentile == 100.0  # type: ignore[attr-defined]
    assert 0 < found.alarms <= 2 * (100 - LIMIT) + 0.5  # type: ignore[attr-defined]


def test_the_reference_is_the_test_split_where_it_is_large(loaded: Loaded) -> None:
    atlas, count = loaded.atlas, loaded.count
    picture = load_data("digits", "test", limit=1).images[0]
    z = loaded.encoder(picture[None]).mean[0]
    decoded = loaded.decoder(z[None])[0]
    error = squared_error(picture, decoded)
    errors = np.full(count, error + 1, np.float32)
    errors[:50] = error - 0.001
    errors = np.maximum(errors, 0)
    for test, share in ((100, 50.0), (99, 100 * 50 / count)):
        split = ["test"] * test + ["train"] * (count - test)
        other = replace(loaded, atlas=replace(atlas, split=split, scores={"error": errors}))
        found = familiarity(other, picture, z, decoded)
        assert found.reference == (test if test == 100 else count)
        assert found.error_percentile == pytest.approx(share)


def test_a_model_whose_error_is_rounding_uses_the_distance(loaded: Loaded) -> None:
    picture = load_data("digits", "test", limit=1).images[0]
    z = loaded.encoder(picture[None]).mean[0]
    other = replace(loaded, atlas=replace(loaded.atlas, scores={}))
    near = familiarity(other, picture, z, picture)
    far = familiarity(other, picture, z + 100, picture)
    assert near.error_percentile is None and not near.unknown and far.unknown
    assert far.distance_percentile == 100.0
