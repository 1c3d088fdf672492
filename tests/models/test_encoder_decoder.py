"""Tests of the encoder-decoder base: settings and their limits, a single linear layer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from models import MODELS
from models.ae import AE, AEConfig
from models.dae import DAEConfig
from models.encoder_decoder import NetworkConfig
from models.iwae import IWAEConfig
from models.k_sparse_ae import KSparseAEConfig
from models.pca import PCAConfig


def test_an_mlp_of_depth_0_is_a_single_linear_layer() -> None:
    model = AE(AEConfig((1, 8, 8), latent=5, network="mlp", depth=0))
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in layers] == [(64, 5), (5, 64)]
    assert not any(isinstance(module, nn.Tanh) for module in model.modules())


def test_nll_and_picture_are_those_of_the_likelihood() -> None:
    torch.manual_seed(0)
    model = AE(AEConfig((1, 8, 8), latent=2, width=4, likelihood="gaussian", sigma=0.5)).eval()
    z, x = torch.randn(3, 2), torch.rand(3, 1, 8, 8)
    output = model.decoder(z)
    torch.testing.assert_close(model.decode(z), output.clamp(0, 1))
    torch.testing.assert_close(model.nll(z, x), model.likelihood.nll(output, x))


@pytest.mark.parametrize("kind", MODELS)
def test_every_configuration_checks_its_images(kind: str) -> None:
    with pytest.raises(
        ValueError, match=r"`image_shape` must have sides of 8 to 256 pixels. Got \(1, 4, 4\)"
    ):
        MODELS[kind].Config((1, 4, 4))


@pytest.mark.parametrize(
    ("config", "settings", "message"),
    [
        (NetworkConfig, {"latent": 1025}, r"`latent` must lie in \[1, 1024\]. Got 1025"),
        (NetworkConfig, {"depth": 9}, r"`depth` must lie in \[0, 8\]. Got 9"),
        (NetworkConfig, {"neck": -1}, r"`neck` must lie in \[0, 4096\]. Got -1"),
        (NetworkConfig, {"sigma": 1e-5}, r"`sigma` must lie in \[0.0001, 10\]. Got 1e-05"),
        (NetworkConfig, {"likelihood": "x" * 99}, f"Unknown likelihood '{'x' * 80}'. Choose one of: bern"),
        (PCAConfig, {"latent": 65}, "`latent` must be at most 64, the values of an image. Got 65"),
        (
            DAEConfig,
            {"corruption": "blur"},
            "Unknown corruption 'blur'. Choose one of: masking, gaussian, salt",
        ),
        (DAEConfig, {"level": 1.5}, r"`level` must lie in \[0, 1\]. Got 1.5"),
        (MODELS["sparse-ae"].Config, {"rho": 0.0}, r"`rho` must lie in \[0.001, 0.5\]"),
        (MODELS["sparse-ae"].Config, {"weight": -1.0}, "`weight` must lie in"),
        (MODELS["contractive-ae"].Config, {"weight": -1.0}, "`weight` must lie in"),
        (KSparseAEConfig, {"k": 0}, r"`k` must lie in \[1, 32\] \(at most `latent`\). Got 0"),
        (KSparseAEConfig, {"k": 5, "latent": 4}, r"`k` must lie in \[1, 4\] \(at most `latent`\). Got 5"),
        (IWAEConfig, {"samples": 0}, r"`samples` must lie in \[1, 1000\]. Got 0"),
        (MODELS["beta-vae"].Config, {"beta": -1.0}, r"`beta` must lie in \[0, 1000\]"),
        (MODELS["beta-vae"].Config, {"free_bits": 11.0}, r"`free_bits` must lie in \[0, 10\] nats per dim"),
        (MODELS["capacity-vae"].Config, {"capacity": -1.0}, r"`capacity` must lie in \[0, 1000\] nats per"),
        (MODELS["capacity-vae"].Config, {"gamma": -1.0}, r"`gamma` must lie in \[0, 10000\]"),
    ],
)
def test_invalid_settings_are_refused(config: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config((1, 8, 8), **settings)
