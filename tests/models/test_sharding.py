"""Tests of split batches: put together, they equal the draws of a single process."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from models.sharding import SharedGenerator, batch_mean, draw, draw_bernoulli

CPU = torch.device("cpu")


def shares(count: int, whole: int) -> list[SharedGenerator]:
    """Returns the generators of all processes, with the same seed."""
    found = [SharedGenerator(CPU, rank, count) for rank in range(count)]
    for generator in found:
        generator.whole = whole
        generator.manual_seed(3)
    return found


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("source", [torch.randn, torch.rand, partial(torch.randint, 9)])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("whole", [3, 7, 24])
@pytest.mark.parametrize("repeats", [1, 4])
def test_each_process_uses_the_noise_of_its_images(
    source: partial[Tensor], count: int, whole: int, repeats: int
) -> None:
    alone = draw(source, (repeats * whole, 5, 2), seeded())
    assert torch.equal(alone, source((repeats * whole, 5, 2), generator=seeded()))
    for generator in shares(count, whole):
        kept = draw(source, (repeats * generator.own, 5, 2), generator)
        wanted = alone.view(repeats, whole, 5, 2)[:, generator.rank :: count].flatten(0, 1)
        assert torch.equal(kept, wanted)


def test_the_first_images_of_each_process_are_the_first_of_the_batch() -> None:
    alone = draw(torch.randn, (6, 5), seeded())
    kept = [draw(torch.randn, (3, 5), generator) for generator in shares(2, 24)]
    assert torch.equal(torch.stack(kept, 1).flatten(0, 1), alone)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("whole", [4, 7])
def test_each_process_keeps_the_pixels_of_its_images(
    channels: int, order: torch.memory_format, whole: int
) -> None:
    p = torch.rand(whole, channels, 6, 5, generator=seeded()).contiguous(memory_format=order)
    alone = draw_bernoulli(p, seeded())
    assert torch.equal(alone, torch.bernoulli(p, generator=seeded()))
    for generator in shares(3, whole):
        own = p[generator.rank :: 3].contiguous(memory_format=order)
        assert torch.equal(draw_bernoulli(own, generator), alone[generator.rank :: 3])


def test_a_process_without_an_image_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"`whole` must be at least 2, one image per process. Got 1"):
        draw(torch.randn, (1, 2), shares(2, 1)[1])


def test_in_a_single_process_the_mean_is_that_of_torch() -> None:
    values = torch.rand(7, 5, generator=seeded())
    assert torch.equal(batch_mean(values), values.mean())
    assert torch.equal(batch_mean(values, 0), values.mean(0))
