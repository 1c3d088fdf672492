"""Tests of folders of diffusers and pythae: what they compute after the import, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from models import checkpoint
from models.foreign.conversion import DIFFUSERS, Convertible, convert, export, find_convertible
from models.foreign.runtime import Graph
from models.import_model import import_model
from models.system import extras

SIZE = 16
BLOCKS = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
SMALL: dict[str, dict[str, Any]] = {
    "AutoencoderKL": {"block_out_channels": (4, 4), "norm_num_groups": 2, "layers_per_block": 1, **BLOCKS},
    "AutoencoderTiny": {
        "encoder_block_out_channels": (4, 4),
        "decoder_block_out_channels": (4, 4),
        "num_encoder_blocks": (1, 1),
        "num_decoder_blocks": (1, 1),
    },
    "VQModel": {"block_out_channels": (4, 4), "norm_num_groups": 2, "num_vq_embeddings": 8, **BLOCKS},
    "AutoencoderDC": {
        "latent_channels": 4,
        "attention_head_dim": 4,
        "encoder_block_types": ("ResBlock", "EfficientViTBlock"),
        "decoder_block_types": ("ResBlock", "EfficientViTBlock"),
        "encoder_block_out_channels": (8, 8),
        "decoder_block_out_channels": (8, 8),
        "encoder_layers_per_block": (1, 1),
        "decoder_layers_per_block": (1, 1),
        "encoder_qkv_multiscales": ((), (5,)),
        "decoder_qkv_multiscales": ((), (5,)),
    },
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random models of each class of diffusers."""
    import diffusers

    folder = tmp_path_factory.mktemp("diffusers")
    torch.manual_seed(0)
    for name in DIFFUSERS:
        getattr(diffusers, name)(**SMALL[name]).save_pretrained(folder / name)
    return folder


def exported(found: Convertible | None, out: Path) -> None:
    """Converts a folder in this process, which spares the import of torch in another."""
    assert found is not None
    request = {"path": str(found.path), "out": str(out), "library": found.library, "name": found.name}
    export(request | {"size": SIZE if found.library == "diffusers" else None})


@pytest.mark.parametrize("name", DIFFUSERS)
def test_a_folder_of_diffusers_is_converted(name: str, folders: Path, tmp_path: Path) -> None:
    import diffusers

    found = find_convertible(folders / name)
    assert found == Convertible(folders / name, "diffusers", name)
    exported(found, tmp_path)
    encoder, decoder = (
        Graph((tmp_path / f"{part}.onnx").read_bytes(), part) for part in ("encoder", "decoder")
    )
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, SIZE, SIZE)).astype(np.float32)
    z = encoder.run(x, "output")
    model = getattr(diffusers, name).from_pretrained(folders / name).eval()
    with torch.no_grad():
        encoded = model.encode(torch.from_numpy(x))
        given = {"AutoencoderKL": "latent_dist", "AutoencoderDC": "latent"}.get(name, "latents")
        expected = getattr(encoded, given)
        expected = expected.mode() if name == "AutoencoderKL" else expected
        pictures = model.decode(torch.from_numpy(z)).sample
    np.testing.assert_allclose(z, expected.numpy(), atol=1e-4)
    np.testing.assert_allclose(decoder.run(z, "output"), pictures.numpy(), atol=1e-4)


def pythae_folder(folder: Path, **changes: Any) -> tuple[Path, nn.Module]:
    """A folder as pythae 0.1.2 writes it for a VAE with default networks, and the module of its weights."""
    torch.manual_seed(0)
    linear = nn.Linear
    model = nn.ModuleDict(
        {
            "encoder": nn.ModuleDict(
                {
                    "layers": nn.ModuleList([nn.Sequential(linear(64, 512), nn.ReLU())]),
                    "embedding": linear(512, 3),
                    "log_var": linear(512, 3),
                }
            ),
            "decoder": nn.ModuleDict(
                {
                    "layers": nn.ModuleList(
                        [
                            nn.Sequential(linear(3, 512), nn.ReLU()),
                            nn.Sequential(linear(512, 64), nn.Sigmoid()),
                        ]
                    )
                }
            ),
        }
    )
    folder.mkdir()
    config = {
        "name": "VAEConfig",
        "input_dim": [1, 8, 8],
        "latent_dim": 3,
        "uses_default_encoder": True,
        "uses_default_decoder": True,
        "reconstruction_loss": "mse",
    }
    (folder / "model_config.json").write_text(json.dumps(config | changes))
    torch.save({"model_state_dict": model.state_dict()}, folder / "model.pt")
    return folder, model


def test_a_folder_of_pythae_is_imported(tmp_path: Path) -> None:
    folder, model = pythae_folder(tmp_path / "pythae")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    levels = np.random.default_rng(0).integers(0, 256, (10, 8, 8), dtype=np.uint8)
    for place, picture in enumerate(levels):
        Image.fromarray(picture).save(pictures / f"{place}.png")
    found = import_model(folder, tmp_path / "mine", images=pictures, value_range="unit")
    assert (found.config.image_shape, found.config.latent_shape) == ((1, 8, 8), (3,))
    assert sorted(path.name for path in found.folder.iterdir()) == [
        "card.json",
        "decoder.onnx",
        "encoder.onnx",
        "weights.safetensors",
    ]
    ours = checkpoint.load(found.folder)
    x = torch.rand(5, 1, 8, 8)
    with torch.no_grad():
        z = model["encoder"]["embedding"](model["encoder"]["layers"][0](x.flatten(1)))
        decoded = model["decoder"]["layers"][1](model["decoder"]["layers"][0](z)).reshape(5, 1, 8, 8)
    torch.testing.assert_close(ours.encode(x).mean, z, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.decode(z), decoded, atol=1e-5, rtol=1e-4)


class Trap:
    """An object whose pickle creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def test_a_pickle_among_the_weights_is_never_run(tmp_path: Path) -> None:
    folder, _ = pythae_folder(tmp_path / "pythae")
    trap = tmp_path / "run"
    torch.save({"model_state_dict": Trap(trap)}, folder / "model.pt")
    with pytest.raises(ValueError, match="pythae cannot be converted: UnpicklingError"):
        exported(find_convertible(folder), tmp_path)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uses_default_encoder": False}, r"Its own is stored as encoder.pkl, a pickle"),
        ({"name": "VQVAEConfig"}, "'VQVAEConfig' is not supported. Choose one of: AEConfig"),
        ({"name": 5}, "'5' is not supported"),
    ],
)
def test_another_folder_of_pythae_is_refused(changes: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason):
        find_convertible(pythae_folder(tmp_path / "pythae", **changes)[0])


def test_another_folder_of_diffusers_is_refused(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(name: str, config: dict[str, Any], *files: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
        for file in files:
            (folder / file).write_bytes(b"{}")
        return folder

    weights = "diffusion_pytorch_model"
    kl = {"_class_name": "AutoencoderKL"}
    outside = written("outside", kl, f"{weights}-1.safetensors")
    (outside / f"{weights}.safetensors.index.json").write_text('{"weight_map": {"a": "../x.safetensors"}}')
    for folder, reason in (
        (
            written("other", {"_class_name": "UNet2DModel"}),
            "'UNet2DModel' is not supported. Choose one of: Auto",
        ),
        (written("pickle", kl, f"{weights}.bin"), r"A .bin file is a pickle, .* `safe_serialization=True`"),
        (outside, "must name files of its own folder only"),
    ):
        with pytest.raises(ValueError, match=reason):
            find_convertible(folder)
    assert find_convertible(written("plain", {"model_type": "bert"})) is None
    assert find_convertible(written("exported", kl, "encoder.onnx", "decoder.onnx")) is None
    with pytest.raises(ValueError, match="damaged cannot be converted: "):
        exported(find_convertible(written("damaged", kl, f"{weights}.safetensors")), tmp_path)
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "diffusers" else name)
    with pytest.raises(ValueError, match="Install the extra `diffusers`"):
        convert(Convertible(folders / "VQModel", "diffusers", "VQModel"), SIZE, tmp_path)
