"""Comparisons of models: shared images, and drives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from explorer.scene.comparison import Comparison, Drive, at_item, compare_models, follow, moved, shared_rows
from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve


def atlas(name: str, *keys: tuple[str, int], data: str = "digits") -> Any:
    """A model of which only the images of its atlas are known."""
    splits, ids = zip(*keys, strict=True)
    card = SimpleNamespace(data={"name": data, "options": {}}, config={})
    return SimpleNamespace(
        name=name,
        atlas=SimpleNamespace(split=list(splits), ids=np.array(ids, np.int64)),
        entry=SimpleNamespace(card=card),
        shape=(1, 8, 8),
    )


def images(model: Any, rows: np.ndarray) -> list[tuple[str, int]]:
    return [(model.atlas.split[row], int(model.atlas.ids[row])) for row in rows]


def test_shared_images_are_found_by_split_and_id_in_the_first_ones_order() -> None:
    one = atlas("one", ("test", 3), ("test", 1), ("train", 1), ("test", 9), ("validation", 1))
    two = atlas("two", ("train", 1), ("test", 1), ("train", 3), ("test", 3), ("validation", 9))
    three = atlas("three", ("test", 1), ("test", 3), ("train", 1), ("train", 9))
    rows = shared_rows([one, two, three])
    expected = [("test", 3), ("test", 1), ("train", 1)]
    for model, own in zip((one, two, three), rows, strict=True):
        assert images(model, own) == expected


def test_an_image_that_an_atlas_holds_twice_is_shared_once() -> None:
    one = atlas("one", ("test", 1), ("test", 1), ("test", 2))
    assert shared_rows([one, atlas("two", ("test", 2), ("test", 1))]).shape == (2, 2)


def test_atlases_that_share_nothing_are_refused_with_a_remedy() -> None:
    with pytest.raises(ValueError, match=r"one, two share 1\. Rebuild the atlases"):
        shared_rows([atlas("one", ("test", 1), ("test", 2)), atlas("two", ("test", 2), ("train", 1))])


def test_models_of_other_data_are_refused() -> None:
    one, two = atlas("one", ("test", 1), ("test", 2)), atlas("two", ("test", 1), ("test", 2), data="faces")
    with pytest.raises(ValueError, match=r"one has 'Digits', two has 'Faces'"):
        compare_models([one, two], [])
    with pytest.raises(ValueError, match=r"2 to 6 different ones\. Got: one\."):
        compare_models([one], [])


@pytest.fixture
def pair(shared_engine: Engine, loaded: Loaded) -> Comparison:
    flat = shared_engine.open_sync("flat-vae")
    return compare_models([loaded, flat], [resolve(loaded, "umap"), resolve(flat, "raw")])


def test_all_models_start_on_one_item(pair: Comparison) -> None:
    current = at_item(pair, 17)
    for number, model in enumerate(pair.models):
        row = pair.rows[number, 17]
        np.testing.assert_array_equal(current.z[number], model.atlas.mean[row])
        np.testing.assert_array_equal(current.xy[number], pair.positions(number)[17])
        assert pair.shared(number, int(row)) == 17
    with pytest.raises(ValueError, match=r"0\.\.299\. Got 300"):
        at_item(pair, 300)


def test_a_drive_keeps_the_residual_of_the_map(pair: Comparison) -> None:
    current = at_item(pair, 17)
    x, y = (float(v) for v in current.xy[0])
    np.testing.assert_array_equal(moved(pair, current, Drive(0, x, y)), current.z[0])
    inverse = pair.views[0].projection.inverse
    rest = current.z[0] - inverse(current.xy[:1])[0]
    expected = inverse([[x + 0.5, y]])[0] + rest
    np.testing.assert_allclose(moved(pair, current, Drive(0, x + 0.5, y)), expected, atol=1e-5)
    np.testing.assert_allclose(moved(pair, current, Drive(1, 0.25, -0.75)), [0.25, -0.75], atol=1e-5)


def test_a_linear_map_shows_a_latents_exact_position(pair: Comparison) -> None:
    flat, view = pair.models[1], pair.views[1]
    picture = flat.decoder(np.array([[0.5, -0.5]], np.float32))[0]
    answer = follow(flat, view, picture)
    np.testing.assert_allclose(answer.xy, answer.z, atol=1e-5)
    np.testing.assert_array_equal(answer.z, flat.encoder(picture[None]).mean[0])
    assert 0 <= answer.percentile <= 100


def test_pictures_of_another_size_are_not_encoded(pair: Comparison) -> None:
    with pytest.raises(ValueError, match=r"`pictures` must be uint8 of the shape \(M, 8, 8, 1\)"):
        pair.models[0].encoder(np.zeros((1, 9, 8, 1), np.uint8))
    with pytest.raises(ValueError, match="float32"):
        pair.models[0].encoder(np.zeros((1, 8, 8, 1), np.float32))  # type: ignore[arg-type]
    assert pair.models[0].encoder(np.zeros((0, 8, 8, 1), np.uint8)).mean.shape == (0, 6)
