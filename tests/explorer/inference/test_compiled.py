"""Tests of decoders as ONNX Runtime runs them: the same pictures as torch's, whatever the batch."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.inference.compiled import compiled, levels
from explorer.inference.decoder import Decoder
from models import MODELS
from models.vae import VAE, VAEConfig

LATENT = 6
SETTINGS: list[dict[str, Any]] = [
    {"image_shape": (3, 64, 64), "neck": 8},
    {"image_shape": (1, 28, 28), "likelihood": "bernoulli"},
    {"image_shape": (1, 20, 13), "network": "mlp", "likelihood": "gaussian"},
]


def make(kind: str, settings: dict[str, Any]) -> Any:
    """An untrained model; it takes those of the settings that it has."""
    torch.manual_seed(0)
    cls = MODELS[kind]
    names = {field.name for field in fields(cls.Config)}
    wanted = {"latent": LATENT, "width": 8, "k": 2, "steps": 2, "prior_depth": 0} | settings
    return cls(cls.Config(**{name: value for name, value in wanted.items() if name in names})).eval()


def codes(count: int, size: int = LATENT) -> Any:
    return np.random.default_rng(0).normal(0, 2, (count, size)).astype(np.float32)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "x".join(map(str, s["image_shape"])))
def test_pictures_equal_torchs(settings: dict[str, Any]) -> None:
    model = make("vae", settings)
    faster = compiled(model)
    for count in (1, 2, 7):
        with torch.inference_mode():
            expected = levels(model.decode(torch.from_numpy(codes(count)))).numpy()
        found = faster(codes(count))
        assert found.dtype == np.uint8 and found.shape == expected.shape and found.flags.c_contiguous
        assert np.abs(found.astype(int) - expected).max() <= 1
        assert (found != expected).mean() < 1e-3
    np.testing.assert_array_equal(faster(codes(7))[3:4], faster(codes(7)[3:4]))


def test_many_threads_share_it() -> None:
    faster = compiled(make("vae", SETTINGS[0]))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: faster(codes(8)[n : n + 1]), range(8)))
    np.testing.assert_array_equal(np.concatenate(found), faster(codes(8)))


def test_overflow_is_a_picture_without_nan() -> None:
    faster = compiled(make("vae", SETTINGS[2]))
    assert faster(np.full((1, LATENT), 3e38, np.float32)).dtype == np.uint8


def test_nan_is_black() -> None:
    x = torch.tensor([[[[float("nan"), 0.5, 1.0, 0.0, 2.0]]]])
    assert levels(x).flatten().tolist() == [0, 128, 255, 0, 255]


@pytest.mark.parametrize("kind", list(MODELS))
def test_every_model_compiles(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    model = make(kind, {"image_shape": (1, 12, 12)})
    decoder = Decoder(model, torch.device("cpu"))
    z = codes(3, model.spec.size)
    before = decoder(z).astype(int)
    with caplog.at_level(logging.WARNING):
        decoder.compile()
    assert not caplog.records
    assert np.abs(decoder(z) - before).max() <= 1


def test_a_model_that_cannot_be_compiled_falls_back_to_torch(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(VAE):
        def decode(self, z: Tensor) -> Tensor:
            return super().decode(z) + torch.linalg.qr(z @ z.T)[0].sum() * 0

    decoder = Decoder(Odd(VAEConfig((1, 8, 8), latent=LATENT, width=4)).eval(), torch.device("cpu"))
    before = decoder(codes(2))
    with caplog.at_level(logging.WARNING):
        decoder.compile()
    assert "Odd decodes with torch" in caplog.text
    np.testing.assert_array_equal(decoder(codes(2)), before)


def test_several_models_are_compiled_at_once() -> None:
    models = [make("vae", SETTINGS[1]) for _ in range(4)]
    with ThreadPoolExecutor(len(models)) as pool:
        made = list(pool.map(compiled, models))
    z = codes(3)
    for pixels in made:
        assert np.array_equal(pixels(z), made[0](z))
