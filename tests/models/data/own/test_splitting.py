"""Tests of dividing images: seeded, by class, by group, and as the source has it."""

from __future__ import annotations

from collections import Counter

import pytest

from models.data.own.splitting import draw

KEYS = [f"{n}.png" for n in range(200)]
NONE = [""] * 200


def test_shares_and_seed() -> None:
    splits = draw(KEYS, NONE)
    assert Counter(splits) == {"train": 160, "validation": 20, "test": 20}
    assert draw(KEYS, NONE) == splits != draw(KEYS, NONE, seed=1)
    assert set(draw(KEYS, NONE, validation=0, test=0)) == {"train"}


def test_classes_keep_their_shares() -> None:
    strata = ["rare" if n % 20 == 0 else "common" for n in range(200)]
    splits = draw(KEYS, NONE, strata=strata)
    rare = Counter(split for split, kind in zip(splits, strata, strict=True) if kind == "rare")
    assert rare == {"train": 8, "validation": 1, "test": 1}
    assert Counter(splits) == {"train": 160, "validation": 20, "test": 20}


def test_groups_stay_together() -> None:
    groups = [f"patient {n // 8}" for n in range(200)]
    splits = draw(KEYS, NONE, groups=groups)
    for name in set(groups):
        assert len({split for split, group in zip(splits, groups, strict=True) if group == name}) == 1
    assert Counter(splits)["test"] in range(12, 29) and Counter(splits)["validation"] in range(12, 29)


def test_the_source_s_own_splits_are_kept() -> None:
    own = ["test"] * 50 + ["train"] * 150
    splits = draw(KEYS, own)
    assert splits[:50] == ["test"] * 50 and Counter(splits[50:]) == {"train": 135, "validation": 15}
    whole = ["test"] * 50 + ["validation"] * 50 + ["train"] * 100
    assert draw(KEYS, whole) == whole


def test_a_new_image_moves_hardly_any_other() -> None:
    before = draw(KEYS, NONE)
    after = draw([*KEYS, "new.png"], [*NONE, ""])[:200]
    assert sum(a != b for a, b in zip(before, after, strict=True)) <= 2


@pytest.mark.parametrize(("count", "splits"), [(1, 1), (2, 1), (3, 3), (7, 3)])
def test_few_images(count: int, splits: int) -> None:
    found = draw(KEYS[:count], NONE[:count])
    assert len(set(found)) == splits and "train" in found
    one_class = draw(KEYS[:count], NONE[:count], strata=["a"] * count)
    assert Counter(one_class)["train"] >= 1 and len(set(one_class)) == splits
