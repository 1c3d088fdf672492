"""How long a training takes: a measured step, and durations in words."""

from __future__ import annotations

import time
from dataclasses import fields

import pytest
import torch

from explorer.catalogue import training_time
from explorer.catalogue.architecture import untrained
from models import MODELS


@pytest.mark.parametrize("key", MODELS)
def test_every_model_can_be_timed(key: str) -> None:
    names = {field.name for field in fields(MODELS[key].Config)}
    small = {"latent": 8, "width": 4, "steps": 2}
    config = {"image_shape": (1, 8, 8)} | {name: value for name, value in small.items() if name in names}
    seconds = training_time.seconds_a_step(key, config, 16)
    assert seconds is not None and 0 < seconds < 5


def test_the_time_is_that_of_real_steps() -> None:
    config = {"image_shape": (1, 28, 28), "latent": 8, "network": "mlp", "width": 400, "depth": 2}
    told = training_time.seconds_a_step("ae", config, 64)
    model = untrained("ae", config)
    optimizer = torch.optim.AdamW(model.parameters())
    took = []
    for _ in range(5):
        began = time.perf_counter()
        optimizer.zero_grad()
        model.loss(torch.rand(64, 1, 28, 28)).total.backward()
        optimizer.step()
        took.append(time.perf_counter() - began)
    assert told is not None and 0.05 * min(took) < told < 20 * max(took)


def test_the_time_of_large_batches_is_extrapolated(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = MODELS["ae"].loss

    def loss(self, x, **rest):
        seen.append(len(x))
        return real(self, x, **rest)

    monkeypatch.setattr(MODELS["ae"], "loss", loss)
    assert training_time.seconds_a_step("ae", {"image_shape": (3, 64, 64), "width": 4}, 4096)
    assert training_time.seconds_a_step("ae", {"image_shape": (1, 8, 8), "width": 4}, 10)
    assert seen == [8, 8, 10, 10]


def test_a_model_that_is_too_large_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_time, "MOST", 1000)
    assert training_time.seconds_a_step("ae", {"image_shape": (1, 8, 8)}, 10) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (42.4, "42 s"), (94, "94 s"), (100, "2 min"), (3000, "50 min"), (4810, "1 h 20 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert training_time.in_words(seconds) == words


def test_two_dimensions_need_no_map() -> None:
    assert (
        training_time.map_seconds(4000, 2)
        < training_time.map_seconds(500, 3)
        < training_time.map_seconds(4000, 3)
    )
