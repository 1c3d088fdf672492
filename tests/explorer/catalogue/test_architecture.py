"""Architectures: layers, shapes and parameter counts of the modules."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch

from explorer.catalogue.architecture import describe, untrained
from models import MODELS


@pytest.mark.parametrize("key", MODELS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 20, 13)])
def test_counts_and_ends_are_those_of_the_model(key: str, shape: tuple[int, int, int]) -> None:
    sizes = {"latent": 9} if "latent" in {field.name for field in fields(MODELS[key].Config)} else {}
    model = MODELS[key](MODELS[key].Config(image_shape=shape, **sizes))
    found = describe(key, {"image_shape": list(shape), **sizes})
    assert found.parameters == sum(p.numel() for p in model.parameters())
    if model.spec.likelihood == "exact":  # one map, there and back, or one network over the pixels
        (part,) = found.parts
        assert part.parameters == found.parameters
        if model.spec.discrete:
            assert part.layers[-1].what.startswith("Conv2d 64 → 16") and "CausalConv" in str(part.layers)
            return
        assert sum(layer.parameters for layer in part.layers) == part.parameters == found.parameters
        c, h, w = model.spec.levels[0].shape
        assert part.layers[-1].shape == (c, h, w)
        return
    assert {part.name for part in found.parts} >= {"encoder", "decoder"}
    for part in found.parts:
        if part.name in ("encoder", "decoder"):
            held = sum(p.numel() for p in getattr(model, part.name).parameters())
            assert sum(layer.parameters for layer in part.layers) == held
    ends = {part.name: part.layers[-1].shape for part in found.parts}
    if model.spec.sequence:
        assert ends["encoder"] == (model.config.features,) and ends["recurrence"] == (model.config.belief,)
    else:
        assert ends["encoder"][0] in (9, 18)
    assert ends["decoder"] in (shape, (shape[0] * shape[1] * shape[2],))


def test_an_mlp_is_listed_by_layers() -> None:
    found = describe(
        "vae", {"image_shape": [1, 8, 8], "latent": 3, "network": "mlp", "width": 20, "depth": 2}
    )
    encoder, decoder = found.parts
    assert [layer.what for layer in encoder.layers] == [
        "Linear 64 → 20",
        "Tanh",
        "Linear 20 → 20",
        "Tanh",
        "Linear 20 → 6",
    ]
    assert encoder.layers[0].parameters == 64 * 20 + 20 and encoder.layers[1].parameters == 0
    assert found.sizes("encoder") == "20 → 6" and found.sizes("decoder") == "20 → 64"
    assert found.sizes("attic") == ""
    assert decoder.parameters == 3 * 20 + 20 + 20 * 20 + 20 + 20 * 64 + 64


def test_convolutions_show_their_kernels() -> None:
    found = describe("ae", {"image_shape": [1, 28, 28], "width": 4, "depth": 0})
    assert found.parts[0].layers[0].what == "Conv2d 1 → 4, 3×3, stride 2"
    assert found.parts[0].layers[0].shape == (4, 14, 14)
    assert found.sizes("encoder") == "4×14×14 → 8×7×7 → 16×4×4 → 32"
    assert found.parts[1].layers[-1].what == "ConvTranspose2d 4 → 1, 4×4, stride 2"


def test_invalid_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown model 'vea'"):
        describe("vea", {})
    with pytest.raises(ValueError, match="`latent` must lie in"):
        describe("vae", {"image_shape": [1, 8, 8], "latent": 0})


def test_it_does_not_advance_the_global_random_state() -> None:
    before = torch.get_rng_state()
    untrained("vae", {"image_shape": [1, 8, 8]})
    assert torch.equal(before, torch.get_rng_state())


def test_parallel_paths_of_a_block_are_one_layer() -> None:
    encoder, decoder = describe("vae", {"image_shape": [1, 8, 8], "latent": 3, "width": 4, "neck": 5}).parts
    assert encoder.layers[1].what == "Residual, two Conv2d 4 → 4, 3×3"
    assert encoder.layers[1].parameters == 2 * (4 * 4 * 9 + 4)
    assert encoder.layers[-1].what == "Neck 64 → 6, 5 hidden" and encoder.layers[-1].shape == (6,)
    assert decoder.layers[0].what == "Neck 3 → 64, 5 hidden"
    assert decoder.layers[0].parameters == (3 * 64 + 64) + (3 * 5 + 5) + (5 * 5 + 5) + (5 * 64 + 64)


def test_a_decoder_alone_is_listed_without_an_encoder() -> None:
    config = {"image_shape": [1, 8, 8], "latent": 3, "network": "mlp", "width": 20}
    (decoder,) = describe("decoder", config).parts
    assert [layer.what for layer in decoder.layers] == ["Linear 3 → 20", "Tanh", "Linear 20 → 64"]
