"""Tests of augmentation: the range of each change, and its seed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.training.augment import AUGMENTATIONS, augment

SHAPE = (64, 4, 32, 16)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    return torch.rand(SHAPE, generator=seeded(7))


def test_a_flip_mirrors_about_half_of_the_images(x: Tensor) -> None:
    found = augment(x, ["flip"], seeded())
    same, mirrored = ((found == other).flatten(1).all(1) for other in (x, x.flip(3)))
    assert (same | mirrored).all() and 16 < mirrored.sum() < 48


def test_a_shift_moves_by_a_sixteenth_at_most_and_repeats_the_border(x: Tensor) -> None:
    found = augment(x, ["shift"], seeded())
    seen = set()
    for one, other in zip(x, found, strict=True):
        padded = torch.nn.functional.pad(one, (1, 1, 2, 2), mode="replicate")
        moves = [
            (row, column)
            for row in range(5)
            for column in range(3)
            if torch.equal(padded[:, row : row + 32, column : column + 16], other)
        ]
        assert moves
        seen.add(moves[0])
    assert len(seen) > 8


def test_colour_changes_stay_in_range_and_leave_the_opacity(x: Tensor) -> None:
    found = augment(x, ["colour"], seeded())
    assert found.min() >= 0 and found.max() <= 1
    assert torch.equal(found[:, 3], x[:, 3])
    gaps = (found - x)[:, :3].abs().flatten(1)
    assert gaps.max() <= 0.1001 and (gaps.amax(1) > 0).all()
    grey = augment(x[:, :1], ["colour"], seeded())
    assert grey.shape == (64, 1, 32, 16)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_same_seed_gives_the_same_change(x: Tensor, name: str) -> None:
    assert torch.equal(augment(x, [name], seeded(1)), augment(x, [name], seeded(1)))
    assert not torch.equal(augment(x, [name], seeded(1)), augment(x, [name], seeded(2)))
