"""Tests of the moving average of the weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.training.ema import Average


def test_the_average_follows_its_equation() -> None:
    model = nn.Linear(3, 2).double()
    average = Average(model, 0.6)
    wanted = model.weight.detach().clone()
    for step in range(20):
        with torch.no_grad():
            model.weight.add_(torch.randn(2, 3, generator=torch.Generator().manual_seed(step)))
        average.update(step)
        kept = min(0.6, (1 + step) / (10 + step))
        wanted = kept * wanted + (1 - kept) * model.weight.detach()
    assert not torch.equal(model.weight, wanted)  # the model itself has other weights
    average.apply()
    torch.testing.assert_close(model.weight.detach(), wanted)


def test_the_untrained_weights_are_forgotten_quickly() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1000.0)
    average = Average(model, 0.9999)
    nn.init.constant_(model.weight, 1.0)
    for step in range(100):
        average.update(step)
    average.apply()
    assert model.weight.item() == pytest.approx(1.0, abs=1e-3)


def test_without_a_decay_nothing_is_averaged() -> None:
    model = nn.Linear(3, 2)
    before = model.weight.detach().clone()
    average = Average(model, 0.0)
    average.update(0)
    average.apply()
    assert torch.equal(model.weight, before) and not average.means
