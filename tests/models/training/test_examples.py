"""Tests of the examples: held-out images, and images that are read from disk in batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.data import load_data, validation_rows
from models.data.own import Preparation
from models.training.distributed import Processes
from models.training.examples import Examples, Loader, load_examples
from models.training.run import Run
from tests.conftest import tiny_run
from tests.models.own_pictures import make_pictures

TEAM = Processes(torch.device("cpu"))


def test_validation_images_are_used_if_asked_for_and_not_trained_on() -> None:
    whole, none = load_examples(tiny_run())
    assert none is None and len(whole) == 300
    for asked in ({"validation": 0.1}, {"patience": 3}, {"patience": 3, "seed": 1}):
        train, held = load_examples(tiny_run(**asked))
        assert held is not None and held.data.split == "validation" and len(held) == 150
        seen = {image.tobytes() for image in train.read(np.arange(len(train))).numpy()}
        assert len(seen) == len(train) == len(set(range(300)) - set(validation_rows("digits")))
        assert not any(image.tobytes() in seen for image in held.read(np.arange(len(held))).numpy())


def test_sequences_leave_out_the_digits_of_the_validation_split() -> None:
    options = {"source": "digits", "repeats": 2}
    train, held = load_examples(
        Run("td-vae", "moving-digits", {}, options, epochs=1, batch=8, validation=0.1)
    )
    assert held is not None and (len(train), len(held)) == (2 * (1_497 - 150), 150)
    assert not np.isin(train.rows % 1_497, validation_rows("digits")).any()


def test_own_images_without_a_validation_split_hold_out_a_seeded_share(tmp_path: Path) -> None:
    pictures = Preparation(str(make_pictures(tmp_path / "pictures", 30)), validation=0.0, size=16)

    def own(**changes: Any) -> tuple[Examples, Examples | None]:
        return load_examples(tiny_run(data="own-images", options=pictures.as_options(), **changes))

    train, held = own(validation=0.1)
    assert held is not None and (len(train), len(held)) == (24, 3)
    assert sorted([*train.rows, *held.rows]) == list(range(27))
    same, other = (own(validation=0.1, seed=seed)[1] for seed in (0, 1))
    assert same is not None and other is not None
    assert np.array_equal(same.rows, held.rows) and not np.array_equal(other.rows, held.rows)
    assert own()[1] is None
    with pytest.raises(
        ValueError, match=r"`validation` must hold out at least one image and leave one. Got 0.1 of 3"
    ):
        own(validation=0.1, limit=3)


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
