"""TAEF2, a tiny autoencoder for photographs (Ollin Boer Bohan, MIT), as a model in torch; for tests of importing.

Its weights are `taef2/taef2.safetensors` of the data folder. RGB in [0, 1], latents 32×H/8×W/8.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

__all__ = ["Taef2", "export"]

WIDTH, LATENT = 64, 32


class Block(nn.Module):
    """relu(c(x) + x), after x + p(x) if it pools."""

    def __init__(self, pool: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU()]
        self.conv = nn.Sequential(*layers[:-1])
        if pool:
            self.pool = nn.Sequential(
                nn.Conv2d(WIDTH, 256, 1, bias=False),
                nn.GroupNorm(4, 256),
                nn.ReLU(),
                nn.Conv2d(256, WIDTH, 1, bias=False),
            )

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "pool"):
            x = x + self.pool(x)
        return torch.relu(self.conv(x) + x)


class Bounded(nn.Module):
    """3 tanh(z / 3)."""

    def forward(self, z: Tensor) -> Tensor:
        return 3 * torch.tanh(z / 3)


class Taef2(nn.Module):
    """Encoder and decoder."""

    def __init__(self) -> None:
        super().__init__()
        encoder: list[nn.Module] = [nn.Conv2d(3, WIDTH, 3, padding=1), Block(False)]
        for pool in (False, False, True):
            encoder += [
                nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1, bias=False),
                *(Block(pool) for _ in range(3)),
            ]
        self.encoder = nn.Sequential(*encoder, nn.Conv2d(WIDTH, LATENT, 3, padding=1))
        decoder: list[nn.Module] = [Bounded(), nn.Conv2d(LATENT, WIDTH, 3, padding=1), nn.ReLU()]
        for pool in (True, False, False):
            decoder += [
                *(Block(pool) for _ in range(3)),
                nn.Upsample(scale_factor=2),
                nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
            ]
        self.decoder = nn.Sequential(*decoder, Block(False), nn.Conv2d(WIDTH, 3, 3, padding=1))

    @classmethod
    def from_file(cls, path: Path) -> Taef2:
        """Reads the weights."""
        model = cls()
        model.load_state_dict({name: values.float() for name, values in load_file(path).items()})
        return model.eval().requires_grad_(False)


def export(model: Taef2, folder: Path) -> Path:
    """Writes `encoder.onnx` and `decoder.onnx` for pictures of any size, as docs/export_onnx.md describes."""
    folder.mkdir()
    axes = {name: {0: "pictures", 2: f"{name}_rows", 3: f"{name}_columns"} for name in ("input", "output")}
    for name, shape in (("encoder", (2, 3, 32, 32)), ("decoder", (2, LATENT, 4, 4))):
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the only exporter without further dependencies is deprecated
            torch.onnx.export(
                getattr(model, name),
                (torch.zeros(shape),),
                str(folder / f"{name}.onnx"),
                input_names=["input"],
                output_names=["output"],
                dynamic_axes=axes,
                dynamo=False,
            )
    return folder
