"""Tests of the neighbours of codes that move a little at a time."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from explorer.latent.neighbours.exact import Neighbours
from explorer.latent.neighbours.moving import Nearby


class Counting(Neighbours):
    """Neighbours that count how often all items were asked."""

    asked = 0

    def _rough(self, codes: Any) -> Any:
        self.asked += 1
        return super()._rough(codes)


@pytest.fixture
def items() -> Counting:
    return Counting(np.random.default_rng(0).standard_normal((5000, 12)))


def test_a_drag_gets_the_nearest_of_all(items: Counting) -> None:
    random = np.random.default_rng(1)
    near = Nearby(items, worth=1000, kept=400)
    reference = Neighbours(items.items)
    code, step = items.items[3].copy(), 0.05 * random.standard_normal(12)
    for turn in range(120):
        if turn % 40 == 0:
            step = 0.05 * random.standard_normal(12)
        code = (code + step).astype(np.float32)
        index, distance = near.nearest(code[None], 11)
        expected, expected_distance = reference.nearest(code[None], 11)
        np.testing.assert_array_equal(index, expected)
        np.testing.assert_array_equal(distance, expected_distance)
    assert 1 < items.asked < 60, "most answers come from the items kept"


def test_codes_far_apart_and_equal_items(items: Counting) -> None:
    twice = Neighbours(np.concatenate([items.items, items.items]))
    near = Nearby(twice, worth=1000, kept=400)
    codes = np.random.default_rng(2).uniform(-6, 6, (40, 12))
    for _ in range(2):  # from all, then from what is kept
        for asked, expected in zip(near.nearest(codes, 6), twice.nearest(codes, 6), strict=True):
            np.testing.assert_array_equal(asked, expected)


def test_few_items_are_all_asked(items: Counting) -> None:
    near = Nearby(items)
    for _ in range(3):
        near.nearest(items.items[:1], 5)
    assert items.asked == 3


def test_many_neighbours_are_asked_of_all(items: Counting) -> None:
    near = Nearby(items, worth=1000, kept=400)
    index, _ = near.nearest(items.items[:2], 300)
    np.testing.assert_array_equal(index, Neighbours(items.items).nearest(items.items[:2], 300)[0])


def test_several_threads(items: Counting) -> None:
    near = Nearby(items, worth=1000, kept=400)
    reference = Neighbours(items.items)
    wrong: list[int] = []

    def ask(seed: int) -> None:
        code = items.items[seed].copy()
        for turn in range(60):
            code += np.float32(0.02)
            if not np.array_equal(near.nearest(code[None], 11)[0], reference.nearest(code[None], 11)[0]):
                wrong.append(turn)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("bad", [np.full((1, 12), np.nan), np.zeros((1, 3)), np.zeros(12)])
def test_wrong_codes(items: Counting, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="`z` must"):
        Nearby(items, worth=1000).nearest(bad, 3)


def test_within_about(items: Counting) -> None:
    code = items.items[7]
    index, radius = items.within_about(code, 400)
    distance = np.sqrt(((items.items.astype(np.float64) - code) ** 2).sum(1))
    assert 200 < len(index) < 800
    assert set(np.flatnonzero(distance <= radius)) <= set(index)
    assert distance[index].max() < radius * 1.001
    with pytest.raises(ValueError, match="`latent` must be finite"):
        items.within_about(np.full(12, np.inf), 10)
