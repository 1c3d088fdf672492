"""Selections as bits: the same items there and back, and nothing but them from a browser."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from explorer.workspace.selection_bits import as_bits, from_bits


@pytest.mark.parametrize("count", [1, 7, 8, 9, 1000])
def test_there_and_back(count: int) -> None:
    items = np.flatnonzero(np.random.default_rng(count).random(count) < 0.4).tolist()
    assert from_bits(as_bits(items, count), count) == tuple(items)
    assert from_bits(as_bits(range(count), count), count) == tuple(range(count))
    assert as_bits([], count) == "" and from_bits("", count) == ()


def test_the_first_item_is_the_lowest_bit() -> None:
    assert base64.b64decode(as_bits([0, 2, 9], 10)) == b"\x05\x02"


def test_a_large_selection_is_small() -> None:
    assert len(as_bits(range(50_000), 70_000)) < 12_000


@pytest.mark.parametrize(
    "bits",
    [None, 3, [1], "A", "AA==", "////", "!!!!", "AAA=" * 1000, "AAD/", base64.b64encode(b"\0\4").decode()],
)
def test_other_texts_are_refused(bits: object) -> None:
    with pytest.raises(ValueError, match="`bits` must"):
        from_bits(bits, 10)
