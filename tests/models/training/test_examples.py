"""Tests of the examples: held-out images, and images that are read from disk in batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.data import load_data
from models.training.distributed import Processes
from models.training.examples import Examples, Loader, load_examples
from tests.conftest import tiny_run

TEAM = Processes(torch.device("cpu"))


def test_held_out_images_are_a_seeded_share_of_the_training_split() -> None:
    train, held = load_examples(tiny_run(validation=0.1))
    assert held is not None and (len(train), len(held)) == (270, 30)
    assert sorted([*train.rows, *held.rows]) == list(range(300))
    same, other = (load_examples(tiny_run(validation=0.1, seed=seed))[1] for seed in (0, 1))
    assert same is not None and other is not None
    assert np.array_equal(same.rows, held.rows) and not np.array_equal(other.rows, held.rows)
    assert load_examples(tiny_run())[1] is None
    with pytest.raises(
        ValueError, match=r"`validation` must hold out at least one image and leave one. Got 0.1 of 3"
    ):
        load_examples(tiny_run(validation=0.1, limit=3))


def test_mapped_images_are_prefetched_in_batches(tmp_path: Path) -> None:
    data = load_data("digits", "train", limit=90)
    mapped = np.memmap(tmp_path / "images", np.uint8, "w+", shape=data.images.shape)
    mapped[:] = data.images
    kept, lazy = (Examples(each, np.arange(5, 90)) for each in (data, replace(data, images=mapped)))
    assert lazy.slow and not kept.slow and isinstance(lazy.data.images, np.memmap)  # type: ignore[union-attr]
    run = tiny_run(batch=20)
    with Loader(kept, run, TEAM) as here, Loader(lazy, run, TEAM) as there:
        for step in (0, 1, 2, 3, 4, 7, 5):  # five to an epoch; a resumed run begins anywhere
            (ours, count), (theirs, same) = here.read(step), there.read(step)
            assert torch.equal(ours, theirs) and count == same == (5 if step == 4 else 20)
    first = torch.cat([here.rows(step) for step in range(5)])
    assert sorted(first.tolist()) == list(range(85))
