"""Storage of quantised latents as codes: lossless round trips and invalid input."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.atlas import code_columns as module
from explorer.atlas.code_columns import codes_of, levels_as_json, read_levels, rows_of
from models.base import Level

LEVELS = (Level("top", (3, 2, 2)), Level("bottom", (2, 4, 1)))


@pytest.fixture
def rows() -> np.ndarray:
    chance = np.random.default_rng(0)
    top, bottom = chance.normal(size=(5, 3)), chance.normal(size=(7, 2))
    parts = [
        top[chance.integers(5, size=(20, 4))].swapaxes(1, 2).reshape(20, -1),
        bottom[chance.integers(7, size=(20, 4))].swapaxes(1, 2).reshape(20, -1),
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def test_a_cell_stores_the_index_of_its_vector(rows: np.ndarray) -> None:
    words, lists = codes_of(rows, LEVELS)
    assert words.shape == (20, 8) and [len(vectors) for vectors in lists] == [5, 7]
    top = rows[:, :12].reshape(20, 3, 4)
    np.testing.assert_array_equal(lists[0][words[6, 2]], top[6, :, 2])


def test_json_round_trip_is_exact(rows: np.ndarray) -> None:
    words, lists = codes_of(rows, LEVELS)
    levels, again = read_levels(levels_as_json(LEVELS, lists))
    assert tuple(levels) == LEVELS
    np.testing.assert_array_equal(rows_of(words, levels, again), rows)


def test_too_many_vectors_for_two_bytes_are_refused(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VECTORS_AT_MOST", 6)
    with pytest.raises(ValueError, match=r"at most 6 distinct vectors. Got 7"):
        codes_of(rows, LEVELS)


def test_vectors_that_are_not_finite_are_refused(rows: np.ndarray) -> None:
    values = levels_as_json(LEVELS, [np.full((2, 3), np.nan), np.ones((1, 2))])
    with pytest.raises(ValueError, match="finite numbers"):
        read_levels(values)
