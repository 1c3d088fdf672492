"""Tests of item names: unique, parsed as displayed, and rows in old links."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.latent.item_names import ItemNames
from explorer.sharing.exports import items_csv

SPLIT = ["test"] * 3 + ["train"] * 3
NAMES = ItemNames(SPLIT, np.array([7, 3518, 0, 7, 124, 2], np.int64))


def test_each_row_has_a_name_of_its_own_that_is_read_back() -> None:
    shown = [NAMES.name(row) for row in range(6)]
    assert shown == ["test 7", "test 3518", "test 0", "train 7", "train 124", "train 2"]
    assert [NAMES.find(name) for name in shown] == list(range(6))
    assert [NAMES.from_address(NAMES.token(row)) for row in range(6)] == list(range(6))
    assert NAMES.token(1) == "test-3518" and NAMES.find(" Test #3518 ") == 1


def test_older_links_name_rows() -> None:
    assert NAMES.from_address("4") == 4 and NAMES.from_address("1073741824") == 1 << 30
    for text in ("", "-1", "4.0", "x", "12345678901", "٣"):
        with pytest.raises(ValueError, match="An item must be named such as test-12"):
            NAMES.from_address(text)


def test_an_unknown_number_is_reported_with_the_range() -> None:
    with pytest.raises(
        ValueError, match=r"no item train 9 .* It has test 0 to test 3518 and train 2 to train 124\."
    ):
        NAMES.find("train 9")
    assert NAMES.find("validation 7") is None and NAMES.find("smile") is None


def test_a_table_names_its_rows() -> None:
    assert NAMES.columns([4, 0]) == {
        "item": ["train 124", "test 7"],
        "split": ["train", "test"],
        "id": [124, 7],
        "row": [4, 0],
    }


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert NAMES.from_address(text) >= 0
    except ValueError as error:
        assert str(error).endswith(".") or "Got" in str(error)


def test_a_list_of_items_as_csv_names_them() -> None:
    atlas = SimpleNamespace(
        names=NAMES, attributes={}, texts={}, scores={"kl": np.arange(6, dtype=np.float32)}
    )
    assert items_csv(atlas, [4, 1]).decode().splitlines() == [
        "item,split,id,row,kl",
        "train 124,train,124,4,4",
        "test 3518,test,3518,1,1",
    ]
