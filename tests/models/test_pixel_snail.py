"""Tests of PixelSNAIL as an image model: its codes are grey levels, its likelihood sums to 1, it learns its data."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from models.data import load_data
from models.evaluation.codebook_use import codebook_metrics
from models.evaluation.likelihood import density
from models.pixel_snail import PixelSNAIL, PixelSNAILConfig


def snail(shape: tuple[int, int, int] = (1, 8, 8), **settings: Any) -> PixelSNAIL:
    torch.manual_seed(0)
    return PixelSNAIL(PixelSNAILConfig(shape, **({"greys": 4, "width": 8, "depth": 1} | settings))).eval()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(model: PixelSNAIL, count: int = 5) -> Tensor:
    return torch.rand(count, *model.image_shape, generator=seeded(7))


@pytest.mark.parametrize("shape", [(1, 8, 9), (3, 9, 8)])
def test_a_code_is_the_nearest_grey_level(shape: tuple[int, int, int]) -> None:
    model = snail(shape)
    x = images(model)
    (codes,) = model.codes(x)
    channels, height, width = shape
    assert codes.shape == (5, height, width * channels) and model.codebooks()[
        0
    ].flatten().tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    grey = (3 * x).round()
    torch.testing.assert_close(codes.view(5, height, width, channels).movedim(-1, 1).float(), grey)
    torch.testing.assert_close(model.decode(model.embed([codes])), grey / 3)
    torch.testing.assert_close(model.decode(model.encode(x).mean), grey / 3)


def test_a_channel_depends_only_on_earlier_channels() -> None:
    model = snail((3, 8, 8))
    (codes,) = model.codes(images(model))
    changed = codes.clone()
    changed[:, 2, 4] = (changed[:, 2, 4] + 1) % 4  # the green of a pixel
    moved = (model.network(codes) != model.network(changed)).any(1).any(0).flatten()
    place = 2 * 24 + 4
    assert not moved[: place + 1].any() and moved[place + 1], "its blue is the next"


def test_the_likelihoods_of_all_pictures_sum_to_1() -> None:
    """Sums over all values of the last six pixels, with the others fixed, relative to their total."""
    model = snail(greys=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=seeded(1))
        (codes,) = model.codes(images(model, 1))
        every = torch.tensor(list(itertools.product(range(3), repeat=6)))
        many = codes.flatten(1).repeat(len(every), 1)
        many[:, -6:] = every
        logs = model.network(codes).log_softmax(1)[0]
        held = sum(float(logs[codes[0, i // 8, i % 8], i // 8, i % 8]) for i in range(58))
        total = torch.logsumexp(-model.code_nll([many.view(-1, 8, 8)])[0], 0)
    assert float(total) == pytest.approx(held, abs=1e-3)


def test_it_learns_and_samples_the_training_images() -> None:
    model = snail(greys=2).train()
    stripes = torch.zeros(2, 1, 8, 8)
    stripes[0, :, ::2] = 1  # every other row, or every other column
    stripes[1, :, :, ::2] = 1
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        loss = model.loss(stripes)
        loss.total.backward()
        optimizer.step()
    assert loss.total.item() < math.log(2) + 1, "which of the two is all that is open"
    drawn = model.eval().sample(16, seeded())
    same = (drawn[:, None] == stripes[None]).flatten(2).all(2)
    assert same.any(1).float().mean() > 0.8 and same.any(0).all()


def test_progress_is_reported_for_each_pixel() -> None:
    told: list[tuple[int, int]] = []
    snail((3, 8, 8)).sample(1, seeded(), progress=lambda done, total: told.append((done, total)))
    assert told == [(n, 192) for n in range(1, 193)]


def test_given_codes_are_not_drawn_again() -> None:
    model = snail()
    given = model.codes(images(model))
    assert model.sample_codes(5, above=given) == given


def test_its_metrics_are_exact_and_name_the_grey_levels() -> None:
    model, data = snail(), load_data("digits", "test", limit=40)
    x = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        nats = model.code_nll(model.codes(x))[0].mean().item()
    bits = density(model, data)["bits_per_dim"]
    assert bits["value"] == pytest.approx(nats / 64 / math.log(2), rel=1e-5)
    assert "4 grey levels" in bits["protocol"] and "noise" not in bits["protocol"]
    found = codebook_metrics(model, data)
    assert found["prior_bits"]["value"] == pytest.approx(bits["value"], rel=1e-5)
    assert "bits_per_dim" not in found


@pytest.mark.parametrize(("name", "value"), [("greys", 1), ("greys", 257), ("width", 0), ("depth", -1)])
def test_settings_out_of_range_are_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must"):
        PixelSNAILConfig((1, 8, 8), **{name: value})
